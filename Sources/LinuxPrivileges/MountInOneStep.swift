// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives
internal import Literals
public import MountHelper
public import MountPolicy

private let detachLazily: Int32 = 2

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`.
  ///
  /// The corresponding system call is `mount(2)`, onto `/proc/self/fd/N` of the pinned mount point,
  /// so that no path is walked again.
  public mutating func mountInOneStep(
    _ plan: MountPlan, at mountPoint: borrowing FileDescriptor,
    fuseDevice: borrowing FileDescriptor, rootMode: UInt32, caller: Caller, patience: Patience
  ) throws(Errno) {
    let mountHere = try MountCall(
      plan, fuseDevice: fuseDevice, rootMode: rootMode, caller: caller)
    let target = try CString(mountPoint.processPath)
    try runPrivilegedChild(keeping: [mountPoint.rawValue, fuseDevice.rawValue], patience) {
      mountHere(at: target)
    }
  }

  /// See `PrivilegedOperations`.
  ///
  /// The corresponding system call is `umount2(2)` with `MNT_DETACH`: the server may be dead or
  /// hold its answer, and a lazy unmount asks it nothing.
  public mutating func detachMount(
    _ entry: MountTableEntry, at place: borrowing FileDescriptor
  ) throws(Errno) {
    let target = try CString(place.processPath)
    _ = try withSystemAdministration {
      // The name is terminated and lives through the call.
      unsafe target.withPointer { unsafe umount2($0, detachLazily) }
    }
    if try MountTable.read().contains(entry) { throw .busy }
  }

  /// See `PrivilegedOperations`.
  ///
  /// The file `N/abort` of a control file system (fusectl) that is mounted nowhere and belongs to
  /// the mount's owner, who is the caller.
  public mutating func abortConnection(_ number: UInt32, patience: Patience) throws(Errno) {
    let status = try patience.runInChild(keeping: []) {
      do throws(Errno) {
        try cutOffConnection(number)
        return 0
      } catch {
        return error.rawValue
      }
    }
    guard status == 0 else { throw Errno(rawValue: status) }
  }

  /// Runs one call with `CAP_SYS_ADMIN` in a child of the monitor.
  private func runPrivilegedChild(
    keeping descriptors: [Int32], _ patience: Patience, _ call: () -> Int32
  ) throws(Errno) {
    let status = try patience.runInChild(keeping: descriptors) {
      do throws(Errno) {
        _ = try withSystemAdministration(call)
        return 0
      } catch {
        return error.rawValue
      }
    }
    guard status == 0 else { throw Errno(rawValue: status) }
  }
}

private func cutOffConnection(_ number: UInt32) throws(Errno) {
  // Each name is terminated and lives through its call.
  let context = FileDescriptor(
    owning: try withSystemAdministration {
      unsafe CString("fusectl").withPointer { unsafe clinux_fsopen($0, 1) }
    })
  let raw = context.rawValue
  _ = try withSystemAdministration { clinux_fsconfig(raw, 6, nil, nil, 0) }
  let control = FileDescriptor(owning: try withSystemAdministration { clinux_fsmount(raw, 1, 0) })
  let name = try CString(digits(UInt64(number)) + text("/abort"))
  let result = unsafe name.withPointer { unsafe clinux_openat(control.rawValue, $0, O_WRONLY) }
  guard result >= 0 else { throw .last }
  try FileDescriptor(owning: result).write(text("1"))
}
