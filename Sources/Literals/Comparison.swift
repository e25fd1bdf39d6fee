// SPDX-License-Identifier: LGPL-2.1-or-later

/// Bytes beside texts that stand in the source, of which no copy is made for it.
extension [UInt8] {
  /// Whether the bytes are those of the text.
  public static func == (bytes: [UInt8], literal: StaticString) -> Bool {
    bytes.count == literal.utf8CodeUnitCount && bytes.begins(with: literal)
  }

  /// Whether the bytes are others than those of the text.
  public static func != (bytes: [UInt8], literal: StaticString) -> Bool { !(bytes == literal) }

  /// Whether the bytes begin with those of the text.
  public func begins(with literal: StaticString) -> Bool {
    // A literal's bytes live as long as the program.
    unsafe starts(
      with: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
  }
}

extension StaticString {
  /// Whether the bytes are one of the words in this text, which have a space between them: a list that
  /// is there without being made.
  public func hasWord(_ word: [UInt8]) -> Bool {
    // A literal's bytes live as long as the program.
    let list = unsafe UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    var beginning = 0
    for end in 0...list.count {
      guard unsafe end == list.count || list[end] == 0x20 else { continue }
      if unsafe list[beginning..<end].elementsEqual(word) { return true }
      beginning = end + 1
    }
    return false
  }
}
