// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import FuseService
import LinuxPrimitives
import MountProtocol
import Testing

/// Files with a command line that are none.
private let badArgumentFiles: [[UInt8]] = [
  [],
  [0x41, 0x52, 0x47, 0x53],
  // No element at all.
  [0x41, 0x52, 0x47, 0x53, 0, 0, 0, 0],
  // Another magic.
  [0x41, 0x52, 0x47, 0x54] + ArgumentsFile.encode([[0x61]]).dropFirst(4),
  // More elements than the file has room for.
  [0x41, 0x52, 0x47, 0x53, 0xff, 0xff, 0xff, 0xff],
  [0x41, 0x52, 0x47, 0x53, 0, 0, 0, 2, 0, 0, 0, 16, 0, 0, 0, 1],
  // An element behind the end, one without its terminator, one without a byte.
  [0x41, 0x52, 0x47, 0x53, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 2, 0x61, 0],
  [0x41, 0x52, 0x47, 0x53, 0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0, 1, 0x61, 0],
  [0x41, 0x52, 0x47, 0x53, 0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0, 0, 0x61, 0],
  [0x41, 0x52, 0x47, 0x53, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
]

@Suite struct PassedFileTests {
  @Test(arguments: badArgumentFiles)
  func `A file that is no command line is refused`(content: [UInt8]) throws {
    let helper = try FakeHelper()
    try helper.send(Hello(flags: []).encoded())
    try helper.sendFile(.argv, memoryFile(content))
    #expect(helper.failureToBegin() == .badArguments)
  }

  @Test func `The command line is read from the beginning wherever the file stands`() throws {
    // memoryFile leaves the position at the end, as a helper does that writes and passes.
    let helper = try FakeHelper(greetingWith: ["a", "b"])
    #expect(try helper.begin().arguments == [bytes("a"), bytes("b")])
  }

  @Test func `A command line without a bound is refused`() throws {
    let helper = try FakeHelper()
    try helper.send(Hello(flags: []).encoded())
    let file = try memoryFile(ArgumentsFile.encode([bytes("a")]))
    try #require(ftruncate(file.rawValue, 1 << 40) == 0)
    try helper.sendFile(.argv, file)
    #expect(helper.failureToBegin() == .badArguments)
  }

  @Test func `A pipe in place of the command line is refused without waiting for it`() throws {
    let helper = try FakeHelper()
    try helper.send(Hello(flags: []).encoded())
    var numbers: [Int32] = [-1, -1]
    try #require(pipe(&numbers) == 0)
    let reading = FileDescriptor(owning: numbers[0])
    let writing = FileDescriptor(owning: numbers[1])
    try helper.sendFile(.argv, reading)
    #expect(helper.failureToBegin() == .badArguments)
    #expect(writing.rawValue >= 0)
  }

  @Test func `Something else than the fuse device is refused`() throws {
    for path in ["/dev/null", "/dev/zero", "/"] {
      let helper = try FakeHelper()
      try helper.send(Hello(flags: []).encoded())
      try helper.sendFile(.argv, memoryFile(ArgumentsFile.encode([bytes("x")])))
      try helper.sendFile(.fusedev, openFile(bytes(path), .path))
      #expect(helper.failureToBegin() == .wrongFuseDevice)
    }
  }

  @Test func `A helper that could not make the command line is told by its error`() throws {
    let helper = try FakeHelper()
    try helper.send(Hello(flags: []).encoded())
    try helper.refuseFile(.argv, .permissionDenied)
    #expect(helper.failureToBegin() == .refused(command: .arguments, .permissionDenied))
  }

  @Test func `The two files in the other order are refused`() throws {
    let helper = try FakeHelper()
    try helper.send(Hello(flags: []).encoded())
    try helper.sendFile(.fusedev, fuseDevice())
    #expect(helper.failureToBegin() == .wrongPath)
  }

  @Test func `A reply about another file is refused`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "disk", "/mnt"])
    var connection = try helper.begin()
    try helper.sendFile("disk2", image())
    #expect(throws: FuseServiceError.wrongPath) {
      _ = try connection.requestFile(bytes("disk"), openFlags: O_RDONLY)
    }
  }

  @Test func `A success without a descriptor is refused`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "disk", "/mnt"])
    var connection = try helper.begin()
    try helper.send(Reply.file(error: nil, path: bytes("disk")).encoded())
    #expect(throws: FuseServiceError.missingDescriptor) {
      _ = try connection.requestFile(bytes("disk"), openFlags: O_RDONLY)
    }
  }

  @Test(arguments: [
    Reply.simple(error: nil).encoded(), Hello(flags: []).encoded(),
    Reply.file(error: nil, path: bytes("disk")).encoded() + [0],
    Array(Reply.file(error: nil, path: bytes("disk")).encoded().dropLast()),
  ])
  func `Another packet than a file reply is refused`(packet: [UInt8]) throws {
    let helper = try FakeHelper(greetingWith: ["x", "disk", "/mnt"])
    var connection = try helper.begin()
    try helper.send(packet, with: image())
    #expect(throws: FuseServiceError.unexpectedPacket(waitingFor: .fileReply)) {
      _ = try connection.requestFile(bytes("disk"), openFlags: O_RDONLY)
    }
  }

  @Test func `A packet beyond the largest is refused whatever it begins with`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "disk", "/mnt"])
    var connection = try helper.begin()
    let path = [UInt8](repeating: 0x61, count: 70_000)
    try helper.send(Reply.file(error: nil, path: path).encoded(), with: image())
    // Not the whole packet in the report of a failure.
    let error = #expect(throws: FuseServiceError.self) {
      _ = try connection.requestFile(bytes("disk"), openFlags: O_RDONLY)
    }
    #expect(error == .unexpectedPacket(waitingFor: .fileReply))
  }

  @Test func `An error keeps its number and a descriptor that rides along is closed`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "disk", "/mnt"])
    var connection = try helper.begin()
    var numbers: [Int32] = [-1, -1]
    try #require(pipe(&numbers) == 0)
    let reading = FileDescriptor(owning: numbers[0])
    let writing = FileDescriptor(owning: numbers[1])
    try writing.closeOnExec()
    try reading.setNonblocking(true)
    let refusal = Reply.file(error: ErrorNumber(rawValue: 123_456), path: bytes("disk"))
    try helper.send(refusal.encoded(), with: writing)
    _ = consume writing
    #expect(throws: FuseServiceError.refused(command: .open, ErrorNumber(rawValue: 123_456))) {
      _ = try connection.requestFile(bytes("disk"), openFlags: O_RDONLY)
    }
    // The end of the file, and not EAGAIN: nobody holds the writing end.
    let content = try reading.read(1)
    #expect(content == [])
  }

  @Test func `A passed file is close on exec`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "disk", "/mnt"])
    var connection = try helper.begin()
    try helper.sendFile("disk", image())
    let file = try connection.requestFile(bytes("disk"), openFlags: O_RDONLY)
    #expect(clinux_fcntl(file.rawValue, F_GETFD, 0) == FD_CLOEXEC)
  }

  @Test func `A helper that dies before its reply is gone`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "disk", "/mnt"])
    var connection = try helper.begin()
    helper.socket.shutDown()
    #expect(throws: FuseServiceError.helperGone) {
      _ = try connection.requestFile(bytes("disk"), openFlags: O_RDONLY)
    }
  }
}
