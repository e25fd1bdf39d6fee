// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import Testing

private func plan(
  _ argument: String = "", caller: Caller = user, source: String = "ext4", options: String? = nil,
  userspace: String? = nil, flags: MountFlags = [], fuseblk: Bool = false
) throws -> MountPlan {
  try rules(argument, caller: caller).plan(
    for: MountRequest(
      fuseblk: fuseblk, source: bytes(source), superblockOptions: options.map { bytes($0) },
      userspaceOptions: userspace.map { bytes($0) }, flags: flags.rawValue))
}

private let always: MountFlags = [.noSetID, .noDevices]

@Suite("Mount plans")
struct MountPlanTests {
  @Test func `The smallest request is a fuse mount with nosuid and nodev`() throws {
    let plan = try plan()
    #expect(plan.subtype == bytes("ext4"))
    #expect(plan.source == bytes("ext4"))
    #expect(!plan.fuseblk)
    #expect(plan.flags == always)
    #expect(plan.parameters.isEmpty)
    #expect(plan.userspaceWords.isEmpty)
    #expect(!plan.needsMountSyscall)
    #expect(plan.filesystemName == bytes("fuse"))
    #expect(plan.mountType == bytes("fuse.ext4"))
  }

  @Test func `No word of a user or a server, in any order, takes nosuid or nodev away`() throws {
    let words = ["suid", "dev", "exec", "nosuid", "nodev", "noexec", "defaults", "rw"]
    for first in words {
      for second in words {
        for third in words {
          let argument = "\(first),\(second),\(third)"
          for flags: MountFlags in [[], .noSetID, .noDevices, [.readOnly, .noExecution]] {
            let plan = try plan(argument, options: "exec,rw", flags: flags)
            #expect(plan.flags.isSuperset(of: always), "\(argument)")
            #expect(plan.flags.mountAttributes & 0x6 == 0x6, "\(argument)")
            #expect(plan.flags.mountSyscallFlags & 6 == 6, "\(argument)")
          }
        }
      }
    }
  }

  @Test(
    arguments: [
      ("", always), ("suid", .noDevices), ("dev", .noSetID), ("dev,suid", []),
      ("suid,nosuid", always), ("dev,suid,nodev", .noDevices), ("defaults", always),
    ] as [(String, MountFlags)])
  func `Root loses nosuid and nodev only by writing suid and dev`(
    argument: String, flags: MountFlags
  ) throws {
    #expect(try plan(argument, caller: root).flags == flags)
    // The server cannot give itself what root did not write, but it can still ask for less.
    #expect(try plan(argument, caller: root, flags: always).flags == always)
  }

  @Test(
    arguments: [
      ("ro", .readOnly), ("noexec", .noExecution), ("sync", .synchronous),
      ("dirsync", .synchronousDirectories), ("noatime", .noAccessTime),
      ("nodiratime", .noDirectoryAccessTime), ("relatime", .relativeAccessTime),
      ("strictatime", .strictAccessTime), ("nosymfollow", .noSymbolicLinks),
    ] as [(String, MountFlags)])
  func `What the caller asked for holds, whatever the server says`(
    word: String, flag: MountFlags
  ) throws {
    for caller in [user, root] {
      let plan = try plan(word, caller: caller, options: "rw,exec,async,atime,symfollow")
      #expect(plan.flags == always.union(flag))
    }
  }

  @Test func `The server's flags add to the caller's, by DOIT and in words`() throws {
    let plan = try plan("noexec", options: "sync", flags: [.readOnly, .noSymbolicLinks])
    #expect(
      plan.flags
        == always.union([.noExecution, .synchronous, .readOnly, .noSymbolicLinks]))
  }

  @Test(
    arguments: [
      ("", .noAccessTime, .noAccessTime), ("strictatime", .noAccessTime, .strictAccessTime),
      ("noatime", .strictAccessTime, .noAccessTime),
      ("relatime", .noAccessTime, .relativeAccessTime),
      ("", [.noAccessTime, .strictAccessTime], .strictAccessTime),
      ("", [.noAccessTime, .relativeAccessTime], .noAccessTime),
      ("ro", [.relativeAccessTime, .strictAccessTime], [.readOnly, .strictAccessTime]),
    ] as [(String, MountFlags, MountFlags)])
  func `Of access times one holds: the caller's, or else the one that mount follows`(
    argument: String, server: MountFlags, flags: MountFlags
  ) throws {
    #expect(try plan(argument, flags: server).flags == always.union(flags))
  }

  @Test(arguments: [
    (MountRequest(source: []), Refusal.emptySource),
    (MountRequest(source: bytes("/etc/passwd")), .sourceNotNamed(bytes("/etc/passwd"))),
    (MountRequest(source: bytes("a\nb")), .sourceHoldsControlByte(bytes("a\nb"))),
    (MountRequest(fuseblk: true, source: bytes("/dev/sdb1")), .fuseblkNeedsRoot),
    (
      MountRequest(source: bytes("a"), superblockOptions: bytes("allow_other")),
      .allowOtherNotPermitted
    ),
    (
      MountRequest(source: bytes("a"), superblockOptions: bytes("user_id=0")),
      .optionOfHelper(bytes("user_id=0"))
    ),
    (
      MountRequest(source: bytes("a"), superblockOptions: bytes("blksize=512")),
      .blockSizeNeedsFuseblk
    ),
    (MountRequest(source: bytes("a"), flags: 4096), .mountFlagsNotAllowed(4096)),
  ])
  func `The plan judges everything again`(request: MountRequest, reason: Refusal) throws {
    let judging = try rules()
    #expect(refusal { () throws(Refusal) in try judging.plan(for: request) } == reason)
  }

  @Test func `fuseblk is for root, on a source that root named`() throws {
    let plan = try plan(
      caller: root, source: "/dev/sdb1", options: "allow_other,blksize=4096", fuseblk: true)
    #expect(plan.fuseblk)
    #expect(plan.filesystemName == bytes("fuseblk"))
    #expect(plan.mountType == bytes("fuseblk.ext4"))
    #expect(
      plan.parameters
        == [.flag(bytes("allow_other")), .value(key: bytes("blksize"), value: bytes("4096"))])
    for source in ["sda", "../dev/sda", "/dev/fuse", "ext4"] {
      #expect(throws: Refusal.fuseblkSourceNotNamed(bytes(source))) {
        try MountPlanTests.fuseblkPlan(source)
      }
    }
    #expect(Refusal.fuseblkSourceNotNamed([]).error == .permissionDenied)
  }

  private static func fuseblkPlan(_ source: String) throws -> MountPlan {
    try plan(caller: root, source: source, fuseblk: true)
  }

  @Test(arguments: [(1, false), (255, false), (256, true), (4095, true)])
  func `A source of more than 255 bytes needs mount`(length: Int, needed: Bool) throws {
    let source = String(repeating: "s", count: length)
    #expect(try plan(source: source).needsMountSyscall == needed)
  }

  @Test(
    arguments: [
      ("", nil, []), ("x-a", nil, ["x-a"]), ("", "x-b", ["x-b"]),
      ("x-a,x-c", "x-b,x-a", ["x-a", "x-c", "x-b"]), ("x-a", "-n", []), ("x-a", "x-b,-n", []),
      ("", "user=joe", []), ("", "uhelper=x,user=root", []), ("x-a,x-a", nil, ["x-a"]),
      ("x-fuse-service.timeout=5", nil, ["x-fuse-service.timeout=5"]),
    ] as [(String, String?, [String])])
  func `The caller's and the server's x- words are recorded, whoever calls`(
    argument: String, userspace: String?, words: [String]
  ) throws {
    let ofUser = try plan(argument, userspace: userspace)
    #expect(ofUser.userspaceWords == words.map { bytes($0) })
    let ofRoot = try plan(argument, caller: root, userspace: userspace)
    #expect(ofRoot.userspaceWords == words.map { bytes($0) })
  }

  @Test func `The data for mount has the helper's own options first, then the server's`() throws {
    let plan = try plan(options: "default_permissions,max_read=4096,ro")
    let data = plan.mountSyscallOptions(fuseDevice: 7, rootMode: 0o040755, caller: user)
    #expect(
      text(data)
        == "fd=7,rootmode=40000,user_id=1000,group_id=100,default_permissions,max_read=4096")
    #expect(text(MountPlan.rootMode(0o100644)) == "100000")
  }

  @Test func `A context with commas stands in quotes in the data for mount`() throws {
    let plan = try plan(caller: root, options: #"context="u:r:t:s0:c1,c2",fscontext="a:b""#)
    let data = plan.mountSyscallOptions(fuseDevice: 3, rootMode: 0o100600, caller: root)
    #expect(
      text(data) == "fd=3,rootmode=100000,user_id=0,group_id=0,"
        + #"context="u:r:t:s0:c1,c2",fscontext=a:b"#)
  }

  @Test func `The longest data for mount fits into a page`() throws {
    let long = String(repeating: "c", count: 255)
    let plan = try rules(caller: root).plan(
      for: MountRequest(
        fuseblk: true, source: bytes("/dev/sdb1"),
        superblockOptions: bytes(
          "context=\(long),fscontext=\(long),defcontext=\(long),rootcontext=\(long),"
            + "max_read=4294967295,blksize=65536,allow_other,default_permissions")))
    let longest = Caller(userID: .max, groupID: .max)
    let data = plan.mountSyscallOptions(fuseDevice: .max, rootMode: .max, caller: longest)
    #expect(data.count < 4096)
    #expect(plan.parameters.count == 8)
  }
}
