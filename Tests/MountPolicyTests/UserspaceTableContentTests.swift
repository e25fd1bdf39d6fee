// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import Testing

@Suite("What utab holds")
struct UserspaceTableContentTests {
  @Test(
    arguments: [
      ("", 0), ("\n\n", 0), ("# TARGET=/a\n", 0), ("something else\n", 0), ("XTARGET=/a\n", 0),
      ("SRC=a TARGET=/a ROOT=/ OPTS=x-a\n", 1), ("SRC=a TARGET=/a ROOT=/ OPTS=x-a", 1),
      ("ID=7 SRC=a TARGET=/a OPTS=x-a\nTARGET=/b ATTRS=c\n", 2),
      ("SRC=a TARGET=/a OPTS=x=TARGET=/b\n", 1), ("SRC=TARGET= OPTS=x\n", 0),
      ("SRC=a TARGET=/a\nSRC=a TARGET=/a\n\nSRC=a TARGET=/a\n", 3),
      ("SRC=\u{e9} TARGET=/\u{1f600} ROOT=/\n", 1),
    ])
  func `Its entries are the lines with a target`(content: String, number: Int) {
    #expect(UserspaceTableContent.numberOfEntries(Array(content.utf8)) == number)
  }
}
