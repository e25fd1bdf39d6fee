// SPDX-License-Identifier: LGPL-2.1-or-later

import LinuxPrimitives
import TestSupport
import Testing

@testable import MountHelper

private func table(_ lines: String...) -> MountTable {
  MountTable(parsing: bytes(lines.map { $0 + "\n" }.joined()))
}

private let rootLine = "29 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw"

@Suite("The kernel's table of mounts")
struct MountTableTests {
  @Test func `A line is read as the kernel writes it`() {
    let table = table(
      rootLine,
      "311 29 0:53 / /home/a/mnt rw,nosuid,nodev,relatime - fuse.ext4 disk.img rw,user_id=1000")
    #expect(
      table.entries == [
        MountTableEntry(
          identifier: 29, parent: 1, connection: 8 << 20 | 1, mountPoint: bytes("/"),
          type: bytes("ext4"), superblockOptions: [bytes("rw")]),
        MountTableEntry(
          identifier: 311, parent: 29, connection: 53, mountPoint: bytes("/home/a/mnt"),
          type: bytes("fuse.ext4"),
          superblockOptions: [bytes("rw"), bytes("user_id=1000")]),
      ])
  }

  @Test(
    arguments: [
      ("rw,user_id=1000,group_id=100", false, true),
      ("rw,user_id=1000,group_id=100,allow_other", true, true),
      ("rw,user_id=1000,group_id=100,allow_other", false, false),
      ("rw,user_id=1000,group_id=100", true, false), ("rw,user_id=0,group_id=0", false, false),
      ("rw,user_id=1000,group_id=0", false, false), ("rw,user_id=10000,group_id=100", false, false),
      ("rw", false, false),
    ])
  func `A superblock is the caller's when it was made for the caller`(
    options: String, shares: Bool, isCallers: Bool
  ) throws {
    let table = table("30 29 0:53 / /m rw - fuse a \(options)")
    let entry = try #require(table.entries.first)
    #expect(entry.belongs(to: user, sharesWithOthers: shares) == isCallers)
  }

  @Test(
    arguments: [
      "", "shared:1", "shared:1 master:2", "shared:1 master:2 propagate_from:3 unbindable",
    ])
  func `Optional fields are any number`(fields: String) {
    let table = table("30 29 0:53 / /m rw \(fields) - fuse a rw")
    #expect(table.entries.map { $0.type } == [bytes("fuse")])
  }

  @Test(
    arguments: [
      (#"/a\040b"#, "/a b"), (#"/a\011b"#, "/a\tb"), (#"/a\012b"#, "/a\nb"),
      (#"/a\134b"#, #"/a\b"#), (#"/a\134040b"#, #"/a\040b"#), (#"/a\043"#, "/a#"),
      // What the kernel never writes stays as it is.
      (#"/a\"#, #"/a\"#), (#"/a\04"#, #"/a\04"#), (#"/a\088"#, #"/a\088"#), (#"/a\n"#, #"/a\n"#),
    ])
  func `Escapes of a path are undone once`(written: String, path: String) {
    let table = table("30 29 0:53 / \(written) rw - fuse.x a rw")
    #expect(table.entries.map { text($0.mountPoint) } == [path])
  }

  @Test func `Every byte survives the kernel's escaping`() {
    let path = (UInt8(1)...255).filter { $0 != 0x2f }
    let escaped = path.flatMap { byte -> [UInt8] in
      guard [0x20, 0x09, 0x0a, 0x5c, 0x23].contains(byte) else { return [byte] }
      let octal = String(byte, radix: 8)
      return bytes(#"\"# + String(repeating: "0", count: 3 - octal.count) + octal)
    }
    let line = bytes("30 29 0:53 / /") + escaped + bytes(" rw - fuse.x a rw\n")
    #expect(MountTable(parsing: line).entries.map { $0.mountPoint } == [bytes("/") + path])
  }

  @Test func `A number above 255 that looks like an escape does not trap`() {
    #expect(table(#"30 29 0:53 / /\777 rw - fuse.x a rw"#).entries.count == 1)
  }

  @Test(
    arguments: [
      "", " ", "-", "a b c", "30 29 0:53 / /m rw", "30 29 0:53 / /m rw -",
      "30 29 0:53 / /m rw shared:1 fuse.x a rw", "x 29 0:53 / /m rw - fuse.x a rw",
      "30 -1 0:53 / /m rw - fuse.x a rw", "30 29 053 / /m rw - fuse.x a rw",
      "30 29 0: / /m rw - fuse.x a rw", "30 29 0:4294967296 / /m rw - fuse.x a rw",
      "99999999999999999999 29 0:53 / /m rw - fuse.x a rw",
      "18446744073709551616 29 0:53 / /m rw - fuse.x a rw",
    ])
  func `A line that the kernel does not write is left out, and the others stay`(line: String) {
    #expect(table(rootLine, line, rootLine).entries.map { $0.identifier } == [29, 29])
  }

  @Test func `A separator in a path, source or type is none`() {
    let table = table(
      #"30 29 0:53 / /a\040-\040fuse.evil rw - ext4 - rw"#,
      #"31 29 0:54 / - rw - tmpfs \040-\040fuse.evil rw"#)
    #expect(table.entries.map { text($0.type) } == ["ext4", "tmpfs"])
    #expect(table.entries.map { text($0.mountPoint) } == ["/a - fuse.evil", "-"])
  }

  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func `No change of a line traps`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let line = bytes(rootLine + "\n")
    for _ in 0..<500 {
      var changed = line
      for _ in 0..<Int.random(in: 1..<4, using: &generator) {
        changed[Int.random(in: changed.indices, using: &generator)] =
          bytes(" \n\\:-0179/").randomElement(using: &generator) ?? 0
      }
      #expect(MountTable(parsing: changed).entries.count <= 4)
    }
  }

  @Test(
    arguments: [
      ("fuse", true), ("fuse.x", true), ("fuse.", true), ("fuseblk", false),
      ("fuseblk.x", false), ("fusectl", false), ("ext4", false), ("Fuse", false), ("fus", false),
    ])
  func `What fusermount3 counts is counted`(type: String, counts: Bool) {
    let table = table("30 29 0:53 / /m rw - \(type) a rw")
    #expect(table.entries.map { $0.countsAsFuse } == [counts])
  }

  @Test func `Mounts are found by id`() {
    let table = table(
      rootLine, "30 29 0:53 / /m rw - fuse.x a rw", "31 30 0:54 / /m rw - fuse.y b rw",
      "32 29 0:55 / /n rw - fuse.z c rw")
    #expect(table.entry(31)?.type == bytes("fuse.y"))
    #expect(table.entry(33) == nil)
  }

  @Test func `A mount is covered by one on its root, not by one below or beside it`() throws {
    let table = table(
      rootLine, "30 29 0:53 / /m rw - fuse.x a rw", "31 30 0:54 / /m rw - fuse.y b rw",
      "32 31 0:55 / /m/below rw - fuse.z c rw", "33 29 0:56 / /mm rw - fuse.z d rw")
    #expect(table.entries.map { table.isCovered($0) } == [false, true, false, false, false])
  }

  @Test func `The table of this machine has its root`() throws {
    let table = try MountTable.read()
    let top = try openFile(bytes("/"), .path)
    #expect(table.entry(try top.mountID())?.mountPoint == bytes("/"))
  }
}
