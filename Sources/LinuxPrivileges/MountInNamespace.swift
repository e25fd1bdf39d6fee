// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives
internal import Literals
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
    let isDirectory = rootMode & UInt32(S_IFMT) == UInt32(S_IFDIR)
    return try cloneFromNamespace(
      isDirectory: isDirectory, keeping: [fuseDevice.rawValue], patience
    ) { place throws(Errno) in
      _ = try withSystemAdministration { mountHere(at: place) }
    }
  }

  /// A clone, attached nowhere, of what `attach` mounts at a place in a mount namespace of its own.
  ///
  /// - Throws: what `attach` throws, but `EOPNOTSUPP` for `ENOSYS`, which would mean that nothing
  ///   was done; nobody knows that here.
  ///
  /// The corresponding system calls are `unshare(2)` with `CLONE_NEWNS` and `open_tree(2)` with
  /// `OPEN_TREE_CLONE`.
  func cloneFromNamespace(
    isDirectory: Bool, keeping descriptors: [Int32], _ patience: Patience,
    _ attach: (borrowing CString) throws(Errno) -> Void
  ) throws(Errno) -> FileDescriptor {
    // A place of the right kind that is there wherever there is a mount table to look at.
    let parent = CString("/proc")
    let place = CString(isDirectory ? "/proc" : "/proc/version")
    do throws(Errno) {
      return try patience.descriptorFromChild(keeping: descriptors) { () throws(Errno) in
        _ = try withSystemAdministration { unshare(CLONE_NEWNS) }
        _ = try withSystemAdministration { makePrivate(parent) }
        try attach(place)
        return FileDescriptor(
          owning: try withSystemAdministration {
            // The name is terminated and lives through the call.
            unsafe place.withPointer { unsafe clinux_open_tree(AT_FDCWD, $0, cloneFlags) }
          })
      }
    } catch {
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
