// SPDX-License-Identifier: LGPL-2.1-or-later

public import MountPolicy
public import MountProtocol

/// Why an answer says no.
public enum SessionRefusal: Error, Equatable, Sendable {
  /// MountPolicy refuses it.
  case policy(Refusal)
  /// The command came before, and each is taken once.
  case repeated(Magic)
  /// The packet is not what its magic says.
  case malformed(Magic)
  /// DOIT came without NAME or MNTP.
  case incomplete
  /// DOIT came although an earlier command was refused.
  case afterRefusal
  /// After DOIT only a goodbye is taken.
  case afterMount(Magic)
  /// No kernel has what IOMA asks for.
  case noIOMapping

  /// The error that the server sees.
  public var error: ErrorNumber {
    switch self {
    case .policy(let refusal): return refusal.error
    case .noIOMapping: return .notSupported
    case .repeated, .malformed, .incomplete, .afterRefusal, .afterMount: return .invalidArgument
    }
  }
}

/// Why a session ended without a mount.
public enum SessionFailure: Equatable, Sendable {
  /// The server said goodbye with this code, and with these last words if it had any.
  case serverGaveUp(exitCode: UInt32, lastWords: [UInt8]?)
  /// The server said goodbye with 0, but nothing is mounted.
  case nothingMounted
  /// A packet with a magic that version 1 does not know.
  case unknownPacket(UInt32)
  /// A packet too short for a magic, too long, or a goodbye that is none.
  case brokenPacket
  /// Last words at another time than just before a goodbye.
  case unexpectedLastWords
  /// More requests than a server may send.
  case tooManyRequests
  /// Something was sent after the end, or while the helper was mounting.
  case outOfTurn
}

/// What the helper does next. Exactly one action follows each packet; those that carry an answer
/// name it, so that none is forgotten.
public enum SessionAction: Equatable, Sendable {
  /// Open a file and answer with it.
  case open(OpenPlan)
  /// Answer a file request with a refusal. With `quiet` the caller's terminal hears nothing of it.
  case refuseFile(SessionRefusal, path: [UInt8], quiet: Bool)
  /// Answer with success, and tell the caller what was left out.
  case accept(warnings: [UserspaceOptionWarning])
  /// Answer with a refusal.
  case refuse(SessionRefusal)
  /// Make the mount, tell the session by `mountEnded(succeeded:)`, and answer with the outcome.
  case mount(MountRequest)
  /// Nothing to answer: wait for the next packet.
  case wait
  /// The server said goodbye with 0 after a successful DOIT: attach the mount.
  case complete
  /// There will be no mount.
  case fail(SessionFailure)
}
