// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import Testing

@Suite("Types")
struct SubtypeTests {
  private func parse(_ type: [UInt8]) throws -> [UInt8] {
    try Subtype.parse(type, maximumLength: 20)
  }

  @Test(
    arguments: [
      ("fuse.squashfs", "squashfs"), ("fuseblk.ntfs", "ntfs"), ("ext4", "ext4"), ("fuse", "fuse"),
      ("fuse.fuse.x", "fuse.x"), ("fuse.fuseblk.x", "fuseblk.x"), ("...", "..."), ("-x", "-x"),
      ("a b", "a b"), ("fuse.$()", "$()"), ("fuse.\u{e9}", "\u{e9}"),
      ("fuse.12345678901234567890", "12345678901234567890"),
    ] as [(String, String)])
  func `A type names its service`(type: String, subtype: String) throws {
    #expect(try parse(bytes(type)) == bytes(subtype))
  }

  @Test(arguments: ["", "fuse.", "fuseblk."])
  func `A type without a service is refused`(type: String) {
    #expect(throws: Refusal.emptyType) { try parse(bytes(type)) }
  }

  @Test(arguments: [
    "..", ".", "fuse...", "fuse..", "a/b", "fuse./", "/run/x", "fuse.../x", "a\nb", "\u{1b}[m",
    "a\u{0}", "a\u{7f}",
  ])
  func `A type that is no file name in one directory is refused`(type: String) throws {
    let name =
      type.split(separator: ".", maxSplits: 1).count == 2 || type.hasPrefix("fuse.")
      ? type.replacing("fuse.", with: "", maxReplacements: 1) : type
    #expect(throws: Refusal.badType(bytes(name))) { try parse(bytes(type)) }
  }

  @Test func `A type that overflows the socket's path is refused`() {
    let name = bytes("123456789012345678901")
    #expect(throws: Refusal.typeTooLong(name, maximumLength: 20)) {
      try parse(bytes("fuse.") + name)
    }
  }
}
