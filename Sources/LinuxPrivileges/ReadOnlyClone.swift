// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives

private let cloneFlags: UInt32 = 1 | UInt32(O_CLOEXEC) | 0x1000
private let readOnlyAttribute: UInt64 = 1

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`.
  ///
  /// The corresponding system calls are `open_tree(2)` with `OPEN_TREE_CLONE` (kernel 5.2) and
  /// `mount_setattr(2)` (5.12). Neither asks the file system.
  public mutating func cloneReadOnly(
    _ file: borrowing FileDescriptor
  ) throws(Errno) -> FileDescriptor {
    let number = file.rawValue
    let clone = FileDescriptor(
      owning: try withSystemAdministration {
        // The name is empty: the descriptor alone says what to clone.
        unsafe CString.empty.withPointer { unsafe clinux_open_tree(number, $0, cloneFlags) }
      })
    let raw = clone.rawValue
    _ = try withSystemAdministration {
      unsafe CString.empty.withPointer {
        unsafe clinux_mount_setattr(raw, $0, 0x1000, readOnlyAttribute, 0)
      }
    }
    return clone
  }
}
