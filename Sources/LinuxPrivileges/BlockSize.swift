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
    let status = try patience.runInChild(keeping: [number]) {
      do throws(Errno) {
        guard try isBlockDevice(number) else { throw .notBlockDevice }
        _ = try withSystemAdministration {
          var value = Int32(truncatingIfNeeded: size)
          // The ioctl reads one integer.
          return unsafe clinux_ioctl_int(number, clinux_BLKBSZSET, &value)
        }
        return 0
      } catch {
        return error.rawValue
      }
    }
    guard status == 0 else { throw Errno(rawValue: status) }
  }
}

private func isBlockDevice(_ number: Int32) throws(Errno) -> Bool {
  var status = stat()
  // fstat fills in the structure that it is given.
  guard unsafe fstat(number, &status) == 0 else { throw .last }
  return status.st_mode & UInt32(S_IFMT) == UInt32(S_IFBLK)
}
