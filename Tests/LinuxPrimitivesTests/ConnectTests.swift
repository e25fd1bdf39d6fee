// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import LinuxPrimitives
import TestSupport
import Testing

private func connectError(_ path: [UInt8]) -> Errno? {
  errno { () throws(Errno) in
    _ = try PacketSocket.connect(to: path).descriptor.rawValue
  }
}

@Suite("Connecting to a listener")
struct ConnectTests {
  @Test func `A connection reaches the listener, and waits as usual`() throws {
    let directory = try TemporaryDirectory()
    let listener = try bindSocket(directory.file("s"), backlog: 5)
    let here = try PacketSocket.connect(to: directory.file("s"))
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
    #expect(connectError(directory.file("s")) == .noSuchFile)
    let bound = try bindSocket(directory.file("s"), backlog: nil)
    #expect(connectError(directory.file("s")) == .connectionRefused)
    #expect(isOpen(bound.rawValue))
    let file = try directory.makeFile("f")
    #expect(connectError(file) == .connectionRefused)
    #expect(connectError(file + bytes("/s")) == .notDirectory)
  }

  @Test func `A socket of another type is refused`() throws {
    let directory = try TemporaryDirectory()
    let stream = try bindSocket(
      directory.file("s"), type: Int32(SOCK_STREAM.rawValue), backlog: 5)
    #expect(connectError(directory.file("s")) == Errno(rawValue: EPROTOTYPE))
    #expect(isOpen(stream.rawValue))
  }

  @Test func `A path that fits an address with its terminator is taken, a longer one is not`()
    throws
  {
    for length in [107, 108, 109, 4096] {
      let path = bytes("/") + [UInt8](repeating: 0x61, count: length - 1)
      #expect(
        connectError(path) == (length <= 107 ? .noSuchFile : .nameTooLong))
    }
  }

  @Test func `A full queue is waited for until there is room, and the wait can be killed`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("s")
    let listener = try bindSocket(path, backlog: 0)
    let first = try PacketSocket.connect(to: path)
    let killed = try ChildProcess.fork { connectError(path) == nil ? 0 : 1 }
    let waiting = try ChildProcess.fork { connectError(path) == nil ? 0 : 1 }
    let ends = [killed.descriptor.rawValue, waiting.descriptor.rawValue]
    #expect(try wait(for: ends, until: .after(milliseconds: 200)) == [false, false])
    let isReaped = killed.killAndReap()
    #expect(isReaped)
    let accepted = FileDescriptor(owning: accept(listener.rawValue, nil, nil))
    let status = try Patience(cleaningUpUntil: patient).finalStatus(of: waiting)
    #expect(status == 0)
    #expect(isOpen(first.descriptor.rawValue))
    #expect(isOpen(accepted.rawValue))
  }

  @Test func `A listener that goes away while its queue is full refuses who waits`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("s")
    var listener: FileDescriptor? = try bindSocket(path, backlog: 0)
    let first = try PacketSocket.connect(to: path)
    let number = listener?.rawValue ?? -1
    let waiting = try ChildProcess.fork {
      close(number)
      return connectError(path)?.rawValue ?? 0
    }
    let end = waiting.descriptor.rawValue
    #expect(try wait(for: [end], until: .after(milliseconds: 200)) == [false])
    listener = nil
    let status = try Patience(cleaningUpUntil: patient).finalStatus(of: waiting)
    #expect(status == ECONNREFUSED)
    #expect(isOpen(first.descriptor.rawValue))
  }
}
