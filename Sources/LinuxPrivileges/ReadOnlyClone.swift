// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives

private let cloneFlags: UInt32 = 1 | UInt32(O_CLOEXEC) | 0x1000
private let readOnlyAttribute: UInt64 = 1
private let moveFromEmptyPath: UInt32 = 0x04
// Without MS_BIND it would be the file system that becomes read-only. What is not named here is
// taken off, so everything that restricts is.
private let remountFlags = UInt(
  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`.
  ///
  /// The corresponding system calls are `open_tree(2)` with `OPEN_TREE_CLONE` (kernel 5.2) and
  /// `mount_setattr(2)` (5.12). Neither asks the file system.
  public mutating func cloneReadOnly(
    _ file: borrowing FileDescriptor, patience: Patience
  ) throws(Errno) -> FileDescriptor {
    let number = file.rawValue
    let clone = FileDescriptor(
      owning: try withSystemAdministration {
        // The name is empty: the descriptor alone says what to clone.
        unsafe CString.empty.withPointer { unsafe clinux_open_tree(number, $0, cloneFlags) }
      })
    let raw = clone.rawValue
    do throws(Errno) {
      _ = try withSystemAdministration {
        // The name is empty again.
        unsafe CString.empty.withPointer {
          unsafe clinux_mount_setattr(raw, $0, 0x1000, readOnlyAttribute, 0)
        }
      }
      return clone
    } catch {
      guard error == .notImplemented, kernelMovesMounts() else { throw error }
      return try remountReadOnly(clone, patience: patience)
    }
  }

  /// A read-only clone of `mount`, which is one file and attached nowhere. `mount(2)` changes only
  /// what is attached in the namespace of the process that calls it.
  ///
  /// The corresponding system call is `mount(2)` with `MS_REMOUNT` and `MS_BIND`.
  private func remountReadOnly(
    _ mount: borrowing FileDescriptor, patience: Patience
  ) throws(Errno) -> FileDescriptor {
    let number = mount.rawValue
    return try cloneFromNamespace(isDirectory: false, keeping: [number], patience) {
      place throws(Errno) in
      // Both names are terminated and live through the calls.
      _ = try withSystemAdministration {
        unsafe place.withPointer { place in
          unsafe CString.empty.withPointer {
            unsafe clinux_move_mount(number, $0, AT_FDCWD, place, moveFromEmptyPath)
          }
        }
      }
      _ = try withSystemAdministration {
        unsafe place.withPointer { unsafe CLinux.mount(nil, $0, nil, remountFlags, nil) }
      }
    }
  }
}
