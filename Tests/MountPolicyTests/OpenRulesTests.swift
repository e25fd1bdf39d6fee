// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation
import MountPolicy
import MountProtocol
import Testing

private let image = bytes("disk.img")
private let names = NamedFiles(operands: [image], optionValues: list("/dev/sdb1"))

private func judge(
  _ flags: HostOpenFlags, readOnly: Bool = false, mode: UInt32 = 0o666,
  requestFlags: OpenRequestFlags = [], path: [UInt8] = image, blockDevice: Bool = false,
  blockSize: UInt32 = 0, caller: Caller = user
) throws(Refusal) -> OpenPlan {
  try OpenRules(namedFiles: names, readOnly: readOnly, caller: caller).judge(
    OpenRequest(
      path: path, openFlags: flags.rawValue, createMode: mode, requestFlags: requestFlags,
      blockSize: blockSize), blockDevice: blockDevice)
}

@Suite("Opening files")
struct OpenRulesTests {
  @Test(arguments: [
    "/etc/shadow", "/home/u/.ssh/id_rsa", "./disk.img", "../x/disk.img", "/proc/self/mem",
    "/proc/self/exe", "disk.img/", "/dev/sdb", String(repeating: "x", count: 5000),
  ])
  func `A file that the caller did not name is refused, root as the caller or not`(path: String) {
    for caller in [user, root] {
      let reason = refusal { () throws(Refusal) in
        try judge([], path: bytes(path), caller: caller)
      }
      #expect(reason == .fileNotNamed(bytes(path)))
      #expect(reason?.error == .permissionDenied)
    }
  }

  @Test func `An unnamed file is refused as such even with flags that are refused too`() {
    let reason = refusal { () throws(Refusal) in
      try judge(.accessMode, requestFlags: .loop, path: bytes("/etc/shadow"))
    }
    #expect(reason == .fileNotNamed(bytes("/etc/shadow")))
  }

  @Test func `A named path of 4096 bytes is too long, one of 4095 is not`() throws {
    let path = [UInt8](repeating: 0x61, count: 4095)
    let rules = OpenRules(
      namedFiles: NamedFiles(operands: [path, path + path], optionValues: []), readOnly: false,
      caller: user)
    #expect(try rules.judge(OpenRequest(path: path, openFlags: 0), blockDevice: false).path == path)
    let reason = refusal { () throws(Refusal) in
      try rules.judge(OpenRequest(path: path + path, openFlags: 0), blockDevice: false)
    }
    #expect(reason?.error == .nameTooLong)
  }

  @Test func `A plain request to read becomes a plain plan`() throws {
    let plan = try judge([])
    #expect(
      plan
        == OpenPlan.plainRead(of: image))
    #expect(!plan.writes && !plan.creates && plan.followsFinalLink && !plan.quiet)
  }

  @Test(
    arguments: [
      (HostOpenFlags.writeOnly, HostOpenFlags.writeOnly, true),
      (.readWrite, .readWrite, true), (.exclusive, .exclusive, false), (.sync, .sync, false),
      (.dataSync, .dataSync, false), (.direct, .direct, false), (.truncate, .truncate, true),
      (.append, .append, false), (.noAccessTime, .noAccessTime, false),
      (.largeFile, .largeFile, false), (.create, [], true), (.noFollow, [], false),
      (.noControllingTerminal, [], false), (.nonblocking, [], false), (.closeOnExec, [], false),
      ([.readWrite, .exclusive, .sync, .closeOnExec], [.readWrite, .exclusive, .sync], true),
      ([.writeOnly, .create, .truncate, .noFollow], [.writeOnly, .truncate], true),
    ] as [(HostOpenFlags, HostOpenFlags, Bool)])
  func `Allowed flags are kept or represented, and it is known whether they write`(
    flags: HostOpenFlags, kept: HostOpenFlags, writes: Bool
  ) throws {
    let plan = try judge(flags)
    #expect(plan.openFlags == kept.rawValue)
    #expect(plan.writes == writes)
    #expect(plan.creates == flags.contains(.create))
    #expect(plan.followsFinalLink == !flags.contains(.noFollow))
    #expect(plan.keepsNonblocking == flags.contains(.nonblocking))
  }

  @Test(
    arguments: [
      0o10_000_000, 0o20_200_000, 0o20_000_000, 0o20000, UInt32(O_DIRECTORY), 1 << 23, 1 << 26,
      1 << 30, 1 << 31, 0o4, 0o10, 0o20, 0o40, UInt32.max,
    ] as [UInt32])
  func `Any other flag is refused, alone or with others`(flags: UInt32) {
    for more: UInt32 in [0, 2, 0o100] {
      let reason = refusal { () throws(Refusal) in
        try judge(HostOpenFlags(rawValue: flags | more))
      }
      #expect(reason?.error == .invalidArgument)
    }
  }

  @Test func `Of all single bits exactly the allowed ones pass`() {
    let allowed: HostOpenFlags = [
      .writeOnly, .readWrite, .exclusive, .sync, .dataSync, .direct, .create, .truncate, .append,
      .noFollow, .noAccessTime, .largeFile, .closeOnExec, .nonblocking, .noControllingTerminal,
    ]
    for bit in 0..<32 {
      let flags = HostOpenFlags(rawValue: 1 << bit)
      let reason = refusal { () throws(Refusal) in try judge(flags) }
      #expect((reason == nil) == allowed.contains(flags), "bit \(bit)")
    }
  }

  @Test func `Access mode 3 is refused`() {
    let reason = refusal { () throws(Refusal) in try judge(.accessMode) }
    #expect(reason == .badAccessMode(image))
    #expect(reason?.error == .invalidArgument)
  }

  @Test(
    arguments: [
      .writeOnly, .readWrite, .create, .truncate, [.create, .exclusive], [.truncate, .append],
    ] as [HostOpenFlags])
  func `Under ro a request that writes, creates or truncates hears EACCES`(flags: HostOpenFlags) {
    for caller in [user, root] {
      let reason = refusal { () throws(Refusal) in
        try judge(flags, readOnly: true, caller: caller)
      }
      #expect(reason == .writeToReadOnly(image))
      #expect(reason?.error == .permissionDenied)
    }
  }

  @Test func `Under ro a request to read goes through a read-only clone`() throws {
    let plan = try judge([.exclusive, .append], readOnly: true)
    #expect(plan.needsReadOnlyClone)
    #expect(!plan.writes)
    #expect(plan.openFlags & 3 == 0)
    #expect(try !judge([]).needsReadOnlyClone)
  }

  @Test(
    arguments: [
      (0o4777, 0o755), (0o666, 0o644), (0o600, 0o600), (0o7777, 0o755), (0o2022, 0),
      (0o1111, 0o111),
      (UInt32.max, 0o755), (0, 0), (0o100644, 0o644),
    ] as [(UInt32, UInt32)])
  func `A created file has no set-id, sticky, group-write or other-write bit`(
    mode: UInt32, expected: UInt32
  ) throws {
    let plan = try judge([.create, .readWrite], mode: mode)
    #expect(plan.createMode == expected)
    #expect(!plan.mustCreate)
  }

  @Test func `Without O_CREAT there is no mode, and with O_EXCL the file must be new`() throws {
    #expect(try judge(.readWrite, mode: 0o644).createMode == 0)
    #expect(try judge([.create, .exclusive]).mustCreate)
    #expect(try !judge(.exclusive).mustCreate)
  }

  @Test(arguments: [4, 5, 6, 1 << 16, 1 << 31, UInt32.max] as [UInt32])
  func `Request flags that are not offered are refused`(flags: UInt32) {
    let reason = refusal { () throws(Refusal) in
      try judge([], requestFlags: OpenRequestFlags(rawValue: flags))
    }
    #expect(reason == .unknownRequestFlags(flags & ~3, path: image))
    #expect(reason?.error == .invalidArgument)
  }

  @Test func `A quiet request is offered`() throws {
    #expect(try judge([], requestFlags: .quiet).quiet)
    #expect(OpenRules.supportedRequestFlags.contains(.quiet))
  }

  @Test func `BDEV never creates a file, and O_CREAT counts as writing all the same`() throws {
    let plan = try judge([.create, .exclusive], mode: 0o644, blockDevice: true)
    #expect(!plan.creates && !plan.mustCreate)
    #expect(plan.createMode == 0)
    #expect(plan.writes)
    let reason = refusal { () throws(Refusal) in
      try judge(.create, readOnly: true, blockDevice: true)
    }
    #expect(reason == .writeToReadOnly(image))
  }

  @Test(arguments: [0, 512, 1024, 4096, 65536] as [UInt32])
  func `BDEV takes block sizes that a device can have`(size: UInt32) throws {
    let plan = try judge(.readWrite, path: bytes("/dev/sdb1"), blockDevice: true, blockSize: size)
    #expect(plan.wantsBlockDevice)
    #expect(plan.blockSize == size)
  }

  @Test(arguments: [1, 3, 256, 511, 513, 4095, 1 << 17, 1 << 31, UInt32.max] as [UInt32])
  func `BDEV refuses other block sizes, and OPEN does not look at them`(size: UInt32) throws {
    let reason = refusal { () throws(Refusal) in try judge([], blockDevice: true, blockSize: size) }
    #expect(reason == .badBlockSize(size, path: image))
    #expect(reason?.error == .invalidArgument)
    #expect(try judge([], blockSize: size).blockSize == 0)
  }

  @Test func `The flags have the numbers of the headers`() {
    #expect(HostOpenFlags.accessMode.rawValue == UInt32(O_ACCMODE))
    #expect(HostOpenFlags.writeOnly.rawValue == UInt32(O_WRONLY))
    #expect(HostOpenFlags.readWrite.rawValue == UInt32(O_RDWR))
    #expect(HostOpenFlags.create.rawValue == UInt32(O_CREAT))
    #expect(HostOpenFlags.exclusive.rawValue == UInt32(O_EXCL))
    #expect(HostOpenFlags.noControllingTerminal.rawValue == UInt32(O_NOCTTY))
    #expect(HostOpenFlags.truncate.rawValue == UInt32(O_TRUNC))
    #expect(HostOpenFlags.append.rawValue == UInt32(O_APPEND))
    #expect(HostOpenFlags.nonblocking.rawValue == UInt32(O_NONBLOCK))
    #expect(HostOpenFlags.dataSync.rawValue == UInt32(O_DSYNC))
    #expect(HostOpenFlags.sync.rawValue == UInt32(O_SYNC))
    #expect(HostOpenFlags.closeOnExec.rawValue == UInt32(O_CLOEXEC))
    #expect(HostOpenFlags.noFollow.rawValue == UInt32(O_NOFOLLOW))
  }

  /// The octal value of a macro in the kernel's header for this architecture, or else in the one
  /// that architectures share. Swift sees neither, because they need `_GNU_SOURCE`.
  private func kernelHeader(_ name: String) -> UInt32? {
    let paths = [
      "/usr/include/x86_64-linux-gnu/asm/fcntl.h", "/usr/include/aarch64-linux-gnu/asm/fcntl.h",
      "/usr/include/asm/fcntl.h", "/usr/include/asm-generic/fcntl.h",
    ]
    for path in paths {
      guard let header = try? String(contentsOfFile: path, encoding: .utf8) else { continue }
      for line in header.split(separator: "\n") {
        let fields = line.split { $0 == " " || $0 == "\t" }
        guard fields.count >= 3, fields[0] == "#define", fields[1] == name else { continue }
        return UInt32(fields[2], radix: 8)
      }
    }
    return nil
  }

  @Test(
    arguments: [
      ("O_DIRECT", .direct), ("O_NOATIME", .noAccessTime), ("O_LARGEFILE", .largeFile),
      ("O_NOFOLLOW", .noFollow), ("O_DSYNC", .dataSync),
    ] as [(String, HostOpenFlags)])
  func `The flags have the numbers of the kernel's headers`(name: String, flag: HostOpenFlags) {
    #expect(kernelHeader(name) == flag.rawValue)
  }
}

extension OpenPlan {
  /// What a request with no flags at all becomes.
  fileprivate static func plainRead(of path: [UInt8]) -> OpenPlan? {
    try? OpenRules(
      namedFiles: NamedFiles(operands: [path], optionValues: []), readOnly: false, caller: root
    ).judge(OpenRequest(path: path, openFlags: 0, createMode: 0o777), blockDevice: false)
  }
}
