// SPDX-License-Identifier: LGPL-2.1-or-later

/// Splitting of comma-separated option lists into words.
///
/// Two readers, because two languages exist: the caller's `-o` follows libfuse's `fuse_opt_parse`
/// and mount(8), while what a server sends is read as the kernel reads it, where a backslash is no
/// escape (CVE-2018-10906 was a checker that read `\,` in another way than its kernel). What the
/// helper enforces of the caller's list depends on neither: see `pieces(ofArgument:)`.
public enum OptionList {
  /// The words of one `-o` argument of the caller.
  ///
  /// A comma ends a word unless a backslash stands before it or it is inside double quotes. A
  /// backslash takes the next byte as it is, or three octal digits for a byte of that value; a word
  /// ends at a NUL written so. Quotes stay in the word, as libfuse's reader leaves them, and one
  /// that is never closed is an ordinary byte. Words of no byte are left out.
  public static func words(ofArgument argument: [UInt8]) -> [[UInt8]] {
    var words: [[UInt8]] = []
    var word: [UInt8] = []
    var isQuoted = false
    var index = 0
    let lastQuote = lastClosingQuote(in: argument)
    while index < argument.count {
      let byte = argument[index]
      if byte == UInt8(ascii: ","), !isQuoted {
        append(word, to: &words)
        word = []
      } else if byte == UInt8(ascii: "\\"), index + 1 < argument.count {
        if let octal = octalByte(argument, at: index + 1) {
          word.append(octal)
          index += 3
        } else {
          word.append(argument[index + 1])
          index += 1
          // mount(8) sees a quote here, escaped or not; so `ro` behind it counts for both.
          if argument[index] == UInt8(ascii: "\""), index <= lastQuote { isQuoted.toggle() }
        }
      } else {
        if byte == UInt8(ascii: "\""), index <= lastQuote { isQuoted.toggle() }
        word.append(byte)
      }
      index += 1
    }
    append(word, to: &words)
    return words
  }

  /// What stands between two commas of one `-o` argument of the caller, and what servers may make of
  /// it.
  public struct Piece: Equatable, Sendable {
    /// Every word that some reader of the list may find here.
    public var readings: [[UInt8]]
    /// Whether every reader finds here one word, the same.
    public var isCertain: Bool
  }

  /// All that some server may read as a word in one `-o` argument of the caller, in order.
  ///
  /// Servers read the list that travels to them in their own ways: libfuse's know escapes and no
  /// quotes, others split at every comma, others heed quotes, anywhere or only behind `=`. A word
  /// that restricts, and so holds no comma, stands between two commas for each of them, so it is
  /// found here whoever reads; but what any of them may take for a part of another word is not
  /// certain, and must not loosen anything.
  public static func pieces(ofArgument argument: [UInt8]) -> [Piece] {
    allPieces(of: argument).filter { !$0.readings.isEmpty }
  }

  /// `argument` without the words for which `isTaken` holds and which every reader sees, and these
  /// words. The rest reads as before. It is `nil` when no word is left of one that had some.
  public static func taking(
    from argument: [UInt8], where isTaken: ([UInt8]) -> Bool
  ) -> (rest: [UInt8]?, taken: [[UInt8]]) {
    var rest: [[UInt8]] = []
    var taken: [[UInt8]] = []
    let parts = argument[...].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    for (part, piece) in zip(parts, allPieces(of: argument)) {
      if piece.isCertain, isTaken(Array(part)) {
        taken.append(Array(part))
      } else {
        rest.append(Array(part))
      }
    }
    guard !taken.isEmpty else { return (argument, []) }
    guard rest.contains(where: { !$0.isEmpty }) else { return (nil, taken) }
    return (Array(rest.joined(separator: [UInt8(ascii: ",")])), taken)
  }

  /// The pieces of an argument, those of no byte included.
  private static func allPieces(of argument: [UInt8]) -> [Piece] {
    let comma = UInt8(ascii: ",")
    let backslash = UInt8(ascii: "\\")
    let quote = UInt8(ascii: "\"")
    let quotesAgree = quotesAgree(in: argument)
    var isQuoted = false
    // Whether all readers see a comma that ends a word before the piece.
    var beginIsCertain = true
    var pieces: [Piece] = []
    for part in argument[...].split(separator: comma, omittingEmptySubsequences: false) {
      let text = Array(part)
      let beganQuoted = isQuoted
      if !quotesAgree, text.contains(quote) { isQuoted = true }
      if quotesAgree, !text.filter({ $0 == quote }).count.isMultiple(of: 2) { isQuoted.toggle() }
      let isPlain = !text.contains { $0 == backslash || $0 == quote }
      let endIsCertain = !isQuoted && text.last != backslash
      pieces.append(
        Piece(
          readings: text.isEmpty ? [] : isPlain ? [text] : readings(of: text),
          isCertain: isPlain && beginIsCertain && endIsCertain && !beganQuoted))
      beginIsCertain = endIsCertain
    }
    return pieces
  }

  /// The words that one piece may be: as it is, with escapes undone, and both without quotes.
  private static func readings(of text: [UInt8]) -> [[UInt8]] {
    var readings: [[UInt8]] = []
    for escaped in [text, undoingEscapes(text)] {
      for word in [escaped, escaped.filter { $0 != UInt8(ascii: "\"") }] {
        let word = Array(word.prefix { $0 != 0 })
        if !word.isEmpty, !readings.contains(word) { readings.append(word) }
      }
    }
    return readings
  }

  /// The words of a list that a server sent.
  ///
  /// A comma ends a word unless it is inside double quotes; nothing escapes. Words of no byte are
  /// left out, as the kernel does.
  /// - Throws: `Refusal.openQuote` when a quote is never closed.
  public static func words(ofServerList list: [UInt8]) throws(Refusal) -> [[UInt8]] {
    var words: [[UInt8]] = []
    var word: [UInt8] = []
    var isQuoted = false
    for byte in list {
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if byte == UInt8(ascii: ","), !isQuoted {
        if !word.isEmpty { words.append(word) }
        word = []
      } else {
        word.append(byte)
      }
    }
    guard !isQuoted else { throw .openQuote(word) }
    if !word.isEmpty { words.append(word) }
    return words
  }

  /// A word's key and value, split at the first `=`; the value is `nil` where there is none.
  public static func keyAndValue(_ word: [UInt8]) -> (key: [UInt8], value: [UInt8]?) {
    guard let separator = word.firstIndex(of: UInt8(ascii: "=")) else { return (word, nil) }
    return (Array(word[..<separator]), Array(word[(separator + 1)...]))
  }

  /// A value without the double quotes around it; `nil` when it has none.
  public static func unquoted(_ value: [UInt8]) -> [UInt8]? {
    guard value.count >= 2, value.first == UInt8(ascii: "\""), value.last == UInt8(ascii: "\"")
    else { return nil }
    return Array(value[1..<(value.count - 1)])
  }

  private static func append(_ word: [UInt8], to words: inout [[UInt8]]) {
    let text = Array(word.prefix { $0 != 0 })
    if !text.isEmpty { words.append(text) }
  }

  /// `text` with each backslash taken as libfuse takes it.
  private static func undoingEscapes(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var index = 0
    while index < text.count {
      if text[index] == UInt8(ascii: "\\"), index + 1 < text.count {
        if let octal = octalByte(text, at: index + 1) {
          result.append(octal)
          index += 3
        } else {
          result.append(text[index + 1])
          index += 1
        }
      } else {
        result.append(text[index])
      }
      index += 1
    }
    return result
  }

  /// Whether every reader that heeds quotes finds the same words in quotes: each begins a value and
  /// ends it, and no backslash is near.
  private static func quotesAgree(in argument: [UInt8]) -> Bool {
    var isOpen = false
    for (index, byte) in argument.enumerated() {
      if byte == UInt8(ascii: "\\") { return false }
      guard byte == UInt8(ascii: "\"") else { continue }
      if isOpen {
        guard index + 1 == argument.count || argument[index + 1] == UInt8(ascii: ",") else {
          return false
        }
      } else if index == 0 || argument[index - 1] != UInt8(ascii: "=") {
        return false
      }
      isOpen.toggle()
    }
    return !isOpen
  }

  /// The byte that three octal digits at `index` stand for; `nil` when there are none.
  private static func octalByte(_ bytes: [UInt8], at index: Int) -> UInt8? {
    guard bytes.count - index >= 3, (UInt8(ascii: "0")...UInt8(ascii: "3")).contains(bytes[index])
    else { return nil }
    var value: UInt8 = 0
    for byte in bytes[index..<(index + 3)] {
      guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(byte) else { return nil }
      value = value << 3 | (byte - UInt8(ascii: "0"))
    }
    return value
  }

  /// The index of the last quote that closes one; -1 without any.
  private static func lastClosingQuote(in bytes: [UInt8]) -> Int {
    var last = -1
    var isOpen = false
    for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\"") {
      if isOpen { last = index }
      isOpen.toggle()
    }
    return last
  }
}
