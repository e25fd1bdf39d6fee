// SPDX-License-Identifier: LGPL-2.1-or-later

import MountHelper
import MountPolicy
import MountProtocol

extension FuzzTarget {
  /// The input is a command line, the program's name first, each word up to its NUL. It is read as
  /// it stands, and under the names that choose the one form and the other.
  public static let commandline = FuzzTarget(name: "commandline") {
    (bytes) throws(BrokenPromise) in
    var input = FuzzInput(bytes)
    let words = input.fields()
    _ = try read(words)
    let operands = Array(words.dropFirst())
    for name in ["fuservicemount3", "/sbin/mount.fuse.ext4", "mount.fuse"] {
      let line = [Array(name.utf8)] + operands
      switch try read(line) {
      case .mount(let mount), .fake(let mount):
        if name == "fuservicemount3" {
          try promiseDirectForm(mount, of: operands)
        } else {
          try promiseMountCommandForm(mount, of: operands)
        }
        try promiseMount(mount)
      case .check, .list, .help, .version, nil:
        break
      }
    }
  }

  private static func read(_ words: [[UInt8]]) throws(BrokenPromise) -> Invocation? {
    do throws(UsageError) {
      return try Invocation.parse(words)
    } catch {
      try promiseIsShownSafely(error.explanation)
      return nil
    }
  }

  // MARK: Both forms

  private static func promiseMount(_ mount: MountInvocation) throws(BrokenPromise) {
    func what() -> String { "\(mount)" }
    try promise(!mount.mountPoint.isEmpty, what())
    try promise(mount.operands.contains(mount.mountPoint), what())
    try promise(mount.otherOperands.count == mount.operands.count - 1, what())
    if let timeout = mount.timeout { try promise((1...86_400).contains(timeout), what()) }
    // What travels, travels whole.
    let sent = [Array("type".utf8)] + mount.serverArguments
    let arrived = try? ArgumentsFile.decode(ArgumentsFile.encode(sent))
    try promise(arrived == sent, what())
    for setting: UInt8 in 0..<2 {
      let scene = try Scene(
        setting: setting, optionArguments: mount.optionArguments, ownWords: mount.ownWords,
        operands: mount.otherOperands, mountPoint: mount.mountPoint)
      try scene.promiseOptions(readIn: optionLists(of: mount.serverArguments))
    }
  }

  /// The option lists that libfuse's reader finds in a server's command line.
  private static func optionLists(of sent: [[UInt8]]) -> [[UInt8]] {
    var lists: [[UInt8]] = []
    var rest = sent[...]
    while let word = rest.popFirst() {
      if word == Array("--".utf8) { break }
      if word == Array("-o".utf8) {
        lists.append(rest.popFirst() ?? [])
      } else if word.starts(with: Array("-o".utf8)) {
        lists.append(Array(word.dropFirst(2)))
      } else if word == Array("-r".utf8) {
        lists.append(Array("ro".utf8))
      }
    }
    return lists
  }

  /// Whether `words` stand in `line` in the same order, with others between them.
  private static func stand(_ words: [[UInt8]], in line: [[UInt8]]) -> Bool {
    var rest = words[...]
    for word in line where word == rest.first { rest.removeFirst() }
    return rest.isEmpty
  }

  // MARK: The helper's own form

  private static func promiseDirectForm(
    _ mount: MountInvocation, of line: [[UInt8]]
  ) throws(BrokenPromise) {
    let sent = mount.serverArguments
    func what() -> String { "\(sent.map(shown)) of \(line.map(shown))" }
    try promiseNoOwnWord(in: sent, what)
    // A list that words were taken out of stands nowhere in the line.
    if mount.ownWords.isEmpty {
      try promise(stand(sent, in: line), what())
      try promiseNothingLost(sent, of: line, what)
    }
    for word in mount.ownWords { try promise(CallerOptions.isTimeout(word), what()) }

    // The rest means the same without the words that were taken out.
    let name = Array("fuservicemount3".utf8)
    let again = try read([name, Array("-t".utf8), mount.type] + sent)
    guard case .mount(let second) = again else {
      throw BrokenPromise(description: "\(what()) reads as \(String(describing: again))")
    }
    try promise(
      second.serverArguments == sent && second.operands == mount.operands
        && second.optionArguments == mount.optionArguments && second.timeout == nil
        && second.ownWords.isEmpty,
      "\(what()) reads as \(second)")
  }

  /// The helper's own words do not travel, but where the caller made them values or operands.
  private static func promiseNoOwnWord(
    in sent: [[UInt8]], _ what: () -> String
  ) throws(BrokenPromise) {
    let own = [
      "-t", "--timeout", "--check", "--verbose", "--help", "--version", "--list", "--json",
    ].map { Array($0.utf8) }
    var rest = sent[...]
    while let word = rest.popFirst() {
      if word == Array("--".utf8) { break }
      try promise(!own.contains(word) && !word.starts(with: Array("--timeout=".utf8)), what())
      if word == Array("-o".utf8) { _ = rest.popFirst() }
    }
  }

  /// What does not travel is the helper's own, or an empty source.
  private static func promiseNothingLost(
    _ sent: [[UInt8]], of line: [[UInt8]], _ what: () -> String
  ) throws(BrokenPromise) {
    let valued = ["-t", "--timeout"].map { Array($0.utf8) }
    var expected = sent[...]
    var rest = line[...]
    while let word = rest.popFirst() {
      if expected.first == word, !valued.contains(word) || expected.count > rest.count {
        expected.removeFirst()
        if word == Array("-o".utf8), expected.first == rest.first, !rest.isEmpty {
          expected.removeFirst()
          rest.removeFirst()
        }
      } else if valued.contains(word) {
        _ = rest.popFirst()
      } else {
        try promise(
          word.isEmpty || word == Array("--verbose".utf8)
            || word.starts(with: Array("--timeout=".utf8)), "\(shown(word)) is not in \(what())")
      }
    }
  }

  // MARK: mount(8)'s form

  private static func promiseMountCommandForm(
    _ mount: MountInvocation, of line: [[UInt8]]
  ) throws(BrokenPromise) {
    let sent = mount.serverArguments
    func what() -> String { "\(sent.map(shown)) of \(line.map(shown))" }
    try promise((1...2).contains(mount.operands.count), what())
    var operands: [[UInt8]] = []
    var lists: [[UInt8]] = []
    var rest = sent[...]
    while let word = rest.popFirst() {
      guard word == Array("-o".utf8) else {
        try promise(word.first != UInt8(ascii: "-") || word.count == 1, what())
        operands.append(word)
        continue
      }
      guard let value = rest.popFirst(), let words = try? OptionList.words(ofServerList: value)
      else { throw BrokenPromise(description: what()) }
      try promise(!words.isEmpty, what())
      for word in words {
        try promise(
          !CallerOptions.isMountCommandOption(word) && !CallerOptions.isTimeout(word),
          "\(shown(word)) is in \(what())")
        let isGiven = line.contains { argument in
          (try? OptionList.words(ofServerList: argument))?.contains(word) == true
        }
        try promise(isGiven, "\(shown(word)) is new in \(what())")
      }
      lists.append(value)
    }
    // What is read is what travels.
    try promise(lists == mount.optionArguments, what())
    try promise(operands == mount.operands, what())
  }
}
