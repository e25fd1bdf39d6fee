// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import Testing

func rules(
  _ argument: String = "", caller: Caller = user, allowOther: Bool = false,
  files: [[UInt8]] = list("disk.img", "/dev/sdb1")
) throws -> MountRules {
  var configuration = FuseConfiguration()
  configuration.userAllowOther = allowOther
  let read = try options(argument, caller: caller)
  return MountRules(
    caller: caller, configuration: configuration, options: read, subtype: bytes("ext4"),
    namedFiles: NamedFiles(operands: files, optionValues: read.namedValues),
    mountPoint: bytes("mnt"))
}

@Suite("Judging commands")
struct MountRulesTests {
  @Test func `The hello offers root everything, and a user what fuse.conf permits`() throws {
    #expect(try rules(caller: root).helloFlags == [.allowOther, .fuseblk])
    #expect(try rules().helloFlags == [])
    #expect(try rules(allowOther: true).helloFlags == .allowOther)
  }

  @Test(
    arguments: [
      (0, nil, nil), (1, .notPermitted, nil), (2, .invalidArgument, .invalidArgument),
      (3, .invalidArgument, .invalidArgument), (1 << 31, .invalidArgument, .invalidArgument),
    ] as [(UInt32, ErrorNumber?, ErrorNumber?)])
  func `TYPE is for fuseblk, and fuseblk for root`(
    flags: UInt32, ofUser: ErrorNumber?, ofRoot: ErrorNumber?
  ) throws {
    for (caller, error) in [(user, ofUser), (root, ofRoot)] {
      let judging = try rules(caller: caller)
      let reason = refusal { () throws(Refusal) in
        try judging.judge(contextFlags: FilesystemContextFlags(rawValue: flags))
      }
      #expect(reason?.error == error)
    }
  }

  @Test func `Each DOIT bit passes exactly when it restricts`() throws {
    let judging = try rules("suid,dev", caller: root)
    for bit in 0..<32 {
      let flags: UInt32 = 1 << bit
      let reason = refusal { () throws(Refusal) in try judging.judge(mountFlags: flags) }
      let isAllowed = MountFlags.serverMayAsk.rawValue & flags != 0
      #expect(reason == (isAllowed ? nil : .mountFlagsNotAllowed(flags)), "bit \(bit)")
    }
    #expect(refusal { () throws(Refusal) in try judging.judge(mountFlags: 0) } == nil)
  }

  @Test(
    arguments: [
      4096, 8192, 32, 16384, 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 31, 1 << 26, 64, 512, 1 << 16,
      UInt32.max, 4096 | 16384 | 6, 0xc0ed_0000,
    ] as [UInt32])
  func `Bind, move, remount, propagation and unknown bits are refused by DOIT and by the plan`(
    flags: UInt32
  ) throws {
    for caller in [user, root] {
      let judging = try rules(caller: caller)
      let refused = flags & ~MountFlags.serverMayAsk.rawValue
      let asked = refusal { () throws(Refusal) in try judging.judge(mountFlags: flags) }
      let planned = refusal { () throws(Refusal) in
        try judging.plan(for: MountRequest(source: bytes("ext4"), flags: flags))
      }
      #expect(asked == .mountFlagsNotAllowed(refused))
      #expect(planned == asked)
      #expect(asked?.error == .invalidArgument)
    }
  }

  @Test func `NAME, OPTS, MTAB and MNTP are judged by their rules`() throws {
    let judging = try rules()
    #expect(refusal { () throws(Refusal) in try judging.judge(source: bytes("ext4")) } == nil)
    #expect(
      refusal { () throws(Refusal) in try judging.judge(source: bytes("/etc")) }
        == .sourceNotNamed(bytes("/etc")))
    #expect(
      refusal { () throws(Refusal) in try judging.judge(superblockOptions: bytes("max_read=1")) }
        == nil)
    #expect(
      refusal { () throws(Refusal) in try judging.judge(superblockOptions: bytes("allow_other")) }
        == .allowOtherNotPermitted)
    #expect(judging.judge(userspaceOptions: bytes("x-a,x-b")).isEmpty)
    #expect(
      judging.judge(userspaceOptions: bytes("user=root")) == [.userName(bytes("root"))])
    #expect(
      refusal { () throws(Refusal) in
        try judging.judge(mountPoint: bytes("mnt"), expectedFormat: 0, kind: .directory)
      } == nil)
    #expect(
      refusal { () throws(Refusal) in
        try judging.judge(mountPoint: bytes("disk.img"), expectedFormat: 0, kind: .directory)
      } == .notTheMountPoint(bytes("disk.img")))
  }

  @Test func `The rules for files know the caller's ro`() throws {
    let request = OpenRequest(path: bytes("disk.img"), openFlags: 2)
    let reading = try rules("ro").openRules
    let writing = try rules("ro,rw").openRules
    #expect(
      refusal { () throws(Refusal) in try reading.judge(request, blockDevice: false) }
        == .writeToReadOnly(bytes("disk.img")))
    #expect(refusal { () throws(Refusal) in try writing.judge(request, blockDevice: false) } == nil)
  }
}
