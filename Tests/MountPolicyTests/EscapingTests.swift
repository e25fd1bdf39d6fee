// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import Testing

@Suite("Escaping")
struct EscapingTests {
  @Test(
    arguments: [
      ("", ""), ("plain text ~!", "plain text ~!"), (#"a\b"#, #"a\\b"#), ("a\nb", #"a\x0ab"#),
      ("\u{1b}[31m", #"\x1b[31m"#), ("\u{0}\u{7f}\t", #"\x00\x7f\x09"#),
      ("\u{9b}31m", #"\u{9b}31m"#), ("\u{85}", #"\u{85}"#), ("\u{a0}é€😀", #"\u{a0}é€😀"#),
      ("a\u{202e}b", #"a\u{202e}b"#), ("\u{2066}\u{2069}\u{200f}", #"\u{2066}\u{2069}\u{200f}"#),
      ("\u{61c}", #"\u{61c}"#), ("\u{2028}\u{2029}", #"\u{2028}\u{2029}"#),
      ("\u{200b}\u{feff}\u{ad}", #"\u{200b}\u{feff}\u{ad}"#), ("\u{e0041}", #"\u{e0041}"#),
      ("\u{10ffff}\u{d7ff}\u{e000}", "\\u{10ffff}\u{d7ff}\u{e000}"),
    ] as [(String, String)])
  func `Text becomes one printable line`(raw: String, shown: String) {
    #expect(text(escaped(bytes(raw))) == shown)
  }

  @Test(
    arguments: [
      0x80...0xa0, 0xad...0xad, 0x34f...0x34f, 0x600...0x605, 0x61c...0x61c, 0x115f...0x1160,
      0x1680...0x1680, 0x17b4...0x17b5, 0x180b...0x180f, 0x2000...0x200f, 0x2028...0x202f,
      0x205f...0x206f, 0x2800...0x2800, 0x3000...0x3000, 0x3164...0x3164, 0xfdd0...0xfdef,
      0xfe00...0xfe0f, 0xfeff...0xfeff, 0xffa0...0xffa0, 0xfff0...0xfffc, 0xfffe...0xffff,
      0x1_10bd...0x1_10bd, 0x1_3430...0x1_343f, 0x1_bca0...0x1_bca3,
      0x1_d173...0x1_d17a, 0x1_fffe...0x1_ffff, 0xd_fffe...0xe_0fff, 0x10_fffe...0x10_ffff,
    ] as [ClosedRange<UInt32>])
  func
    `A character that acts or does not show is written as its number, and its neighbours are not`(
      range: ClosedRange<UInt32>
    ) throws
  {
    for value in range {
      let scalar = try #require(Unicode.Scalar(value))
      #expect(text(escaped(bytes(String(scalar)))) == "\\u{\(String(value, radix: 16))}")
    }
    // 0x7f is one byte, and so `\x7f`.
    for value in [range.lowerBound - 1, range.upperBound + 1] where value != 0x7f {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let shown = text(escaped(bytes(String(scalar))))
      #expect(shown == String(scalar), "U+\(String(value, radix: 16))")
    }
  }

  @Test func `No character shows that Unicode calls ignorable, a format or a separator`() {
    for value in (UInt32(0x80)...0x10_ffff) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let properties = scalar.properties
      let hides: Bool
      switch properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator: hides = true
      default:
        hides =
          properties.isDefaultIgnorableCodePoint || properties.isBidiControl
          || properties.isNoncharacterCodePoint
      }
      if hides { #expect(escaped(bytes(String(scalar))).first == UInt8(ascii: "\\")) }
    }
  }

  @Test(
    arguments: [
      ([0xff], #"\xff"#), ([0xc3], #"\xc3"#), ([0xc3, 0x28], #"\xc3("#),
      ([0x80, 0x41], #"\x80A"#), ([0xc0, 0xaf], #"\xc0\xaf"#),
      ([0xe0, 0x80, 0xaf], #"\xe0\x80\xaf"#),
      ([0xed, 0xa0, 0x80], #"\xed\xa0\x80"#), ([0xf0, 0x80, 0x80, 0xaf], #"\xf0\x80\x80\xaf"#),
      ([0xf4, 0x90, 0x80, 0x80], #"\xf4\x90\x80\x80"#),
      ([0xf5, 0x80, 0x80, 0x80], #"\xf5\x80\x80\x80"#),
      ([0xe2, 0x82], #"\xe2\x82"#), ([0x9b, 0x33], #"\x9b3"#),
    ] as [([UInt8], String)])
  func `Bytes that are no UTF-8 are shown as numbers`(raw: [UInt8], shown: String) {
    #expect(text(escaped(raw)) == shown)
  }

  @Test func `Whatever comes in, what comes out is printable and no longer than allowed`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let raw = (0..<Int.random(in: 0...80, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      let limit = Int.random(in: 0...100, using: &generator)
      let shown = escaped(raw, limit: limit)
      #expect(shown.count <= limit)
      #expect(!shown.contains { $0 < 0x20 || $0 == 0x7f })
      #expect(String(validating: shown, as: UTF8.self) != nil)
    }
  }

  @Test(
    arguments: [
      ("abcdef", 6, "abcdef"), ("abcdefg", 6, "abc..."), ("abc\u{1b}", 6, "abc..."),
      ("ab\u{1b}", 6, #"ab\x1b"#), ("éé", 4, "éé"), ("ééa", 4, "..."), ("ééab", 5, "é..."),
      ("abcd", 3, "..."), ("abcd", 2, ".."), ("abcd", 0, ""), ("", 0, ""),
    ] as [(String, Int, String)])
  func `What is over the limit is cut between characters and ends in dots`(
    raw: String, limit: Int, shown: String
  ) {
    #expect(text(escaped(bytes(raw), limit: limit)) == shown)
  }

  @Test func `The limit is 512 bytes unless told otherwise`() {
    #expect(escaped([UInt8](repeating: 0x61, count: 512)).count == 512)
    let cut = escaped([UInt8](repeating: 0x61, count: 60_000))
    #expect(cut.count == 512)
    #expect(text(cut).hasSuffix("a..."))
  }
}
