// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import Literals

extension FileDescriptor {
  /// The id of the mount that the descriptor lies on, as `/proc/self/mountinfo` has it. It is not
  /// used again while the descriptor is open, and the file system is not asked.
  ///
  /// - Throws: `ENOSYS` where the kernel does not tell (before 5.8).
  ///
  /// The corresponding system call is `statx(2)` with `STATX_MNT_ID`.
  public func mountID() throws(Errno) -> UInt64 {
    var identifier: UInt64 = 0
    var isKnown: Int32 = 0
    // The shim writes the two values it is given.
    guard unsafe clinux_mount_id(rawValue, &identifier, &isKnown) == 0 else { throw .last }
    guard isKnown != 0 else { throw .notImplemented }
    return identifier
  }

  /// Whether the descriptor names the root of a mount. The file system is not asked.
  ///
  /// The corresponding system call is `statx(2)` with `STATX_ATTR_MOUNT_ROOT` (kernel 5.8).
  public func isMountRoot() throws(Errno) -> Bool {
    var result: Int32 = 0
    // The shim writes the value it is given.
    guard unsafe clinux_is_mount_root(rawValue, &result) == 0 else { throw .last }
    return result != 0
  }

  /// The number of the FUSE connection behind the descriptor. The file system is not asked.
  ///
  /// The corresponding system call is `statx(2)`.
  public func connectionNumber() throws(Errno) -> UInt32 {
    var major: UInt32 = 0
    var minor: UInt32 = 0
    // The shim writes the values it is given.
    guard unsafe clinux_superblock_device(rawValue, &major, &minor) == 0 else { throw .last }
    return LinuxPrimitives.connectionNumber(major: major, minor: minor)
  }

  /// The id of the parent of the mount that the descriptor lies on, by one call whose cost does not
  /// depend on how many mounts there are.
  ///
  /// - Throws: `ENOSYS` where the kernel cannot tell (before 6.12).
  ///
  /// The corresponding system calls are `name_to_handle_at(2)` with `AT_HANDLE_MNT_ID_UNIQUE` and
  /// `statmount(2)`.
  public func parentMountID() throws(Errno) -> UInt64 {
    var unique: UInt64 = 0
    // With room for no handle the call fails with EOVERFLOW once the id is written; kernels that do
    // not know the flag say EINVAL.
    let result = unsafe clinux_unique_mount_id(rawValue, &unique)
    guard result == 0 || Errno.last == .overflow, unique != 0 else { throw .notImplemented }
    var basic = clinux_statmount()
    // statmount writes at most the structure's size.
    guard unsafe clinux_statmount(unique, UInt64(CLINUX_STATMOUNT_MNT_BASIC), &basic) == 0 else {
      throw .last
    }
    guard basic.mask & UInt64(CLINUX_STATMOUNT_MNT_BASIC) != 0 else { throw .notImplemented }
    return UInt64(basic.parent_id_old)
  }
}

/// The number under which the kernel's control file system (fusectl) knows the FUSE connection of a
/// superblock with this device: the device as the kernel keeps it, with 20 bits for the minor number.
/// A fuseblk mount has its block device's, every other one without a major number.
public func connectionNumber(major: UInt32, minor: UInt32) -> UInt32 { major << 20 | minor }

/// The mount namespace of this process.
public struct MountNamespace: ~Copyable {
  private let descriptor: FileDescriptor

  /// Opens it.
  ///
  /// - Throws: `ENOENT` without `/proc`.
  public init() throws(Errno) { descriptor = try openFile(text("/proc/self/ns/mnt")) }

  /// How many mounts it has, those above the root directory of this process included.
  ///
  /// - Throws: `ENOTTY` where the kernel does not tell (before 6.12), `ENOSYS` in a sandbox that has calls
  ///   succeed and do nothing.
  ///
  /// The corresponding system call is `ioctl(2)` with `NS_MNT_GET_INFO`.
  public func numberOfMounts() throws(Errno) -> Int {
    var count: UInt32 = 0
    // The ioctl fills a structure of C's, of which one number is copied.
    guard unsafe clinux_mount_count(descriptor.rawValue, &count) == 0 else { throw .last }
    // The root's is one at least.
    guard count > 0 else { throw .notImplemented }
    return Int(count)
  }
}

/// Whether fewer than `bound` mounts exist in this namespace, by one system call.
///
/// - Throws: `ENOSYS` where the kernel has no `listmount` (before 6.8).
///
/// The corresponding system call is `listmount(2)`.
public func mountsAreFewer(than bound: Int) throws(Errno) -> Bool {
  guard bound > 0 else { return false }
  return try mounts(atMost: bound).count < bound
}

/// Whether fewer than `bound` mounts of this namespace have a file system with this magic number, by
/// one system call for each mount.
///
/// - Throws: `ENOSYS` where the kernel has neither of the calls (before 6.8), `EOVERFLOW` when there
///   are `limit` mounts or more, `ENOENT` when one was taken away meanwhile.
///
/// The corresponding system calls are `listmount(2)` and `statmount(2)`.
public func mountsAreFewer(
  than bound: Int, withMagic magic: UInt64, limit: Int
) throws(Errno) -> Bool {
  guard bound > 0 else { return false }
  let all = try mounts(atMost: limit)
  guard all.count < limit else { throw .overflow }
  var found = 0
  for mount in all {
    var basic = clinux_statmount()
    // statmount writes at most the structure's size.
    guard unsafe clinux_statmount(mount, UInt64(CLINUX_STATMOUNT_SB_BASIC), &basic) == 0 else {
      throw .last
    }
    guard basic.mask & UInt64(CLINUX_STATMOUNT_SB_BASIC) != 0 else { throw .notImplemented }
    if basic.filesystem_magic == magic { found += 1 }
  }
  return found < bound
}

/// The 64-bit ids of the first `capacity` mounts of this namespace.
private func mounts(atMost capacity: Int) throws(Errno) -> [UInt64] {
  var found = -1
  let list = unsafe [UInt64](unsafeUninitializedCapacity: capacity) { buffer, count in
    // listmount writes at most the capacity it is told.
    found = unsafe Int(clinux_listmount(0, buffer.baseAddress, capacity))
    count = max(0, found)
  }
  guard found >= 0 else { throw .last }
  return list
}
