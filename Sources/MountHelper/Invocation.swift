// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// What the command line asks for.
public enum Invocation: Equatable, Sendable {
  /// Mount a file system through its service.
  case mount(MountInvocation)
  /// Tell by the exit status whether the caller can use a service for this type (`--check`), and in
  /// words as well when that is asked for (`--verbose`).
  case check(type: [UInt8], isVerbose: Bool)
  /// Show the types that have a service (`--list`), for scripts with `--json`.
  case list(asJSON: Bool)
  /// Succeed without doing anything (mount(8)'s `-f`).
  case fake(MountInvocation)
  /// Print the help text.
  case help
  /// Print the version.
  case version
}

/// A command line that asks for a mount.
public struct MountInvocation: Equatable, Sendable {
  /// The type as given: `fuse.X`, `fuseblk.X` or `X`.
  public var type: [UInt8] = []
  /// The operands after an empty source is dropped: the mount point is the second, or the only one.
  public var operands: [[UInt8]] = []
  /// Every argument of `-o` as it travels, and `ro` for each `-r`, in order.
  public var optionArguments: [[UInt8]] = []
  /// The words of `-o` that do not travel, in order.
  public var ownWords: [[UInt8]] = []
  /// What travels to the server, in order, without the subtype that goes first.
  public var serverArguments: [[UInt8]] = []
  /// How long the server may take over each step, in seconds, if the command line says (`--timeout`).
  public var timeout: UInt32?
  /// Whether to tell each step (`--verbose`, or `-v` in mount(8)'s form).
  public var isVerbose = false
  /// Whether nothing may be recorded in the mount table (mount(8)'s `-n`).
  public var recordsNothing = false

  /// The mount point: the second operand, or the only one.
  public var mountPoint: [UInt8] { operands.count > 1 ? operands[1] : operands.first ?? [] }

  /// The operands other than the mount point: files that the server may ask for.
  public var otherOperands: [[UInt8]] {
    var others = operands
    if !others.isEmpty { others.remove(at: others.count > 1 ? 1 : 0) }
    return others
  }
}

/// Why a command line asks for nothing that can be done.
public enum UsageError: Error, Equatable, Sendable {
  /// There is no type: neither `-t` nor the program's name tells it.
  case missingType
  /// There is no mount point.
  case missingMountPoint
  /// An option stands last that needs a value.
  case missingValue(option: [UInt8])
  /// An option of the helper's own is given twice.
  case repeated(option: [UInt8])
  /// `--timeout` is not a whole number of seconds from 1 to 86,400.
  case badTimeout([UInt8])
  /// Words stand beside one that stands alone, such as `--check`.
  case unexpected(word: [UInt8])
  /// A word that mount(8)'s convention does not have.
  case unknown(option: [UInt8])
  /// A double quote in the options is never closed.
  case openQuote([UInt8])
  /// mount(8) asks for a mount in another namespace.
  case otherNamespace

  /// What is wrong and what to do.
  public var explanation: [UInt8] {
    switch self {
    case .missingType:
      return text("no file system type; say it with -t TYPE")
    case .missingMountPoint:
      return text("no mount point; see fuservicemount3 --help")
    case .missingValue(let option):
      return option + text(": needs a value")
    case .repeated(let option):
      return option + text(": given twice")
    case .badTimeout(let value):
      return text("--timeout ") + value
        + text(": not a whole number of seconds from 1 to 86400")
    case .unexpected(let word):
      return word + text(": not expected here; see fuservicemount3 --help")
    case .unknown(let option):
      return option + text(": unknown option; see fuservicemount3 --help")
    case .openQuote(let options):
      return text("-o ") + options + text(": a double quote is not closed")
    case .otherNamespace:
      return text("-N: cannot mount in another namespace; enter it first with nsenter(1)")
    }
  }
}

/// The longest wait that can be asked for, in seconds.
let maximumTimeout: UInt32 = 86_400

extension Invocation {
  /// Reads a command line, the program's name first. Which of the two forms it has, the program's
  /// name tells: `mount.fuse.TYPE` is called by mount(8), every other name by people and scripts.
  public static func parse(_ arguments: [[UInt8]]) throws(UsageError) -> Invocation {
    let name = programName(arguments.first ?? [])
    let words = Array(arguments.dropFirst())
    guard name.begins(with: "mount.fuse") else { return try parseDirect(words) }
    var form = MountCommandForm(typeInName: typeInProgramName(name))
    return try form.parse(words)
  }

  /// The last component of the path by which the program was called.
  static func programName(_ path: [UInt8]) -> [UInt8] {
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return path }
    return Array(path[(slash + 1)...])
  }

  /// The type that `mount.fuse.TYPE` or `mount.fuseblk.TYPE` names, if the name does.
  static func typeInProgramName(_ name: [UInt8]) -> [UInt8]? {
    for prefix in [text("mount.fuse."), text("mount.fuseblk.")] {
      if name.starts(with: prefix), name.count > prefix.count {
        return Array(name.dropFirst(prefix.count))
      }
    }
    return nil
  }
}

/// Reads a whole number of seconds.
func parseTimeout(_ text: [UInt8]) throws(UsageError) -> UInt32 {
  var value: UInt32 = 0
  guard !text.isEmpty, text.count <= 6 else { throw .badTimeout(text) }
  for byte in text {
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { throw .badTimeout(text) }
    value = value * 10 + UInt32(byte - UInt8(ascii: "0"))
  }
  guard (1...maximumTimeout).contains(value) else { throw .badTimeout(text) }
  return value
}
