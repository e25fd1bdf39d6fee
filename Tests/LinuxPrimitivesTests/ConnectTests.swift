// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import LinuxPrimitives
import TestSupport
import Testing

private func connectError(_ path: [UInt8], until deadline: Deadline) -> Errno? {
  errno { () throws(Errno) in
    _ = try PacketSocket.connect(to: path, until: deadline).descriptor.rawValue
  }
}

@Suite("Connecting to a listener")
struct ConnectTests {
  @Test func `A connection reaches the listener, and waits as usual`() throws {
    let directory = try TemporaryDirectory()
    let listener = try bindSocket(directory.file("s"), backlog: 5)
    let here = try PacketSocket.connect(to: directory.file("s"), until: patient)
    let there = PacketSocket(
      FileDescriptor(owning: accept(listener.rawValue, nil, nil)))
    try here.send([1, 2, 3], until: patient)
    let packet = try there.receive(limit: 8, until: patient)?.bytes
    #expect(packet == [1, 2, 3])
    #expect(isCloseOnExec(here.descriptor.rawValue))
    #expect(try here.descriptor.statusFlags() & O_NONBLOCK == 0)
  }

  @Test func `A socket that does not exist is told from one that nobody listens on`() throws {
    let directory = try TemporaryDirectory()
    #expect(connectError(directory.file("s"), until: patient) == .noSuchFile)
    let bound = try bindSocket(directory.file("s"), backlog: nil)
    #expect(connectError(directory.file("s"), until: patient) == .connectionRefused)
    #expect(isOpen(bound.rawValue))
    let file = try directory.makeFile("f")
    #expect(connectError(file, until: patient) == .connectionRefused)
    #expect(connectError(file + bytes("/s"), until: patient) == .notDirectory)
  }

  @Test func `A socket of another type is refused`() throws {
    let directory = try TemporaryDirectory()
    let stream = try bindSocket(
      directory.file("s"), type: Int32(SOCK_STREAM.rawValue), backlog: 5)
    #expect(connectError(directory.file("s"), until: patient) == Errno(rawValue: EPROTOTYPE))
    #expect(isOpen(stream.rawValue))
  }

  @Test func `A path that fits an address with its terminator is taken, a longer one is not`()
    throws
  {
    for length in [107, 108, 109, 4096] {
      let path = bytes("/") + [UInt8](repeating: 0x61, count: length - 1)
      #expect(
        connectError(path, until: patient) == (length <= 107 ? .noSuchFile : .nameTooLong))
    }
  }

  @Test func `A full queue is waited for until the deadline`() throws {
    let directory = try TemporaryDirectory()
    let listener = try bindSocket(directory.file("s"), backlog: 0)
    let first = try PacketSocket.connect(to: directory.file("s"), until: patient)
    #expect(connectError(directory.file("s"), until: soon) == .timedOut)
    // Room in the queue is noticed.
    let accepted = FileDescriptor(
      owning: accept(listener.rawValue, nil, nil))
    #expect(connectError(directory.file("s"), until: patient) == nil)
    #expect(isOpen(first.descriptor.rawValue))
    #expect(isOpen(accepted.rawValue))
  }
}
