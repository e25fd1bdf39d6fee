// SPDX-License-Identifier: LGPL-2.1-or-later

/// One of the ways in which a server may read the list that travels to it.
public struct ListReader: Sendable {
  /// What a double quote does to the commas up to the next.
  enum Quotes: CaseIterable {
    case none
    case anywhere
    case afterEquals
  }

  /// What a backslash does.
  enum Escapes: CaseIterable {
    case none
    /// It takes the next byte, or three octal digits, as a byte of the word (libfuse).
    case taken
    /// It keeps a comma from ending a word (libmount).
    case kept
  }

  var escapes: Escapes
  var quotes: Quotes
  /// Whether quotes are left out of the words.
  var dropsQuotes: Bool

  /// Every way, the plainest first: it splits at commas.
  public static let all: [ListReader] = Escapes.allCases.flatMap { escapes in
    Quotes.allCases.flatMap { quotes in
      [false, true].map { ListReader(escapes: escapes, quotes: quotes, dropsQuotes: $0) }
    }
  }

  /// The words of `list`; a word ends at a NUL in it, as a string of C does.
  public func words(of list: [UInt8]) -> [[UInt8]] {
    var words: [[UInt8]] = []
    var word: [UInt8] = []
    var isQuoted = false
    var rest = list[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: ","), !isQuoted {
        words.append(word)
        word = []
      } else if byte == UInt8(ascii: "\\"), escapes == .taken, let next = rest.first {
        let octal = rest.prefix(3).map { $0 &- 0x30 }
        if octal.count == 3, octal[0] < 4, octal.allSatisfy({ $0 < 8 }) {
          word.append(octal.reduce(0) { $0 << 3 | $1 })
          rest = rest.dropFirst(3)
        } else {
          word.append(next)
          rest = rest.dropFirst()
        }
      } else if byte == UInt8(ascii: "\\"), escapes == .kept, rest.first == UInt8(ascii: ",") {
        word += [byte, rest.removeFirst()]
      } else if byte == UInt8(ascii: "\"") {
        let begins = word.last == UInt8(ascii: "=")
        if quotes == .anywhere || quotes == .afterEquals && (isQuoted || begins) {
          isQuoted.toggle()
        }
        if !dropsQuotes { word.append(byte) }
      } else {
        word.append(byte)
      }
    }
    words.append(word)
    return words.map { Array($0.prefix { $0 != 0 }) }
  }
}
