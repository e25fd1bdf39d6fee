// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import FuseService
import LinuxPrimitives
import MountProtocol
import Testing

private let readWrite = O_RDWR | O_EXCL
private let readOnly = O_RDONLY | O_EXCL

@Suite struct LoopDeviceTests {
  @Test(.enabled(if: hasBlockDevice, "no block device on this machine"))
  func `A loop device is asked for once, and the source says that it is a block device`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    let device = try blockDevice() ?? image()
    try helper.sendFile("d", device)
    let source = try connection.openSource(wish)
    #expect(source.isBlockDevice == true)
    #expect(source.isReadOnly == false)
    #expect(try helper.commands() == [.open(request(readWrite, [.quiet, .loop]))])
  }

  @Test func `Without the wish no loop device is asked for`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.sendFile("d", image())
    let source = try connection.openSource(SourceRequest(path: bytes("d")))
    #expect(source.isBlockDevice == false)
    #expect(try helper.commands() == [.open(request(readWrite, .quiet))])
  }

  @Test func `A helper that has no loop devices is asked again without`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.refuseFile("d", .invalidArgument)
    try helper.sendFile("d", image())
    let source = try connection.openSource(wish)
    #expect(source.isBlockDevice == false)
    #expect(source.isReadOnly == false)
    #expect(
      try helper.commands() == [
        .open(request(readWrite, [.quiet, .loop])), .open(request(readWrite, .quiet)),
      ])
  }

  @Test func `A helper that passes the file itself is taken at its deed`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.sendFile("d", image())
    let source = try connection.openSource(wish)
    #expect(source.isBlockDevice == false)
    #expect(try helper.commands().count == 1)
  }

  @Test func `A request that is wrong without a loop device too is given up, aloud`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    for _ in 0..<3 { try helper.refuseFile("d", .invalidArgument) }
    #expect(throws: FuseServiceError.refused(command: .open, .invalidArgument)) {
      _ = try connection.openSource(wish)
    }
    #expect(
      try helper.commands() == [
        .open(request(readWrite, [.quiet, .loop])), .open(request(readWrite, .quiet)),
        .open(request(readWrite, [])),
      ])
  }

  @Test func `What may not be written becomes a read-only loop device`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.refuseFile("d", .permissionDenied)
    try helper.refuseFile("d", .invalidArgument)
    try helper.sendFile("d", image())
    let source = try connection.openSource(wish)
    #expect(source.isReadOnly == true)
    #expect(
      try helper.commands() == [
        .open(request(readWrite, [.quiet, .loop])), .open(request(readOnly, [.quiet, .loop])),
        .open(request(readOnly, .quiet)),
      ])
  }

  @Test func `A file that stays attached is refused with an error of its own, aloud`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    for _ in 0..<2 { try helper.refuseFile("d", .busy) }
    var request = wish
    request.busyPatience = 0
    #expect(throws: FuseServiceError.alreadyAttached) { _ = try connection.openSource(request) }
    #expect(
      try helper.commands() == [
        .open(self.request(readWrite, [.quiet, .loop])), .open(self.request(readWrite, .loop)),
      ])
    #expect(
      FuseServiceError.alreadyAttached.message.starts(
        with: bytes("the file is attached to a loop device already")))
  }

  @Test func `A file that was attached for a moment is asked for again`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.refuseFile("d", .busy)
    try helper.sendFile("d", image())
    _ = try connection.openSource(wish)
    #expect(
      try helper.commands()
        == Array(repeating: .open(request(readWrite, [.quiet, .loop])), count: 2))
  }

  @Test func `Without a loop device what is in use is not called attached`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.refuseFile("d", .invalidArgument)
    for _ in 0..<2 { try helper.refuseFile("d", .busy) }
    var request = wish
    request.busyPatience = 0
    #expect(throws: FuseServiceError.refused(command: .open, .busy)) {
      _ = try connection.openSource(request)
    }
  }

  @Test func `A block device may be a loop device, or else it has to be one by itself`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.refuseFile("d", .invalidArgument)
    for _ in 0..<2 { try helper.refuseFile("d", .notBlockDevice) }
    var request = wish
    request.requireBlockDevice = true
    request.blockSize = 4096
    #expect(throws: FuseServiceError.refused(command: .openBlockDevice, .notBlockDevice)) {
      _ = try connection.openSource(request)
    }
    let flags: [OpenRequestFlags] = [[.quiet, .loop], .quiet, []]
    #expect(
      try helper.commands()
        == flags.map {
          .openBlockDevice(
            OpenRequest(
              path: bytes("d"), openFlags: UInt32(readWrite), requestFlags: $0, blockSize: 4096))
        })
  }

  @Test func `A single request for a loop device has the bit of the protocol and is not repeated`()
    throws
  {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.refuseFile("d", .invalidArgument)
    #expect(throws: FuseServiceError.refused(command: .open, .invalidArgument)) {
      _ = try connection.requestFile(bytes("d"), openFlags: O_RDONLY, flags: .loop)
    }
    let expected: [UInt8] = [
      0x4f, 0x50, 0x45, 0x4e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0x64, 0,
    ]
    #expect(helper.packets().dropFirst() == [expected])
  }

  /// A request for a loop device in the place of `d`.
  private var wish: SourceRequest { SourceRequest(path: bytes("d"), loopDevice: true) }

  private func request(_ openFlags: Int32, _ flags: OpenRequestFlags) -> OpenRequest {
    OpenRequest(path: bytes("d"), openFlags: UInt32(openFlags), requestFlags: flags)
  }
}
