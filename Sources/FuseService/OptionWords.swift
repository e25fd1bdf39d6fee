// SPDX-License-Identifier: LGPL-2.1-or-later

/// A double quote in the value of an `-o` that is not closed.
public struct OpenQuoteError: Error, Equatable, Sendable {
  /// The word that it stands in, to its end.
  public let word: [UInt8]
}

/// Splits the value of one `-o` into its words.
///
/// A backslash takes the next byte literally, or three octal digits as a byte, as libfuse has it
/// (`fuse_opt.h`). Where a value begins with a double quote, as those of security contexts do, commas
/// up to the closing one belong to it, as mount(8) has it; the quotes stay. Empty words are left
/// out.
///
/// - Throws: `OpenQuoteError` when such a quote is not closed.
public func optionWords(_ list: [UInt8]) throws(OpenQuoteError) -> [[UInt8]] {
  var words: [[UInt8]] = []
  var word: [UInt8] = []
  var quoted = false
  var position = 0
  while position < list.count {
    let byte = list[position]
    position += 1
    if byte == comma && !quoted {
      words.append(word)
      word = []
    } else if byte == backslash && position < list.count {
      word.append(unescaped(list, &position))
    } else {
      if byte == quote {
        if quoted { quoted = false } else if word.last == equalsSign { quoted = true }
      }
      word.append(byte)
    }
  }
  guard !quoted else { throw OpenQuoteError(word: word) }
  words.append(word)
  return words.filter { !$0.isEmpty }
}

/// The byte that an escape stands for; `position` is behind the backslash and moves on.
private func unescaped(_ list: [UInt8], _ position: inout Int) -> UInt8 {
  let digits = list[position...].prefix(3)
  let isOctal =
    digits.count == 3 && digits.allSatisfy { (0x30...0x37).contains($0) }
    && digits[position] <= 0x33
  guard isOctal else {
    defer { position += 1 }
    return list[position]
  }
  position += 3
  return digits.reduce(0) { $0 << 3 | ($1 - 0x30) }
}

private let comma = UInt8(ascii: ",")
private let backslash = UInt8(ascii: "\\")
private let quote = UInt8(ascii: "\"")
private let equalsSign = UInt8(ascii: "=")
