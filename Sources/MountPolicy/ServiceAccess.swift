// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals
public import MountProtocol

/// Whether a caller may use a service, as far as its socket tells. Whether the service works, only a
/// mount shows.
public enum ServiceAccess: Equatable, Sendable {
  /// The socket is there, and the caller may write to it.
  case usable
  /// There is nothing of that name.
  case missing
  /// What is there is no socket.
  case notSocket(FileKind)
  /// The caller may not write to the socket, or not reach it.
  case forbidden
  /// The system says something else, in these words.
  case unclear([UInt8])

  /// What an error means that looking at the socket ended with; `message` has its words.
  public init(_ error: ErrorNumber, message: [UInt8]) {
    switch error {
    case .noSuchFile: self = .missing
    case .permissionDenied: self = .forbidden
    default: self = .unclear(message)
    }
  }

  /// Whether there is, or may be, a socket: what is none is no service.
  public var isOfService: Bool {
    switch self {
    case .usable, .forbidden, .unclear: return true
    case .missing, .notSocket: return false
    }
  }

  /// The answer in words.
  public var words: [UInt8] {
    reason ?? text("you may use this service; whether it works, only a mount shows")
  }

  /// Why not, and where it helps what to do; `nil` when the service is usable.
  public var reason: [UInt8]? {
    switch self {
    case .usable:
      return nil
    case .missing:
      return text("no such socket; install the service, or start its socket unit")
    case .notSocket(let kind):
      return text("not a socket but ") + kind.words + text("; look at the service's socket unit")
    case .forbidden:
      return text("you may not use this service; SocketMode= of its socket unit says who may")
    case .unclear(let message):
      return message
    }
  }
}
