// SPDX-License-Identifier: LGPL-2.1-or-later

import ServerSupport
import Testing

@testable import SingleFile

@Suite struct NumberTests {
  @Test(
    arguments: [
      ("0", 0), ("1", 1), ("512", 512), ("1k", 1024), ("1K", 1024), ("3M", 3 << 20),
      ("2g", 2 << 30),
      ("8388607T", 8_388_607 << 40), ("9223372036854775807", .max), ("", nil), ("K", nil),
      ("1KK", nil), ("1.5M", nil), ("+1", nil), ("-1", nil), (" 1", nil), ("0x1", nil), ("1B", nil),
      ("9223372036854775808", nil), ("8388608T", nil), ("99999999999999999999999", nil),
    ] as [(String, Int64?)])
  func `A number of bytes is decimal with one suffix at most`(string: String, value: Int64?) {
    #expect(byteCount(text(string)) == value)
  }
}
