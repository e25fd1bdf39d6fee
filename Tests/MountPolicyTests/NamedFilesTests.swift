// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import Testing

@Suite("Named files")
struct NamedFilesTests {
  private let files = NamedFiles(
    operands: list("disk.img", "", "/dev/sdb1", "disk.img"), optionValues: list("/j", "", "5"))

  @Test func `Every name counts once and keeps its place`() {
    #expect(files.all == list("disk.img", "/dev/sdb1", "/j", "5"))
    #expect(
      NamedFiles(operands: list("b", "a"), optionValues: list("a", "c", "b")).all
        == list("b", "a", "c"))
  }

  @Test(arguments: ["disk.img", "/dev/sdb1", "/j", "5"])
  func `What the caller wrote is named`(path: String) {
    #expect(files.contains(bytes(path)))
  }

  @Test(arguments: [
    "/etc/shadow", "./disk.img", "disk.img/", "DISK.IMG", "disk.im", "disk.imgx", "../x/disk.img",
    "//dev/sdb1", "/dev/./sdb1", "/dev/../dev/sdb1", "/dev/sdb", "", "/", "/proc/self/exe",
  ])
  func `Another spelling, a sibling or a parent is not named`(path: String) {
    #expect(!files.contains(bytes(path)))
  }

  @Test func `Names are bytes, not characters`() {
    // The same letter composed and decomposed is two names; so are two kinds of invalid UTF-8.
    let composed = NamedFiles(operands: list("\u{e9}"), optionValues: [[0xff]])
    #expect(composed.contains(bytes("\u{e9}")))
    #expect(!composed.contains(bytes("e\u{301}")))
    #expect(composed.contains([0xff]))
    #expect(!composed.contains([0xfe]))
  }

  @Test func `Nothing is named by an empty command line`() {
    let none = NamedFiles(operands: [], optionValues: [])
    #expect(none.all.isEmpty)
    #expect(!none.contains([]))
    #expect(!none.contains(bytes("/etc/passwd")))
  }
}
