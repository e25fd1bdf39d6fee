// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals
internal import MountPolicy
internal import MountProtocol

extension SessionRefusal {
  /// One line in words, with the server's bytes as they are; `configurationPath` names fuse.conf.
  public func explanation(configurationPath: [UInt8]) -> [UInt8] {
    switch self {
    case .policy(let refusal):
      return refusal.explanation(configurationPath: configurationPath)
    case .repeated(let magic):
      return text("the service sent ") + magic.name + text(" twice")
    case .malformed(let magic):
      return text("the service sent a malformed ") + magic.name
    case .incomplete:
      return text("the service asked for the mount without NAME or MNTP")
    case .afterRefusal:
      return text("the service asked for the mount although a part of it was refused")
    case .afterMount(let magic):
      return text("the service sent ") + magic.name + text(" after DOIT")
    case .noIOMapping:
      return text("the service needs I/O mapping, which this kernel does not have")
    }
  }
}

extension SessionFailure {
  /// One line in words, with the server's bytes as they are.
  public var explanation: [UInt8] {
    switch self {
    case .serverGaveUp(_, .some(let words)):
      return text("the service says: ") + words
    case .serverGaveUp(let exitCode, nil):
      return text("the service gave up with code ") + digits(UInt64(exitCode))
        + text("; see its log")
    case .nothingMounted:
      return text("the service said that it was done, but asked for no mount")
    case .unknownPacket(let raw):
      return text("the service sent an unknown packet (0x") + hexadecimal(raw)
        + text("); is it newer than this helper?")
    case .brokenPacket:
      return text("the service sent a broken packet")
    case .unexpectedLastWords:
      return text("the service explained a failure and went on all the same")
    case .tooManyRequests:
      return text("the service sent too many requests")
    case .outOfTurn:
      return text("the service sent a packet out of turn")
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
  let digits = text("0123456789abcdef")
  return stride(from: 28, through: 0, by: -4).map { digits[Int(value >> UInt32($0)) & 15] }
}
