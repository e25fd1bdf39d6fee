// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import LinuxPrimitives
import MountProtocol
import Testing

@testable import FuseService

@Suite struct BeginningTests {
  @Test func `A greeting gives the command line and the caller's rights`() throws {
    let helper = try FakeHelper(
      greetingWith: ["squashfs", "a.sqfs", "/mnt", "-o", "ro"], flags: [.allowOther])
    let connection = try helper.begin()
    #expect(connection.arguments == ["squashfs", "a.sqfs", "/mnt", "-o", "ro"].map(bytes))
    let rights = (connection.mayAllowOther, connection.mayUseFuseblk)
    #expect(rights == (true, false))
    // LAST, version 1, padding 0.
    #expect(helper.packets() == [[0x4c, 0x41, 0x53, 0x54, 0, 1, 0, 0]])
  }

  @Test func `The fuse device is handed out close on exec until it is released`() throws {
    let helper = try FakeHelper(greetingWith: ["x"], flags: [.fuseblk])
    var connection = try helper.begin()
    let descriptor = FileDescriptor(owning: try connection.duplicateFuseDevice())
    #expect(fcntlFlags(descriptor.rawValue) == FD_CLOEXEC)
    let status = try descriptor.status()
    #expect(status.isCharacterDevice(major: 10, minor: 229))
    connection.releaseFuseDevice()
    #expect(throws: Errno.badFileDescriptor) { try connection.duplicateFuseDevice() }
  }

  @Test func `The service's socket does not survive an exec`() throws {
    let helper = try FakeHelper(greetingWith: ["x"])
    let connection = try helper.begin()
    #expect(fcntlFlags(connection.socket.descriptor.rawValue) == FD_CLOEXEC)
  }

  @Test(arguments: [
    (Hello(minimumVersion: 0, maximumVersion: 0, flags: []), 0, 0),
    (Hello(minimumVersion: 2, maximumVersion: 7, flags: []), 2, 7),
    (Hello(minimumVersion: 2, maximumVersion: 1, flags: []), 2, 1),
    (Hello(minimumVersion: 65535, maximumVersion: 65535, flags: []), 65535, 65535),
  ])
  func `A helper of other versions is refused without an answer`(
    hello: Hello, minimum: UInt16, maximum: UInt16
  ) throws {
    let helper = try FakeHelper()
    try helper.send(hello.encoded())
    #expect(
      helper.failureToBegin() == .unsupportedVersion(minimum: minimum, maximum: maximum))
    #expect(helper.packets() == [])
  }

  @Test func `A range that includes version 1 is answered with version 1`() throws {
    let helper = try FakeHelper()
    try helper.send(Hello(minimumVersion: 0, maximumVersion: 9, flags: []).encoded())
    #expect(helper.failureToBegin() == .helperSilent)
    #expect(helper.packets() == [HelloReply(version: 1).encoded()])
  }

  @Test(arguments: [UInt32(1 << 2), 1 << 31, ~3])
  func `Unknown flags in the hello are refused`(flags: UInt32) throws {
    let helper = try FakeHelper()
    try helper.send(Hello(flags: HelloFlags(rawValue: flags | 1)).encoded())
    #expect(helper.failureToBegin() == .unknownHelloFlags(flags))
    #expect(helper.packets() == [])
  }

  @Test(arguments: [
    Array(Hello(flags: []).encoded().dropLast()), Hello(flags: []).encoded() + [0],
    HelloReply().encoded(), Array("SAFT".utf8), [0],
  ])
  func `A malformed hello is refused`(packet: [UInt8]) throws {
    let helper = try FakeHelper()
    try helper.send(packet)
    #expect(helper.failureToBegin() == .unexpectedPacket(waitingFor: .hello))
  }

  @Test func `A helper that says nothing is given up in time`() throws {
    let helper = try FakeHelper()
    #expect(helper.failureToBegin() == .helperSilent)
  }

  @Test func `A helper that closes at once is gone`() throws {
    let helper = try FakeHelper()
    helper.socket.shutDown()
    #expect(helper.failureToBegin() == .helperGone)
  }

  @Test func `A socket of another kind is refused`() throws {
    #expect(failure(over: try streamSocket()) == .wrongSocket)
    #expect(failure(over: try unconnectedSocket()) == .wrongSocket)
    #expect(failure(over: try image()) == .wrongSocket)
  }

  @Test(
    arguments: [
      ("1", "42", 1), ("2", "42", 2), ("0", "42", nil), ("1", "43", nil), (nil, "42", nil),
      ("1", nil, nil), ("", "42", nil), ("1", "", nil), ("1x", "42", nil), ("-1", "42", nil),
      ("1", " 42", nil), ("99999999999999999999", "42", nil), ("1", "4294967338", nil),
    ] as [(String?, String?, Int?)])
  func `Only a socket that was passed to this very process counts`(
    listenFds: String?, listenPid: String?, count: Int?
  ) {
    #expect(
      passedSocketCount(
        listenFds: listenFds.map(bytes), listenPid: listenPid.map(bytes), processId: 42) == count)
  }

  @Test func `A process that is no service has no connection`() throws {
    // The test runner is not started by a service manager.
    let isService = try FuseServiceConnection.accept() != nil
    #expect(!isService)
  }

  @Test func `The command line reads as upstream's process title`() throws {
    let helper = try FakeHelper(greetingWith: ["ext4", "/dev/sda", "/mnt", "-oro"])
    let connection = try helper.begin()
    #expect(
      connection.commandLine(program: bytes("srv")) == bytes("srv -t ext4 /dev/sda /mnt -oro"))
  }
}

private func failure(over descriptor: consuming FileDescriptor) -> FuseServiceError? {
  do throws(FuseServiceError) {
    let connection = try FuseServiceConnection.begin(over: descriptor)
    _ = connection.arguments
    return nil
  } catch {
    return error
  }
}

private func fcntlFlags(_ descriptor: Int32) -> Int32 { clinux_fcntl(descriptor, F_GETFD, 0) }

private func streamSocket() throws -> FileDescriptor {
  var numbers: [Int32] = [-1, -1]
  // SOCK_STREAM is 1 on every architecture that Swift runs on.
  try #require(socketpair(AF_UNIX, 1, 0, &numbers) == 0)
  close(numbers[1])
  return FileDescriptor(owning: numbers[0])
}

private func unconnectedSocket() throws -> FileDescriptor {
  FileDescriptor(owning: socket(AF_UNIX, clinux_SOCK_SEQPACKET, 0))
}
