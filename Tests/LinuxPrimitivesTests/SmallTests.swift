// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import LinuxPrimitives
import Testing

@Suite("Strings for the kernel")
struct CStringTests {
  @Test(arguments: [[], bytes("a"), bytes("a b"), [0xff, 0xfe], [UInt8](1...255)])
  func `Bytes reach the kernel as they are, with a terminator`(content: [UInt8]) throws {
    #expect(try withCString(content) { bytes(ofCString: $0) } == content)
    #expect(try CString(content).withPointer { strlen($0) } == content.count)
  }

  @Test(arguments: [[0], [0, 0x61], [0x61, 0], [0x61, 0, 0x62]] as [[UInt8]])
  func `A NUL is refused, because it would cut the string short`(content: [UInt8]) {
    expectError(.invalidArgument) { () throws(Errno) in try CString(content) }
    expectError(.invalidArgument) { () throws(Errno) in try withCString(content) { _ in } }
  }

  @Test func `Literals and the empty string are terminated`() {
    #expect(CString("/dev/null").withPointer { bytes(ofCString: $0) } == bytes("/dev/null"))
    #expect(CString.empty.withPointer { strlen($0) } == 0)
  }
}

@Suite("Error numbers")
struct ErrnoTests {
  @Test(
    arguments: [
      (.notPermitted, 1, "Operation not permitted"), (.noSuchFile, 2, "No such file or directory"),
      (.interrupted, 4, "Interrupted system call"), (.inputOutput, 5, "Input/output error"),
      (.badFileDescriptor, 9, "Bad file descriptor"), (.noChildProcess, 10, "No child processes"),
      (.resourceTemporarilyUnavailable, 11, "Resource temporarily unavailable"),
      (.noMemory, 12, "Cannot allocate memory"), (.permissionDenied, 13, "Permission denied"),
      (.notBlockDevice, 15, "Block device required"), (.busy, 16, "Device or resource busy"),
      (.fileExists, 17, "File exists"), (.notDirectory, 20, "Not a directory"),
      (.invalidArgument, 22, "Invalid argument"),
      (.notTypewriter, 25, "Inappropriate ioctl for device"),
      (.readOnlyFileSystem, 30, "Read-only file system"), (.brokenPipe, 32, "Broken pipe"),
      (.nameTooLong, 36, "File name too long"), (.notImplemented, 38, "Function not implemented"),
      (.tooManyLinks, 40, "Too many levels of symbolic links"), (.badMessage, 74, "Bad message"),
      (.overflow, 75, "Value too large for defined data type"),
      (.tooManyUsers, 87, "Too many users"),
      (.noProtocolOption, 92, "Protocol not available"),
      (.notSupported, 95, "Operation not supported"),
      (.connectionReset, 104, "Connection reset by peer"),
      (.noBufferSpace, 105, "No buffer space available"),
      (.timedOut, 110, "Connection timed out"), (.connectionRefused, 111, "Connection refused"),
      (.canceled, 125, "Operation canceled"),
    ] as [(Errno, Int32, String)])
  func `A number has the kernel's value and a text`(error: Errno, number: Int32, message: String) {
    #expect(error.rawValue == number)
    #expect(text(error.message) == message)
  }

  @Test func `A number that nobody knows has a text too`() {
    #expect(text(Errno(rawValue: 4095).message) == "Unknown error 4095")
  }

  @Test func `The last error is that of the last call`() {
    #expect(clinux_open("/nowhere/at all", 0, 0) == -1)
    #expect(Errno.last == .noSuchFile)
  }
}

@Suite("Deadlines and waiting")
struct DeadlineTests {
  @Test func `Never is after everything and does not pass`() {
    #expect(Deadline.never.pollTimeout == -1)
    #expect(!Deadline.never.hasPassed)
    #expect(Deadline.after(seconds: 1 << 40) < .never)
    #expect(min(Deadline.never, soon) != .never)
  }

  @Test func `A deadline passes when its time has come`() {
    let past = Deadline.after(milliseconds: 0)
    #expect(past.hasPassed)
    #expect(past.pollTimeout == 0)
    #expect(Deadline.after(milliseconds: -1000).hasPassed)
    #expect(Deadline.after(seconds: -1).pollTimeout == 0)
    let near = Deadline.after(milliseconds: 20)
    sleep(milliseconds: 60)
    #expect(near.hasPassed)
  }

  @Test func `The time that is left fits poll(2)`() {
    let minute = Deadline.after(seconds: 60)
    #expect(!minute.hasPassed)
    #expect((40_000...60_000).contains(minute.pollTimeout))
    #expect(Deadline.after(seconds: 86_400).pollTimeout > 86_000_000)
    #expect(Deadline.after(milliseconds: 1 << 40).pollTimeout == .max)
  }

  @Test func `A time beyond all clocks is never, not in the past`() {
    #expect(Deadline.after(milliseconds: .max) == .never)
    #expect(Deadline.after(seconds: .max) == .never)
    #expect(Deadline.after(seconds: .max / 1000 + 1) == .never)
    #expect(Deadline.after(seconds: .min).hasPassed)
    #expect(Deadline.after(seconds: .min).pollTimeout == 0)
    #expect(Deadline.after(milliseconds: .min).hasPassed)
    #expect(Deadline.after(milliseconds: .min).pollTimeout == 0)
  }

  @Test func `A wait tells which descriptors are ready`() throws {
    var idle = try PacketSocket.pair()
    var busy = try PacketSocket.pair()
    try busy.second?.send([1], until: patient)
    guard let idleEnd = idle.first.take(), let busyEnd = busy.first.take() else { return }
    let numbers = [idleEnd.descriptor.rawValue, busyEnd.descriptor.rawValue]
    #expect(try wait(for: numbers, until: patient) == [false, true])
    #expect(try wait(for: [numbers[0]], until: soon) == [false])
    #expect(try wait(for: numbers, toBe: .writable, until: patient) == [true, true])
    idle.second = nil
    #expect(try wait(for: [numbers[0]], until: patient) == [true])
    #expect(try wait(for: [], until: soon) == [])
    #expect(isOpen(idleEnd.descriptor.rawValue) && isOpen(busyEnd.descriptor.rawValue))
  }
}

@Suite("What a packager sets")
struct BuildConfigurationTests {
  @Test func `The places are absolute paths that fit a socket's address`() {
    for path in [BuildConfiguration.socketDirectory, BuildConfiguration.configurationPath] {
      #expect(path.first == UInt8(ascii: "/"))
      #expect(path.last != UInt8(ascii: "/"))
      #expect(path.count < 80)
      #expect(!path.contains { $0 <= 0x20 || $0 == 0x7f })
    }
    #expect(text(BuildConfiguration.socketDirectory) == FUSE_SERVICE_SOCKET_DIR)
    #expect(text(BuildConfiguration.configurationPath) == FUSE_CONF)
  }

  @Test func `The version is three numbers`() {
    let parts = text(BuildConfiguration.version).split(separator: ".")
    #expect(parts.count == 3)
    #expect(parts.allSatisfy { Int($0) != nil })
  }
}
