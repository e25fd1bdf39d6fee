// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals
internal import MountPolicy

extension Invocation {
  /// Reads `[SOURCE] MOUNTPOINT -t TYPE [-o OPTIONS]… [server options]`. The helper's own words are
  /// taken out; everything else travels to the server as it stands.
  static func parseDirect(_ words: [[UInt8]]) throws(UsageError) -> Invocation {
    var form = DirectForm()
    return try form.parse(words)
  }
}

/// Words that ask for something else than a mount, and permit no other beside them.
private let standingAlone: StaticString = "--help --version --list --json"

private var timeoutPrefix: [UInt8] { text("--timeout=") }

/// One pass over a command line in the helper's own form.
private struct DirectForm {
  private var mount = MountInvocation()
  private var type: [UInt8]?
  private var isCheck = false
  private var remaining: ArraySlice<[UInt8]> = []
  private var onlyOperands = false

  mutating func parse(_ words: [[UInt8]]) throws(UsageError) -> Invocation {
    if words == [text("--help")] || words == [text("-h")] { return .help }
    if words == [text("--version")] || words == [text("-V")] { return .version }
    let list = text("--list")
    let json = text("--json")
    if words == [list] { return .list(asJSON: false) }
    if words == [list, json] || words == [json, list] { return .list(asJSON: true) }
    remaining = words[...]
    while let word = remaining.popFirst() {
      if onlyOperands || !word.starts(with: [UInt8(ascii: "-")]) || word.count == 1 {
        takeOperand(word)
      } else {
        try takeOption(word)
      }
    }
    if isCheck { return try check() }
    guard let type else { throw .missingType }
    guard !mount.mountPoint.isEmpty else { throw .missingMountPoint }
    mount.type = type
    return .mount(mount)
  }

  /// An empty first operand is a source left out; it does not travel.
  private mutating func takeOperand(_ word: [UInt8]) {
    if word.isEmpty && mount.operands.isEmpty { return }
    mount.operands.append(word)
    mount.serverArguments.append(word)
  }

  private mutating func takeOption(_ word: [UInt8]) throws(UsageError) {
    if word == "-t" {
      guard type == nil else { throw .repeated(option: word) }
      type = try value(of: word)
    } else if word == "--timeout" {
      try takeTimeout(try value(of: word))
    } else if word.starts(with: timeoutPrefix) {
      try takeTimeout(Array(word.dropFirst(timeoutPrefix.count)))
    } else if word == "--check" {
      guard !isCheck else { throw .repeated(option: word) }
      isCheck = true
    } else if word == "--verbose" {
      mount.isVerbose = true
    } else if standingAlone.hasWord(word) {
      throw .unexpected(word: word)
    } else {
      try takeServerOption(word)
    }
  }

  /// What travels. `-o` and `-r` are read on the way, because the helper enforces what they say.
  private mutating func takeServerOption(_ word: [UInt8]) throws(UsageError) {
    if word == "-o" {
      if let options = takeOptions(try value(of: word)) {
        mount.serverArguments += [word, options]
      }
    } else if word.begins(with: "-o") {
      if let options = takeOptions(Array(word.dropFirst(2))) {
        mount.serverArguments.append(text("-o") + options)
      }
    } else {
      mount.serverArguments.append(word)
      if word == "-r" {
        mount.optionArguments.append(text("ro"))
      } else if word == "--" {
        onlyOperands = true
      }
    }
  }

  /// Takes the words of the helper's own out of one `-o`; what travels of it, if anything.
  private mutating func takeOptions(_ options: [UInt8]) -> [UInt8]? {
    let (rest, own) = OptionList.taking(from: options, where: CallerOptions.isTimeout)
    mount.ownWords += own
    if let rest { mount.optionArguments.append(rest) }
    return rest
  }

  private mutating func takeTimeout(_ seconds: [UInt8]) throws(UsageError) {
    guard mount.timeout == nil else { throw .repeated(option: text("--timeout")) }
    mount.timeout = try parseTimeout(seconds)
  }

  private mutating func value(of option: [UInt8]) throws(UsageError) -> [UInt8] {
    guard let value = remaining.popFirst() else { throw .missingValue(option: option) }
    return value
  }

  private func check() throws(UsageError) -> Invocation {
    guard let type else { throw .missingType }
    if let word = mount.serverArguments.first ?? mount.ownWords.first {
      throw .unexpected(word: word)
    }
    guard mount.timeout == nil else { throw .unexpected(word: text("--timeout")) }
    return .check(type: type, isVerbose: mount.isVerbose)
  }
}
