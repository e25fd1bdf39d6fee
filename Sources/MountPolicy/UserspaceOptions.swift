// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// What a server wants recorded in utab (MTAB). Never refused as a whole: the mount does not depend
/// on it, so what cannot be taken is dropped with a warning.
public struct UserspaceOptions: Equatable, Sendable {
  /// The `x-…` words in their order, each once.
  public private(set) var words: [[UInt8]] = []
  /// Whether the server wants nothing recorded (`-n`).
  public private(set) var recordsNothing = false
  /// What was dropped.
  public private(set) var warnings: [UserspaceOptionWarning] = []

  /// The most that is recorded, in bytes with the commas.
  public static let maximumLength = 4096

  /// More warnings than this only say how many there are.
  private static let maximumWarnings = 8

  /// Reads a list as the server sent it.
  public init(_ list: [UInt8]) {
    var length = 0
    var further = 0
    for part in list[...].split(separator: UInt8(ascii: ",")) {
      let word = Array(part)
      if word == "-n" {
        recordsNothing = true
        continue
      }
      let isTaken = word.begins(with: "x-") && UserspaceOptions.isRecordable(word)
      if isTaken, words.contains(word) { continue }
      if isTaken, length + word.count + 1 <= UserspaceOptions.maximumLength {
        words.append(word)
        length += word.count + 1
      } else if warnings.count < UserspaceOptions.maximumWarnings {
        warnings.append(isTaken ? .tooLong(word) : warning(dropping: word))
      } else {
        further += 1
      }
    }
    if further > 0 { warnings.append(.further(further)) }
  }

  private func warning(dropping word: [UInt8]) -> UserspaceOptionWarning {
    word.rest(after: text("user=")).map { .userName($0) } ?? .dropped(word)
  }

  /// Whether a word can stand in utab without becoming another one there: no line break, no comma
  /// or quote that would begin or swallow a word such as `uhelper=`, no backslash to decode.
  static func isRecordable(_ word: [UInt8]) -> Bool {
    !word.holdsControlByte
      && !word.contains {
        $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\")
      }
  }

  /// The bytes that `words` have, with a comma each.
  static func length(of words: [[UInt8]]) -> Int { words.reduce(0) { $0 + $1.count + 1 } }
}

/// What of a server's userspace options is not recorded.
public enum UserspaceOptionWarning: Equatable, Sendable {
  /// A word that is no `x-…`, or holds a byte that utab cannot.
  case dropped([UInt8])
  /// A `user=`: the helper records the caller's name itself, and no other. Not worth a line when it
  /// is the caller's own, which libfuse's servers repeat.
  case userName([UInt8])
  /// A word beyond the 4096 bytes that are recorded.
  case tooLong([UInt8])
  /// So many more words were dropped.
  case further(Int)

  /// One line in words, with the server's bytes as they are: it goes through `escaped(_:limit:)`
  /// before it is shown.
  public var line: [UInt8] {
    switch self {
    case .dropped(let word):
      return text("option '") + Refusal.shortened(word)
        + text("' from the server is not recorded in the mount table")
    case .userName(let name):
      return UserspaceOptionWarning.dropped(text("user=") + name).line
    case .tooLong(let word):
      return text("option '") + Refusal.shortened(word)
        + text("' from the server is not recorded: the list is longer than 4096 bytes")
    case .further(let count):
      return digits(UInt64(count)) + text(" more options from the server are not recorded")
    }
  }
}
