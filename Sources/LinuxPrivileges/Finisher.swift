// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives
public import MountHelper

/// How long a finisher is waited for that puts away what it has begun, in seconds. It may take
/// longer; nobody has to watch.
private let timeToPutAway: Int64 = 5

/// The longest line that a finisher sends, in bytes.
private let longestLine = 8192

/// The exit status of a finisher that has sent a line which says why not; any other but 0 and the
/// next is an error number.
private let saidWhy: Int32 = 255

/// The exit status of one that is done, as with 0, and has sent a line which says what it did.
private let saidWhat: Int32 = 254

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`.
  ///
  /// The monitor's real id is the caller's, who may kill it at any instruction; the finisher's real
  /// and saved ids are root's, and it has a session of its own, so no signal of the caller's reaches
  /// it (kill(2)). Its effective id stays the caller's. It shares a line with the monitor: when that
  /// is cut, by the monitor's end or by its giving up, patience is over. A kernel lock that holds the
  /// finisher beyond any signal only delays it: it looks at the line afterwards.
  public mutating func finish(
    keeping descriptors: [Int32], patience: Patience,
    _ work: (inout LinuxPrivilegedOperations, Patience) -> FinisherEnding
  ) throws(Errno) -> FinisherEnding {
    let finisher = try LinkedChild.fork(keeping: descriptors) { line in
      do throws(Errno) {
        try leaveCallersReach()
        let given = Patience(
          until: patience.deadline, interruptedBy: line.descriptor.rawValue)
        switch work(&self, given) {
        case .done(let steps):
          // The mount is there, whether anybody hears of the steps or not.
          if steps.isEmpty { return 0 }
          return (try? line.send(steps, until: .after(seconds: 1))) == nil ? 0 : saidWhat
        case .failed(let why):
          try line.send(why, until: .after(seconds: 1))
          return saidWhy
        }
      } catch {
        return error.rawValue
      }
    }
    let status: Int32
    do throws(Errno) {
      status = try patience.extended(byMilliseconds: 500).status(of: finisher.process)
    } catch {
      // What was complete in this moment is complete.
      finisher.cut()
      let putAway = Patience(cleaningUpUntil: .after(seconds: timeToPutAway))
      let late = try putAway.status(of: finisher.process)
      guard late == 0 || late == saidWhat else { throw error }
      return .done([])
    }
    let soon = Patience(cleaningUpUntil: .after(seconds: 1))
    switch status {
    case 0:
      return .done([])
    case saidWhat:
      return .done((try? finisher.receive(limit: longestLine, soon))?.bytes ?? [])
    case saidWhy:
      guard let why = try finisher.receive(limit: longestLine, soon) else { throw .inputOutput }
      return .failed(why.bytes)
    default:
      throw Errno(rawValue: status)
    }
  }
}

/// Takes root's ids as the real and saved ones and leaves the caller's session, so that the caller can
/// neither stop nor kill this process.
func leaveCallersReach() throws(Errno) {
  try makeRealIdentitiesRoot()
  try setCapabilities(permitted: .systemAdministration, effective: [])
  try hideProcess()
  // Changed ids have erased it already; a root caller's are the same as before.
  outliveParent()
  _ = setsid()
}
