// SPDX-License-Identifier: LGPL-2.1-or-later

import Glibc
import LinuxPrimitives
import Testing

/// Two ends: what is written to the second is read from the first.
private final class Ends {
  let read: Int32
  let write: Int32

  init(_ numbers: [Int32]) { (read, write) = (numbers[0], numbers[1]) }

  deinit {
    close(read)
    close(write)
  }
}

/// How many bytes a pipe holds: `F_GETPIPE_SZ`, which the C library's header keeps to itself.
private let getPipeSize: Int32 = 1032

/// What standard error may be.
private enum Channel: String, CaseIterable {
  case pipe
  case terminal
  case streamSocket
  case packetSocket

  func open() throws -> Ends {
    var ends: [Int32] = [-1, -1]
    switch self {
    case .pipe:
      try #require(Glibc.pipe(&ends) == 0)
    case .terminal:
      var first: Int32 = -1
      var second: Int32 = -1
      try #require(openpty(&first, &second, nil, nil, nil) == 0)
      ends = [first, second]
    case .streamSocket:
      try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    case .packetSocket:
      try #require(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
    }
    return Ends(ends)
  }
}

/// At most `count` bytes that there are to read.
private func read(_ number: Int32, _ count: Int) -> [UInt8] {
  var buffer = [UInt8](repeating: 0, count: count)
  let length = Glibc.read(number, &buffer, count)
  return Array(buffer.prefix(max(0, length)))
}

@Suite("Writing to somebody who may not read")
struct PatientWriteTests {
  @Test(arguments: Channel.allCases)
  private func `What is read arrives whole`(channel: Channel) throws {
    let ends = try channel.open()
    try writeAll(bytes("a line"), to: ends.write, until: patient)
    #expect(read(ends.read, 100) == bytes("a line"))
  }

  @Test(arguments: Channel.allCases)
  private func
    `More than there is room for is given up in time, though poll says that there is room`(
      channel: Channel
    ) throws
  {
    let ends = try channel.open()
    let flags = fcntl(ends.write, F_GETFL)
    let start = ContinuousClock.now
    var failure: Errno?
    // Each line is longer than the last free page, so the room ends in the middle of one.
    for _ in 0..<1000 where failure == nil {
      do throws(Errno) {
        try writeAll(
          [UInt8](repeating: 0x61, count: 5000), to: ends.write,
          until: .after(milliseconds: 100))
      } catch {
        failure = error
      }
    }
    #expect(failure == .timedOut)
    #expect(ContinuousClock.now - start < .seconds(20))
    // The descriptor is shared with others, who have not asked for another flag.
    #expect(fcntl(ends.write, F_GETFL) == flags)
  }

  @Test func `A full pipe takes a line when somebody reads`() throws {
    let ends = try Channel.pipe.open()
    let input = ends.read
    let size = Int(fcntl(ends.write, getPipeSize))
    try writeAll([UInt8](repeating: 0x61, count: size), to: ends.write)
    let reader = try ChildProcess.fork {
      LinuxPrimitives.sleep(milliseconds: 100)
      return read(input, 8192).count == 8192 ? 0 : 1
    }
    try writeAll(bytes("line"), to: ends.write, until: patient)
    reader.killAndReap()
  }

  @Test func `A file takes it at once`() throws {
    let file = try memoryFile([])
    try writeAll(bytes("a line"), to: file.rawValue, until: .after(milliseconds: 0))
    #expect(try file.status().size == 6)
  }
}
