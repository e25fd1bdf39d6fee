// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import LinuxPrimitives
import TestSupport
import Testing

private func read(_ number: Int32) -> [UInt8] {
  var room = [UInt8](repeating: 0, count: 4096)
  let count = recv(number, &room, room.count, clinux_MSG_DONTWAIT)
  return Array(room.prefix(max(0, count)))
}

@Suite("Lines for the system log")
struct LogSocketTests {
  private let directory: TemporaryDirectory
  private var path: [UInt8] { directory.file("log") }

  init() throws { directory = try TemporaryDirectory() }

  @Test func `A logger of datagrams gets the line as it is`() throws {
    let logger = try bindSocket(path, type: clinux_SOCK_DGRAM, backlog: nil)
    try sendLogLine(bytes("<85>a line"), to: path, until: patient)
    #expect(text(read(logger.rawValue)) == "<85>a line")
    #expect(read(logger.rawValue).isEmpty)
  }

  @Test func `A logger on a stream gets it with a zero byte at its end`() throws {
    let logger = try bindSocket(path, type: clinux_SOCK_STREAM, backlog: 1)
    try sendLogLine(bytes("<85>a line"), to: path, until: patient)
    let connection = FileDescriptor(
      owning: accept(logger.rawValue, nil, nil))
    #expect(text(read(connection.rawValue)) == "<85>a line\0")
  }

  @Test func `Where nobody listens it says so`() throws {
    expectError(.noSuchFile) { () throws(Errno) in
      try sendLogLine([65], to: path, until: patient)
    }
    do { _ = try bindSocket(path, type: clinux_SOCK_DGRAM, backlog: nil) }
    expectError(.connectionRefused) { () throws(Errno) in
      try sendLogLine([65], to: path, until: patient)
    }
  }

  @Test func `A queue that somebody keeps full is given up in time`() throws {
    let logger = try bindSocket(path, type: clinux_SOCK_DGRAM, backlog: nil)
    var lines = 0
    while (try? sendLogLine([65], to: path, until: .after(milliseconds: 0))) != nil, lines < 9999 {
      lines += 1
    }
    #expect(lines < 9999)
    let start = ContinuousClock.now
    expectError(.timedOut) { () throws(Errno) in
      try sendLogLine([65], to: path, until: .after(milliseconds: 200))
    }
    let time = ContinuousClock.now - start
    #expect(time >= .milliseconds(190) && time < .seconds(10))
    #expect(read(logger.rawValue) == [65])
    expectError(nil) { () throws(Errno) in try sendLogLine([66], to: path, until: patient) }
  }

  @Test func `A path that fits no address is refused`() {
    expectError(.nameTooLong) { () throws(Errno) in
      try sendLogLine([65], to: Array(repeating: 65, count: 108), until: patient)
    }
  }
}
