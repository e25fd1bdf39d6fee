// SPDX-License-Identifier: LGPL-2.1-or-later

internal import MountPolicy
internal import MountProtocol

extension SessionRefusal {
  /// One line in words, with the server's bytes as they are; `configurationPath` names fuse.conf.
  public func explanation(configurationPath: [UInt8]) -> [UInt8] {
    switch self {
    case .policy(let refusal):
      return refusal.explanation(configurationPath: configurationPath)
    case .repeated(let magic):
      return Array("the service sent ".utf8) + magic.name + Array(" twice".utf8)
    case .malformed(let magic):
      return Array("the service sent a malformed ".utf8) + magic.name
    case .incomplete:
      return Array("the service asked for the mount without NAME or MNTP".utf8)
    case .afterRefusal:
      return Array("the service asked for the mount although a part of it was refused".utf8)
    case .afterMount(let magic):
      return Array("the service sent ".utf8) + magic.name + Array(" after DOIT".utf8)
    case .noIOMapping:
      return Array("the service needs I/O mapping, which this kernel does not have".utf8)
    }
  }
}

extension SessionFailure {
  /// One line in words, with the server's bytes as they are.
  public var explanation: [UInt8] {
    switch self {
    case .serverGaveUp(_, .some(let words)):
      return Array("the service says: ".utf8) + words
    case .serverGaveUp(let exitCode, nil):
      return Array("the service gave up with code ".utf8) + digits(UInt64(exitCode))
        + Array("; see its log".utf8)
    case .nothingMounted:
      return Array("the service said that it was done, but asked for no mount".utf8)
    case .unknownPacket(let raw):
      return Array("the service sent an unknown packet (0x".utf8) + hexadecimal(raw)
        + Array("); is it newer than this helper?".utf8)
    case .brokenPacket:
      return Array("the service sent a broken packet".utf8)
    case .unexpectedLastWords:
      return Array("the service explained a failure and went on all the same".utf8)
    case .tooManyRequests:
      return Array("the service sent too many requests".utf8)
    case .outOfTurn:
      return Array("the service sent a packet out of turn".utf8)
    }
  }
}

extension Magic {
  /// The four letters, for a message.
  fileprivate var name: [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: rawValue >> UInt32($0)) }
  }
}

private func hexadecimal(_ value: UInt32) -> [UInt8] {
  let digits = Array("0123456789abcdef".utf8)
  return stride(from: 28, through: 0, by: -4).map { digits[Int(value >> UInt32($0)) & 15] }
}
