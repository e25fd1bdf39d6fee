// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives

extension SourceFacts {
  /// Asks the kernel about an opened source.
  ///
  /// - Throws: `ENOTBLK` when it is neither a regular file nor a block device.
  ///
  /// The corresponding system calls are `fstat(2)`, and `ioctl(2)` with `BLKGETSIZE64` and
  /// `BLKSSZGET`.
  init(of source: borrowing FileDescriptor) throws(Errno) {
    let status = try source.status()
    if status.isRegularFile {
      self.init(size: status.size, sectorSize: 1)
      return
    }
    guard status.isBlockDevice else { throw .notBlockDevice }
    var size: UInt64 = 0
    var sector: Int32 = 0
    // Both write the integer they are given.
    guard unsafe clinux_ioctl_u64(source.rawValue, clinux_BLKGETSIZE64, &size) == 0,
      unsafe clinux_ioctl_int(source.rawValue, blockSectorSizeRequest, &sector) == 0
    else { throw .last }
    self.init(
      size: Int64(clamping: size), sectorSize: sector > 0 ? UInt32(sector) : 512)
  }
}

/// `BLKSSZGET` of linux/fs.h, `_IO(0x12, 104)`, which is the same number on every architecture.
private let blockSectorSizeRequest: UInt = 0x1268
