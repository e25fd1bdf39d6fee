// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives

/// How long a finisher is waited for that puts away what it has begun, in seconds. It may take
/// longer; nobody has to watch.
private let timeToPutAway: Int64 = 5

/// The longest line that a finisher sends, in bytes.
private let longestLine = 8192

/// The exit status of a finisher that has sent a line; any other but 0 is an error number.
private let saidWhy: Int32 = 255

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
    _ work: (inout LinuxPrivilegedOperations, Patience) -> [UInt8]?
  ) throws(Errno) -> [UInt8]? {
    var line = try PacketSocket.pair()
    guard let far = line.second?.descriptor.rawValue else { throw .badFileDescriptor }
    let finisher = try ChildProcess.fork(keeping: descriptors + [far]) {
      let end = PacketSocket(FileDescriptor(owning: far))
      do throws(Errno) {
        try becomeFinisher()
        guard
          let failure = work(&self, Patience(until: patience.deadline, interruptedBy: far))
        else { return 0 }
        try end.send(failure, until: .after(seconds: 1))
        return saidWhy
      } catch {
        return error.rawValue
      }
    }
    line.second = nil
    let status: Int32
    do throws(Errno) {
      status = try patience.extended(byMilliseconds: 500).status(of: finisher)
    } catch {
      // What was complete in this moment is complete.
      line.first = nil
      let putAway = Patience(cleaningUpUntil: .after(seconds: timeToPutAway))
      guard try putAway.status(of: finisher) == 0 else { throw error }
      return nil
    }
    if status == 0 { return nil }
    guard status == saidWhy else { throw Errno(rawValue: status) }
    guard
      let failure = try line.first?.receive(
        limit: longestLine, until: .after(seconds: 1))
    else { throw .inputOutput }
    return failure.bytes
  }
}

/// Takes root's ids as the real and saved ones and leaves the caller's session.
private func becomeFinisher() throws(Errno) {
  let user = geteuid()
  let group = getegid()
  try setIdentities(
    users: IdentityTriple(real: 0, effective: user, saved: 0),
    groups: IdentityTriple(real: 0, effective: group, saved: 0))
  try setCapabilities(permitted: .systemAdministration, effective: [])
  try sealProcess()
  // Changed ids have erased it already; a root caller's are the same as before.
  outliveParent()
  _ = setsid()
}
