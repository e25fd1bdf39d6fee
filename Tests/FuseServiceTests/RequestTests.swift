// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import FuseService
import LinuxPrimitives
import MountProtocol
import Testing

@Suite struct RequestTests {
  @Test func `A file request has the bytes that libfuse sends`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.sendFile("d", image())
    let file = try connection.requestFile(
      bytes("d"), openFlags: O_RDWR | O_EXCL, mode: 0o640, flags: .quiet)
    #expect(try file.status().size == 5)
    // OPEN, O_RDWR|O_EXCL = 0o202, 0o640, QUIET, no block size, "d".
    let expected: [UInt8] = [
      0x4f, 0x50, 0x45, 0x4e, 0, 0, 0, 0x82, 0, 0, 1, 0xa0, 0, 0, 0, 1, 0, 0, 0, 0, 0x64, 0,
    ]
    #expect(helper.packets().last == expected)
  }

  @Test func `A block device request has the bytes that libfuse sends`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.sendFile("d", image())
    _ = try connection.requestBlockDevice(bytes("d"), openFlags: O_RDONLY, blockSize: 4096)
    let expected: [UInt8] = [
      0x42, 0x44, 0x45, 0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0x64, 0,
    ]
    #expect(helper.packets().last == expected)
  }

  @Test(arguments: [[], [0x61, 0], Array(repeating: 0x61, count: 4097)] as [[UInt8]])
  func `A path that cannot travel is not sent`(path: [UInt8]) throws {
    let helper = try FakeHelper(greetingWith: ["x"])
    var connection = try helper.begin()
    _ = helper.packets()
    #expect(throws: FuseServiceError.unsendableString) {
      _ = try connection.requestFile(path, openFlags: O_RDONLY)
    }
    #expect(helper.packets() == [])
  }

  @Test func `A longest path travels`() throws {
    let path = [UInt8](repeating: 0x61, count: 4096)
    let helper = try FakeHelper(greetingWith: ["x"])
    var connection = try helper.begin()
    _ = helper.packets()
    try helper.send(
      Reply.file(error: .noSuchFile, path: path).encoded())
    #expect(throws: FuseServiceError.refused(command: .open, .noSuchFile)) {
      _ = try connection.requestFile(path, openFlags: O_RDONLY)
    }
    #expect(helper.packets().map(\.count) == [4117])
  }

  @Test func `After the last request no descriptor comes in`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    // A kernel before 6.16 does not know the option, which is no error; there the descriptor is
    // dropped when the next reply is received without room for one.
    try connection.finishRequests()
    let sent = (try? helper.sendFile("d", image())) != nil
    if sent {
      #expect(throws: FuseServiceError.unexpectedPacket(waitingFor: .simpleReply)) {
        try connection.mount(MountParameters(source: bytes("x"), mountPoint: bytes("/m")))
      }
    }
  }
}
