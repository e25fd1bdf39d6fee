// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import Testing

private func judge(
  mode: UInt32 = 0o040755, owner: UInt32 = 1000, writable: Bool = true, magic: UInt64 = 0xef53,
  caller: Caller = user
) -> Refusal? {
  refusal { () throws(Refusal) in
    try MountPointRules.judge(
      MountPointFacts(
        mode: mode, owner: owner, writableByCaller: writable, fileSystemMagic: magic),
      caller: caller)
  }
}

@Suite("Mount points")
struct MountPointRulesTests {
  @Test func `A user may mount on a directory or regular file that is writable`() {
    #expect(judge() == nil)
    #expect(judge(mode: 0o100644) == nil)
    #expect(judge(mode: 0o040777, owner: 0) == nil)
    #expect(judge(mode: 0o041777, owner: 1000) == nil)
    #expect(judge(mode: 0o101666, owner: 0) == nil)
  }

  @Test(arguments: [0o010600, 0o140777, 0o020666, 0o060660, 0o120777, 0] as [UInt32])
  func `Nobody may mount on a special file`(mode: UInt32) {
    for caller in [user, root] {
      let reason = judge(mode: mode, caller: caller)
      #expect(reason == .mountPointIsSpecial(kind: FileKind(mode: mode)))
      #expect(reason?.error == .permissionDenied)
    }
  }

  @Test func `A user may not mount on what is read-only to them`() {
    #expect(judge(writable: false) == .mountPointNotWritable)
    #expect(judge(mode: 0o100644, writable: false)?.error == .notPermitted)
  }

  @Test func `A user may not mount on the sticky directory of someone else, writable or not`() {
    #expect(judge(mode: 0o041777, owner: 0) == .mountPointIsSticky)
    #expect(judge(mode: 0o041777, owner: 1001)?.error == .notPermitted)
  }

  @Test(
    arguments: [
      0x9fa0, 0x6265_6572, 0x27e0eb, 0x6367_7270, 0x1cd1, 0x6462_6720, 0x7472_6163, 0x6573_5543,
      0x4249_4e4d, 0xcafe_4a11, 0x9584_58f6, 0x6c6f_6f70, 0, 1, 0x1_0000_ef53, UInt64.max,
      0xffff_ffff_0000_9fa0, 0x7366_7500_5346_544f,
    ] as [UInt64])
  func `A user may not mount over a file system that is not on the list`(magic: UInt64) {
    let reason = judge(magic: magic)
    #expect(reason == .mountPointFileSystem(magic: magic))
    #expect(reason?.error == .notPermitted)
    #expect(!MountPointRules.fileSystemAllowed(magic: magic))
  }

  @Test(
    arguments: [
      0x6175_6673, 0x187, 0xca45_1a4e, 0x9123_683e, 0xc3_6400, 0xff53_4d42, 0xf15f, 0x2011_bab0,
      0xef53, 0xf2f5_2010, 0x6573_5546, 0x0116_1970, 0x4750_4653, 0x482b, 0x72b6, 0x3153_464a,
      0x0bd0_0bd0, 0x4d44, 0x564c, 0x6969, 0x3434, 0x5346_544e, 0x7366_746e, 0x5346_414f,
      0x794c_7630, 0xaad7_aaea, 0x5265_4973, 0xfe53_4d42, 0x7371_7368, 0x0102_1994, 0x2405_1905,
      0x1803_1977, 0x7366_7500_5346_544e, 0x5846_5342, 0x2fc1_2fc1, 0x8584_58f6,
      0xffff_ffff_9123_683e,
    ] as [UInt64])
  func `A user may mount over each file system that fusermount3 allows`(magic: UInt64) {
    #expect(MountPointRules.fileSystemAllowed(magic: magic))
    #expect(judge(magic: magic) == nil)
  }

  @Test func `Root may mount on any directory or regular file`() {
    #expect(judge(mode: 0o041777, owner: 5, writable: false, magic: 0x9fa0, caller: root) == nil)
    #expect(judge(mode: 0o100400, owner: 5, writable: false, magic: 0, caller: root) == nil)
  }
}

@Suite("MNTP")
struct MountPointCommandTests {
  private func judge(
    _ path: String, format: UInt16 = 0, kind: FileKind = .directory
  ) -> Refusal? {
    refusal { () throws(Refusal) in
      try MountPointRules.judge(
        path: bytes(path), expectedFormat: format, operand: bytes("mnt"), kind: kind)
    }
  }

  @Test(arguments: ["disk.img", "./mnt", "mnt/", "/etc", "", "MNT", "mn", "mntx", "-o"])
  func `Another path than the caller's mount point is refused`(path: String) {
    #expect(judge(path) == .notTheMountPoint(bytes(path)))
    #expect(judge(path)?.error == .invalidArgument)
  }

  @Test(
    arguments: [
      (0, .directory, nil), (0, .regular, nil), (0o040000, .directory, nil),
      (0o100000, .regular, nil), (0o040000, .regular, .notDirectory),
      (0o100000, .directory, .isDirectory), (0, .fifo, .permissionDenied),
      (0o040000, .characterDevice, .permissionDenied), (0o100000, .socket, .permissionDenied),
      (0o060000, .directory, .invalidArgument), (0o140000, .regular, .invalidArgument),
      (0o040755, .directory, .invalidArgument), (1, .directory, .invalidArgument),
      (UInt16.max, .regular, .invalidArgument),
    ] as [(UInt16, FileKind, ErrorNumber?)])
  func `The format has to be the one that the server expects`(
    format: UInt16, kind: FileKind, error: ErrorNumber?
  ) {
    #expect(judge("mnt", format: format, kind: kind)?.error == error)
  }
}
