// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals
internal import MountPolicy

/// One pass over the command line with which mount(8) calls its helpers:
/// `SOURCE TARGET [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]`.
///
/// mount.fuse3 of libfuse calls in the same form and leaves SOURCE out when it is empty.
struct MountCommandForm {
  private let typeInName: [UInt8]?
  private var mount = MountInvocation()
  private var isFake = false
  private var typeOption: [UInt8]?
  private var remaining: ArraySlice<[UInt8]> = []

  init(typeInName: [UInt8]?) { self.typeInName = typeInName }

  mutating func parse(_ words: [[UInt8]]) throws(UsageError) -> Invocation {
    if words == [text("--help")] || words == [text("-h")] { return .help }
    if words == [text("--version")] || words == [text("-V")] { return .version }
    remaining = words[...]
    while let word = remaining.popFirst() {
      if word.starts(with: [UInt8(ascii: "-")]) && word.count > 1 {
        try takeOption(word)
      } else if !word.isEmpty || !mount.operands.isEmpty {
        mount.operands.append(word)
        mount.serverArguments.append(word)
      }
    }
    guard let type = typeOption ?? typeInName else { throw .missingType }
    guard !mount.mountPoint.isEmpty else { throw .missingMountPoint }
    if mount.operands.count > 2 { throw .unexpected(word: mount.operands[2]) }
    mount.type = type
    return isFake ? .fake(mount) : .mount(mount)
  }

  private mutating func takeOption(_ word: [UInt8]) throws(UsageError) {
    if word == "-o" {
      try takeOptions(try value(of: word))
    } else if word == "-t" {
      guard typeOption == nil else { throw .repeated(option: word) }
      typeOption = try value(of: word)
    } else if word == "-N" {
      throw .otherNamespace
    } else {
      try takeLetters(word)
    }
  }

  /// `-s` (sloppy) asks for nothing that is done here anyway; the others concern the helper alone.
  private mutating func takeLetters(_ word: [UInt8]) throws(UsageError) {
    for letter in word.dropFirst() {
      switch letter {
      case UInt8(ascii: "s"): break
      case UInt8(ascii: "f"): isFake = true
      case UInt8(ascii: "n"): mount.recordsNothing = true
      case UInt8(ascii: "v"): mount.isVerbose = true
      default: throw .unknown(option: word)
      }
    }
  }

  /// The server gets the options that are neither mount(8)'s nor the helper's own. They are split as
  /// mount(8) splits them, and travel as they were written; how the rest is read afterwards depends
  /// on nothing but what travels.
  private mutating func takeOptions(_ options: [UInt8]) throws(UsageError) {
    let words: [[UInt8]]
    do throws(Refusal) {
      words = try OptionList.words(ofServerList: options)
    } catch {
      throw .openQuote(options)
    }
    var forServer: [[UInt8]] = []
    for word in words {
      if CallerOptions.isMountCommandOption(word) || CallerOptions.isTimeout(word) {
        mount.ownWords.append(word)
      } else {
        forServer.append(word)
      }
    }
    guard let first = forServer.first else { return }
    let list = forServer.dropFirst().reduce(first) { $0 + [UInt8(ascii: ",")] + $1 }
    mount.optionArguments.append(list)
    mount.serverArguments += [text("-o"), list]
  }

  private mutating func value(of option: [UInt8]) throws(UsageError) -> [UInt8] {
    guard let value = remaining.popFirst() else { throw .missingValue(option: option) }
    return value
  }
}
