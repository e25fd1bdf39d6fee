// SPDX-License-Identifier: LGPL-2.1-or-later

internal import ServerSupport

/// What the adapter has to know of one file system's server: its own command line, which the unit's
/// `ExecStart=` has.
struct ServiceDescription: Equatable {
  /// Whether the source is never written to, whatever the caller asks for.
  var isReadOnly = false
  /// Whether the source is an address of the web and no file.
  var isOnTheWeb = false
  /// Whether the kernel checks permissions by the owners and modes that the server shows.
  var hasDefaultPermissions = false
  /// What stands among the server's options where the source may be written to.
  var readWriteWord = text("rw")
  /// Words of `-o` that the caller may hand to the server: `fakeroot`, or `uid=` with any value.
  var callerWords: [[UInt8]] = []
  /// Words of `-o` whose values are more files, such as `journal=`.
  var fileWords: [[UInt8]] = []
  /// How lines begin that the server writes always, which are no reason for anything.
  var banners: [[UInt8]] = []
  /// How long the server may take until it serves, in seconds.
  var startSeconds: Int64 = 60
  /// The server's program and its arguments, with `{source}`, `{mountpoint}` and `{options}` where
  /// those belong.
  var command: [[UInt8]] = []

  /// Reads the adapter's own arguments.
  init(arguments: [[UInt8]]) throws(DescriptionError) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if equals(argument, "--") {
        command = Array(rest)
        break
      }
      try take(argument)
    }
    if isOnTheWeb && !fileWords.isEmpty { throw .filesOnTheWeb }
    guard let program = command.first else { throw .missingServer }
    guard program.first == UInt8(ascii: "/") else { throw .relativeServer(program) }
    for placeholder in ["{source}", "{mountpoint}"]
    where !command.contains(where: { holds($0, text(placeholder)) }) {
      throw .missingPlaceholder(text(placeholder))
    }
  }

  private mutating func take(_ argument: [UInt8]) throws(DescriptionError) {
    if equals(argument, "--read-only") {
      isReadOnly = true
    } else if equals(argument, "--url") {
      isOnTheWeb = true
      isReadOnly = true
    } else if equals(argument, "--default-permissions") {
      hasDefaultPermissions = true
    } else if let word = value(of: argument, after: "--read-write-word="), !word.isEmpty {
      readWriteWord = word
    } else if let word = value(of: argument, after: "--option="), !word.isEmpty {
      callerWords.append(word)
    } else if let word = value(of: argument, after: "--file-option="), word.last == equalsSign {
      fileWords.append(word)
    } else if let beginning = value(of: argument, after: "--banner="), !beginning.isEmpty {
      banners.append(beginning)
    } else if let seconds = value(of: argument, after: "--start-timeout=") {
      guard let number = wholeNumber(seconds), (1...300).contains(number) else {
        throw .badTimeout(argument)
      }
      startSeconds = number
    } else {
      throw .unknownArgument(argument)
    }
  }
}

/// Why a description is none.
enum DescriptionError: Error, Equatable {
  /// An argument that is not known, or lacks its value.
  case unknownArgument([UInt8])
  /// A time that is not from 1 to 300 seconds.
  case badTimeout([UInt8])
  /// Files in options of a server that has no source file.
  case filesOnTheWeb
  /// No `--` with a command behind it.
  case missingServer
  /// A server without an absolute path.
  case relativeServer([UInt8])
  /// A command without the place of the source, or of the mount point.
  case missingPlaceholder([UInt8])

  /// The error in plain words, one line.
  var message: [UInt8] {
    switch self {
    case .unknownArgument(let argument):
      return text("unknown or incomplete argument '") + argument
        + text("' (see fuse-service-adapter --help)")
    case .badTimeout(let argument):
      return text("'") + argument + text("': a time is from 1 to 300 seconds")
    case .filesOnTheWeb:
      return text("--file-option is not for --url")
    case .missingServer:
      return text("no server: give -- and its command line")
    case .relativeServer(let program):
      return text("'") + program + text("': name the server by its absolute path")
    case .missingPlaceholder(let placeholder):
      return text("the server's command line has no ") + placeholder
    }
  }
}

/// Whether `part` stands somewhere in `bytes`.
func holds(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
  guard bytes.count >= part.count else { return false }
  return (0...(bytes.count - part.count)).contains { bytes[$0...].starts(with: part) }
}

/// A number of at most nine decimal digits, or `nil`.
func wholeNumber(_ digits: [UInt8]) -> Int64? {
  guard (1...9).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
    return nil
  }
  return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
}

let equalsSign = UInt8(ascii: "=")
