// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`.
  ///
  /// The corresponding system call is `ioctl(2)` with `BLKBSZSET`, which needs `CAP_SYS_ADMIN`. The
  /// descriptor comes from the worker, so even asking what it is may wait for ever: all of it is
  /// done in a child.
  ///
  /// - Throws: `ENOTBLK` when the descriptor is no block device; what the kernel says of the size.
  public mutating func setBlockSize(
    _ size: UInt32, of device: borrowing FileDescriptor, patience: Patience
  ) throws(Errno) {
    let number = device.rawValue
    try runPrivilegedChild(keeping: [number], patience) {
      var status = stat()
      // fstat fills in the structure, the ioctl reads one integer.
      guard unsafe fstat(number, &status) == 0 else { return -1 }
      guard status.st_mode & UInt32(S_IFMT) == UInt32(S_IFBLK) else {
        clinux_set_errno(ENOTBLK)
        return -1
      }
      var value = Int32(truncatingIfNeeded: size)
      return unsafe clinux_ioctl_int(number, clinux_BLKBSZSET, &value)
    }
  }
}
