// SPDX-License-Identifier: LGPL-2.1-or-later

internal import MountProtocol

/// Which intent is permitted when.
///
/// A worker that its server has taken over can send any intent at any time; what is not permitted
/// ends it. The mount point and the fuse device are taken only before the worker reads what the service
/// sends, so a server has no say in them; and that there is no service is believed only before that.
public struct IntentGate: Sendable {
  /// How many intents a worker may send in all: at most six for each file request (two steps, two of a
  /// clone, a loop device and a block size, and two lines), with room for the rest of the session.
  static let limit = 8 * ProtocolLimits.fileRequests

  private enum Phase {
    case pinning
    case connecting
    case preparing
    case conversing
    case mounted
    case ended
  }

  private var phase = Phase.pinning
  private var count = 0

  /// A gate for a worker that has sent nothing.
  public init() {}

  /// Whether `intent` is permitted now, and notes that it was sent.
  public mutating func admits(_ intent: Intent) -> Bool {
    count += 1
    guard phase != .ended, count <= Self.limit else { return false }
    switch intent {
    case .mountPoint:
      guard phase == .pinning || phase == .connecting else { return false }
      phase = .preparing
    case .fuseDevice:
      guard phase == .preparing else { return false }
      phase = .conversing
    case .awaiting(let step):
      return admits(step)
    case .report, .explain:
      break
    case .userName, .readOnlyClone, .setBlockSize, .attachLoopDevice:
      return phase == .conversing
    case .mount:
      guard phase == .conversing else { return false }
      phase = .mounted
    case .complete:
      guard phase == .mounted else { return false }
      phase = .ended
    case .failed(.noService):
      guard phase == .pinning || phase == .connecting else { return false }
      phase = .ended
    case .failed(.failed):
      phase = .ended
    }
    return true
  }

  private mutating func admits(_ step: Step) -> Bool {
    switch step {
    case .paths, .hello:
      // Each begins by itself.
      return false
    case .connection:
      guard phase == .pinning else { return false }
      phase = .connecting
      return true
    case .command, .file:
      return phase == .conversing || phase == .mounted
    }
  }
}
