// SPDX-License-Identifier: LGPL-2.1-or-later

public import LinuxPrimitives
public import MountHelper

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`.
  ///
  /// The corresponding system calls are `clone(2)` and `socketpair(2)`.
  public mutating func startMounter(
    keeping descriptors: [Int32],
    _ work: (inout LinuxPrivilegedOperations, borrowing PacketSocket) -> Int32
  ) throws(Errno) -> MounterProcess {
    var pair = try PacketSocket.pair()
    guard let near = pair.first.take(), let far = pair.second?.descriptor.rawValue else {
      throw .badFileDescriptor
    }
    let process = try ChildProcess.fork(keeping: descriptors + [far]) {
      work(&self, PacketSocket(FileDescriptor(owning: far)))
    }
    return MounterProcess(process: process, line: near)
  }

  /// See `PrivilegedOperations`.
  public mutating func becomeFinisher() throws(Errno) { try leaveCallersReach() }
}
