// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives

extension SourceFacts {
  /// Asks the kernel about an opened source.
  ///
  /// - Throws: `ENOTBLK` when it is neither a regular file nor a block device.
  ///
  /// The corresponding system calls are `fstat(2)`, `fcntl(2)`, and `ioctl(2)` with `BLKGETSIZE64`,
  /// `BLKSSZGET` and `BLKROGET`.
  init(of source: borrowing FileDescriptor) throws(Errno) {
    let status = try source.status()
    // A helper that passes a read-only descriptor for a writable one is taken at its deed.
    let isReadOnly = try source.isReadOnly()
    if status.isRegularFile {
      self.init(size: status.size, sectorSize: 1, isReadOnly: isReadOnly)
      return
    }
    guard status.isBlockDevice else { throw .notBlockDevice }
    var size: UInt64 = 0
    var sector: Int32 = 0
    var locked: Int32 = 0
    // They write the integer they are given.
    guard unsafe clinux_ioctl_u64(source.rawValue, clinux_BLKGETSIZE64, &size) == 0,
      unsafe clinux_ioctl_int(source.rawValue, blockSectorSizeRequest, &sector) == 0,
      // A read-only device opens for writing and refuses every write.
      unsafe clinux_ioctl_int(source.rawValue, blockReadOnlyRequest, &locked) == 0
    else { throw .last }
    self.init(
      size: Int64(clamping: size), sectorSize: sector > 0 ? UInt32(sector) : 512,
      isReadOnly: isReadOnly || locked != 0)
  }
}

/// `BLKSSZGET` of linux/fs.h, `_IO(0x12, 104)`, which is the same number on every architecture.
private let blockSectorSizeRequest: UInt = 0x1268

/// `BLKROGET` of linux/fs.h, `_IO(0x12, 94)`.
private let blockReadOnlyRequest: UInt = 0x125e
