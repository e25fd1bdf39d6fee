// SPDX-License-Identifier: LGPL-2.1-or-later

public import LinuxPrimitives
public import MountHelper

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`.
  ///
  /// The corresponding system calls are `clone(2)` and `socketpair(2)`.
  public mutating func startMounter(
    _ work: (inout LinuxPrivilegedOperations, borrowing PacketSocket) -> Int32
  ) throws(Errno) -> MounterProcess {
    MounterProcess(try LinkedChild.fork { work(&self, $0) })
  }

  /// See `PrivilegedOperations`.
  public mutating func becomeFinisher() throws(Errno) { try leaveCallersReach() }
}
