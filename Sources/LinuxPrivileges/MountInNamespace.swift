// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives
public import MountPolicy

private let cloneFlags: UInt32 = 1 | UInt32(O_CLOEXEC)

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`.
  ///
  /// `mount(2)` attaches what it makes. In a mount namespace of its own (`unshare(2)`) nobody sees
  /// that, and a clone (`open_tree(2)`) outlives the namespace, attached nowhere. So a mount that
  /// only `mount(2)` can make is finished, and taken back, like any other.
  public mutating func createDetachedMountByMountCall(
    _ plan: MountPlan, fuseDevice: borrowing FileDescriptor, rootMode: UInt32, caller: Caller,
    patience: Patience
  ) throws(Errno) -> FileDescriptor {
    guard kernelAttachesByDescriptor() else { throw .notImplemented }
    let mountHere = try MountCall(
      plan, fuseDevice: fuseDevice, rootMode: rootMode, caller: caller)
    // A place of the right kind that is there wherever there is a mount table to look at.
    let parent = try CString(Array("/proc".utf8))
    let isDirectory = rootMode & UInt32(S_IFMT) == UInt32(S_IFDIR)
    let place = try CString(Array((isDirectory ? "/proc" : "/proc/version").utf8))
    do throws(Errno) {
      return try patience.descriptorFromChild(keeping: [fuseDevice.rawValue]) { () throws(Errno) in
        _ = try withSystemAdministration { unshare(CLONE_NEWNS) }
        _ = try withSystemAdministration { makePrivate(parent) }
        _ = try withSystemAdministration { mountHere(at: place) }
        return FileDescriptor(
          owning: try withSystemAdministration {
            // The name is terminated and lives through the call.
            unsafe place.withPointer { unsafe clinux_open_tree(AT_FDCWD, $0, cloneFlags) }
          })
      }
    } catch {
      // "Not implemented" means that nothing was done, which nobody knows here.
      throw error == .notImplemented ? .notSupported : error
    }
  }
}

/// Keeps what is mounted on the mount at `place` from appearing in the namespaces that share it
/// (mount_namespaces(7)).
///
/// The corresponding system call is `mount(2)` with `MS_PRIVATE`.
private func makePrivate(_ place: borrowing CString) -> Int32 {
  // The name is terminated and lives through the call; the kernel looks at nothing else.
  unsafe place.withPointer { unsafe mount(nil, $0, nil, UInt(MS_PRIVATE), nil) }
}

/// Whether the kernel can clone a mount and attach one by its descriptor. Called without valid
/// descriptors the calls do nothing but say so.
private func kernelAttachesByDescriptor() -> Bool {
  // The name is empty and lives through the call.
  let cloned = unsafe CString.empty.withPointer { unsafe clinux_open_tree(-1, $0, 0) }
  return (cloned >= 0 || Errno.last != .notImplemented) && kernelMovesMounts()
}
