// SPDX-License-Identifier: LGPL-2.1-or-later

import ServerSupport
import Testing

@testable import SingleFile

@Suite struct TextTests {
  @Test(arguments: [
    ("plain ~", "plain ~"), ("a\nb", "a\\x0ab"), ("\u{1b}[31m", "\\x1b[31m"), ("\u{7f}", "\\x7f"),
    ("é", "\\xc3\\xa9"),
  ])
  func `What is logged is printable`(message: String, line: String) {
    #expect(escaped(text(message)) == text(line))
  }
}
