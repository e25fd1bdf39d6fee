// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation
import MountProtocol
import TestSupport

/// The seeds of the property tests: some that are always the same, and one of this run.
///
/// The seed is a test's argument, so a failure names it; `MOUNT_PROTOCOL_SEED=N` runs it again.
enum PropertySeed {
  static let all: [UInt64] = {
    if let given = ProcessInfo.processInfo.environment["MOUNT_PROTOCOL_SEED"] {
      guard let seed = UInt64(given) else { fatalError("MOUNT_PROTOCOL_SEED is no number") }
      return [seed]
    }
    return [0, 1, 0x5341_4654, UInt64.random(in: .min ... .max)]
  }()
}

/// Any packet of the protocol, whichever way it goes.
enum Packet: Equatable {
  case hello(Hello)
  case helloReply(HelloReply)
  case command(Command)
  case reply(Reply)

  /// The bytes on the wire.
  func encoded() -> [UInt8] {
    switch self {
    case .hello(let hello): return hello.encoded()
    case .helloReply(let reply): return reply.encoded()
    case .command(let command): return command.encoded()
    case .reply(let reply): return reply.encoded()
    }
  }

  /// Everything that `bytes` can be read as; no packet is two things at once.
  static func readings(of bytes: [UInt8]) -> [Packet] {
    var readings: [Packet] = []
    if let hello = Hello(decoding: bytes) { readings.append(.hello(hello)) }
    if let reply = HelloReply(decoding: bytes) { readings.append(.helloReply(reply)) }
    if let command = try? Command(decoding: bytes) { readings.append(.command(command)) }
    if let reply = Reply(decoding: bytes) { readings.append(.reply(reply)) }
    return readings
  }
}

extension SplitMix64 {
  /// An integer, of which small ones, single bits and the largest are as likely as all others.
  mutating func integer() -> UInt32 {
    switch UInt8.random(in: 0..<4, using: &self) {
    case 0: return UInt32.random(in: 0..<4, using: &self)
    case 1: return 1 << UInt32.random(in: 0..<32, using: &self)
    case 2: return .max
    default: return UInt32.random(in: .min ... .max, using: &self)
    }
  }

  /// Bytes without a NUL, valid UTF-8 or not.
  mutating func string(minimum: Int = 0) -> [UInt8] {
    let length = Int.random(in: minimum...minimum + 24, using: &self)
    return (0..<length).map { _ in UInt8.random(in: 1 ... .max, using: &self) }
  }

  /// A request for a file.
  mutating func openRequest() -> OpenRequest {
    OpenRequest(
      path: string(minimum: 1), openFlags: integer(), createMode: integer(),
      requestFlags: OpenRequestFlags(rawValue: integer()), blockSize: integer())
  }

  /// No error, or any.
  mutating func error() -> ErrorNumber? {
    Bool.random(using: &self) ? nil : ErrorNumber(rawValue: max(integer(), 1))
  }

  /// One packet of every kind, in both directions.
  mutating func packetsOfEveryKind() -> [Packet] {
    [
      .hello(
        Hello(
          minimumVersion: UInt16(truncatingIfNeeded: integer()),
          maximumVersion: UInt16(truncatingIfNeeded: integer()),
          flags: HelloFlags(rawValue: integer()))),
      .helloReply(HelloReply(version: UInt16(truncatingIfNeeded: integer()))),
      .command(.open(openRequest())),
      .command(.openBlockDevice(openRequest())),
      .command(.filesystemContext(FilesystemContextFlags(rawValue: integer()))),
      .command(.source(string(minimum: 1))),
      .command(.superblockOptions(string(minimum: 1))),
      .command(.userspaceOptions(string(minimum: 1))),
      .command(
        .mountPoint(
          expectedFormat: UInt16(truncatingIfNeeded: integer()), path: string(minimum: 1))),
      .command(.mount(flags: integer())),
      .command(.ioMapping(Bool.random(using: &self) ? .optional : .mandatory)),
      .command(.lastWords(string())),
      .command(.goodbye(exitCode: integer())),
      .reply(.file(error: error(), path: string())),
      .reply(.simple(error: error())),
    ]
  }
}
