// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import LinuxPrimitives
import TestSupport
import Testing

@Suite("Owned descriptors")
struct FileDescriptorTests {
  @Test func `A descriptor is closed with its owner`() throws {
    let witness = try Witness()
    do {
      let owner = witness.giveAway()
      #expect(isOpen(owner.rawValue))
      let isClosedEarly = witness.isClosed(by: soon)
      #expect(!isClosedEarly)
      #expect(isOpen(owner.rawValue))
    }
    let isClosed = witness.isClosed(by: patient)
    #expect(isClosed)
  }

  @Test func `A descriptor that was released is not closed`() throws {
    let witness = try Witness()
    let number = witness.giveAway().release()
    let isClosedEarly = witness.isClosed(by: soon)
    #expect(!isClosedEarly)
    #expect(close(number) == 0)
    let isClosed = witness.isClosed(by: patient)
    #expect(isClosed)
  }

  @Test func `A duplicate is another number for the same open file, close-on-exec`() throws {
    let file = try memoryFile(bytes("abc"))
    let copy = try file.duplicate()
    #expect(copy.rawValue != file.rawValue)
    #expect(isCloseOnExec(copy.rawValue))
    #expect(isCloseOnExec(file.rawValue))
    let isSame = try copy.status() == (try file.status())
    #expect(isSame)
    try copy.setNonblocking(true)
    #expect(try file.statusFlags() & O_NONBLOCK != 0)
    try file.setNonblocking(false)
    #expect(try copy.statusFlags() & O_NONBLOCK == 0)
    try file.setNonblocking(false)
    #expect(try copy.statusFlags() & O_NONBLOCK == 0)
  }

  @Test func `What is no descriptor fails in every call and is not closed`() {
    let none = FileDescriptor(owning: -1)
    expectError(.badFileDescriptor) { () throws(Errno) in try none.duplicate() }
    expectError(.badFileDescriptor) { () throws(Errno) in try none.statusFlags() }
    expectError(.badFileDescriptor) { () throws(Errno) in try none.setNonblocking(true) }
    expectError(.badFileDescriptor) { () throws(Errno) in try none.status() }
    expectError(.badFileDescriptor) { () throws(Errno) in try none.fileSystemMagic() }
    expectError(.badFileDescriptor) { () throws(Errno) in try none.read(1) }
    expectError(.badFileDescriptor) { () throws(Errno) in try none.write([1]) }
    expectError(.badFileDescriptor) { () throws(Errno) in try none.mountID() }
    expectError(.noSuchFile) { () throws(Errno) in try none.currentPath() }
  }

  @Test func `A descriptor's name in proc leads to its file`() throws {
    let file = try memoryFile(bytes("abc"))
    #expect(text(file.processPath) == "/proc/self/fd/\(file.rawValue)")
    let again = try openFile(file.processPath)
    #expect(try again.readToEnd(limit: 10) == bytes("abc"))
  }
}

@Suite("Reading and writing")
struct ReadWriteTests {
  @Test(arguments: [0, 1, 16_383, 16_384, 16_385, 100_000])
  func `A file is read to its end, up to a limit`(size: Int) throws {
    let content = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
    let file = try memoryFile(content)
    #expect(try openFile(file.processPath).readToEnd(limit: size) == content)
    if size > 0 {
      let error = errno { () throws(Errno) in
        try openFile(file.processPath).readToEnd(limit: size - 1)
      }
      #expect(error == .overflow)
    }
  }

  @Test func `A read takes what there is and then nothing`() throws {
    let memory = try memoryFile(bytes("abc"))
    let file = try openFile(memory.processPath)
    #expect(try file.read(2) == bytes("ab"))
    #expect(try file.read(2) == bytes("c"))
    #expect(try file.read(2) == [])
  }

  @Test func `Writing to a full device fails`() throws {
    let full = try openFile(bytes("/dev/full"), .readWrite)
    expectError(Errno(rawValue: ENOSPC)) { () throws(Errno) in try full.write([1]) }
    expectError(nil) { () throws(Errno) in try full.write([]) }
  }
}
