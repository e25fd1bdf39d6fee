// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import FuseService
import LinuxPrimitives
import MountProtocol
import Testing

@Suite struct OpenSourceTests {
  @Test func `A source that may be written is asked for once, quietly, exclusively`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.sendFile("d", image())
    let source = try connection.openSource(SourceRequest(path: bytes("d")))
    #expect((source.isReadOnly) == false)
    #expect(
      try helper.commands() == [.open(request(O_RDWR | O_EXCL, .quiet))])
  }

  @Test(arguments: [
    ErrorNumber.notPermitted, .permissionDenied, .readOnlyFileSystem,
  ])
  func `A source that may not be written is asked for read-only`(error: ErrorNumber) throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.refuseFile("d", error)
    try helper.sendFile("d", image())
    let source = try connection.openSource(SourceRequest(path: bytes("d")))
    #expect((source.isReadOnly) == true)
    #expect(
      try helper.commands() == [
        .open(request(O_RDWR | O_EXCL, .quiet)), .open(request(O_RDONLY | O_EXCL, .quiet)),
      ])
  }

  @Test func `A read-only source is never asked for but read-only`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.sendFile("d", image())
    let source = try connection.openSource(SourceRequest(path: bytes("d"), readWrite: false))
    #expect((source.isReadOnly) == true)
    #expect(try helper.commands() == [.open(request(O_RDONLY | O_EXCL, .quiet))])
  }

  @Test func `A source in use is asked for again`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.refuseFile("d", .busy)
    try helper.refuseFile("d", .busy)
    try helper.sendFile("d", image())
    let source = try connection.openSource(SourceRequest(path: bytes("d")))
    #expect((source.isReadOnly) == false)
    #expect(try helper.commands().count == 3)
  }

  @Test func `A source in use for ever is given up in time, the last time aloud`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    for _ in 0..<20 { try helper.refuseFile("d", .busy) }
    #expect(throws: FuseServiceError.refused(command: .open, .busy)) {
      _ = try connection.openSource(SourceRequest(path: bytes("d"), busyPatience: 300))
    }
    let commands = try helper.commands()
    #expect((3...5).contains(commands.count))
    #expect(commands.last == .open(request(O_RDWR | O_EXCL, [])))
    #expect(commands.dropLast().allSatisfy { $0 == .open(request(O_RDWR | O_EXCL, .quiet)) })
  }

  @Test func `A refusal that nothing follows is made aloud, so that the caller hears it`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    for _ in 0..<3 { try helper.refuseFile("d", .permissionDenied) }
    #expect(throws: FuseServiceError.refused(command: .open, .permissionDenied)) {
      _ = try connection.openSource(SourceRequest(path: bytes("d")))
    }
    #expect(
      try helper.commands() == [
        .open(request(O_RDWR | O_EXCL, .quiet)), .open(request(O_RDONLY | O_EXCL, .quiet)),
        .open(request(O_RDONLY | O_EXCL, [])),
      ])
  }

  @Test func `Any other refusal is no reason to ask read-only`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    for _ in 0..<2 { try helper.refuseFile("d", .noSuchFile) }
    #expect(throws: FuseServiceError.refused(command: .open, .noSuchFile)) {
      _ = try connection.openSource(SourceRequest(path: bytes("d")))
    }
    #expect(
      try helper.commands() == [
        .open(request(O_RDWR | O_EXCL, .quiet)), .open(request(O_RDWR | O_EXCL, [])),
      ])
  }

  @Test func `A broken conversation is not tried again`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.sendFile("e", image())
    #expect(throws: FuseServiceError.wrongPath) {
      _ = try connection.openSource(SourceRequest(path: bytes("d")))
    }
    #expect(try helper.commands().count == 1)
  }

  @Test func `A block device is asked for as one, with its block size, and not exclusively`() throws
  {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.sendFile("d", image())
    _ = try connection.openSource(
      SourceRequest(
        path: bytes("d"), requireBlockDevice: true, blockSize: 1024, exclusive: false,
        extraOpenFlags: O_SYNC))
    var expected = request(O_RDWR | O_SYNC, .quiet)
    expected.blockSize = 1024
    #expect(try helper.commands() == [.openBlockDevice(expected)])
  }

  private func request(_ openFlags: Int32, _ flags: OpenRequestFlags) -> OpenRequest {
    OpenRequest(path: bytes("d"), openFlags: UInt32(openFlags), requestFlags: flags)
  }
}
