// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives
internal import Literals
public import MountPolicy

// Constants of linux/mount.h, which clashes with sys/mount.h in Debian 12.
private let fsopenCloexec: UInt32 = 1
private let fsmountCloexec: UInt32 = 1
private let setFlagCommand: UInt32 = 0
private let setStringCommand: UInt32 = 1
private let commandCreate: UInt32 = 6
private let commandCreateExclusive: UInt32 = 8
private let moveFromEmptyPath: UInt32 = 0x04
private let moveToEmptyPath: UInt32 = 0x40

/// The type of all file systems but those on block devices.
private let usualFilesystem: StaticString = "fuse"

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`.
  ///
  /// The corresponding system call is `fsopen(2)`.
  public mutating func prepareToMount() throws(Errno) {
    preparedContext = try openContext(CString(usualFilesystem))
  }

  /// See `PrivilegedOperations`.
  ///
  /// The corresponding system calls are `fsopen(2)` and `fsconfig(2)`.
  public mutating func createFilesystemContext(
    for plan: MountPlan, fuseDevice: borrowing FileDescriptor, rootMode: UInt32, caller: Caller
  ) throws(Errno) -> FileDescriptor {
    guard kernelKnows(plan.flags) else { throw .notImplemented }
    let context = try takeContext(plan.filesystemName)
    do throws(Errno) {
      try context.set("subtype", to: plan.subtype)
    } catch {
      // Kernels before the parameter was born say EINVAL; there the type of mount(2) carries it.
      throw error == .invalidArgument ? .notImplemented : error
    }
    try context.set("source", to: plan.source)
    try context.set("fd", to: digits(UInt64(fuseDevice.rawValue)))
    try context.set("rootmode", to: MountPlan.rootMode(rootMode))
    try context.set("user_id", to: digits(UInt64(caller.userID)))
    try context.set("group_id", to: digits(UInt64(caller.groupID)))
    for parameter in plan.parameters {
      switch parameter {
      case .flag(let key): try context.setFlag(key)
      case .value(let key, let value): try context.set(CString(key), to: value)
      }
    }
    for word in plan.flags.superblockWords { try context.setFlag(word) }
    return context
  }

  /// The prepared context, or a new one.
  private mutating func takeContext(_ filesystem: [UInt8]) throws(Errno) -> FileDescriptor {
    let prepared = preparedContext.take()
    if let prepared = consume prepared, filesystem == usualFilesystem {
      return prepared
    }
    return try openContext(CString(filesystem))
  }

  /// See `PrivilegedOperations`.
  ///
  /// The corresponding system call is `fsconfig(2)` with `FSCONFIG_CMD_CREATE_EXCL` (kernel 6.6), or
  /// `FSCONFIG_CMD_CREATE`. Since kernel 6.18 a server can make it wait for its answer to INIT
  /// (`FUSE_DEV_IOC_SYNC_INIT`), for ever; `SIGKILL` ends that.
  public mutating func createSuperblock(in context: borrowing FileDescriptor) throws(Errno) -> Bool
  {
    let number = context.rawValue
    do throws(Errno) {
      _ = try withSystemAdministration {
        clinux_fsconfig(number, commandCreateExclusive, nil, nil, 0)
      }
      return true
    } catch {
      guard error == .notSupported else { throw error }
      _ = try withSystemAdministration { clinux_fsconfig(number, commandCreate, nil, nil, 0) }
      return false
    }
  }

  /// See `PrivilegedOperations`.
  ///
  /// The corresponding system call is `fsmount(2)`.
  public mutating func createDetachedMount(
    of context: borrowing FileDescriptor, flags: MountFlags
  ) throws(Errno) -> FileDescriptor {
    let number = context.rawValue
    let attributes = UInt32(truncatingIfNeeded: flags.mountAttributes)
    return FileDescriptor(
      owning: try withSystemAdministration { clinux_fsmount(number, fsmountCloexec, attributes) })
  }

  /// See `PrivilegedOperations`.
  ///
  /// The corresponding system call is `move_mount(2)`.
  public mutating func attach(
    _ mount: borrowing FileDescriptor, to mountPoint: borrowing FileDescriptor
  ) throws(Errno) {
    let from = mount.rawValue
    let to = mountPoint.rawValue
    _ = try withSystemAdministration {
      // Both names are empty: the descriptors alone say from where to where.
      unsafe CString.empty.withPointer {
        unsafe clinux_move_mount(from, $0, to, $0, moveFromEmptyPath | moveToEmptyPath)
      }
    }
  }
}

/// Opens a filesystem context. All steps of this way to mount are asked for before the first is taken,
/// because once the superblock has taken the fuse device there is no way back to `mount(2)`.
///
/// - Throws: `ENOSYS` when the kernel lacks one.
private func openContext(_ filesystem: CString) throws(Errno) -> FileDescriptor {
  guard kernelMakesDetachedMounts(), kernelMovesMounts() else { throw .notImplemented }
  let number = try withSystemAdministration {
    // The name is terminated and lives through the call.
    unsafe filesystem.withPointer { unsafe clinux_fsopen($0, fsopenCloexec) }
  }
  return FileDescriptor(owning: number)
}

/// Whether the kernel makes mounts of a filesystem context. Called without a valid descriptor and
/// without the right to, `fsmount(2)` does nothing but say so.
private func kernelMakesDetachedMounts() -> Bool {
  clinux_fsmount(-1, 0, 0) == 0 || Errno.last != .notImplemented
}

/// Whether `fsmount(2)` knows these flags; the one that is younger than the call is
/// `MOUNT_ATTR_NOSYMFOLLOW` (5.14). It looks at the descriptor last, and there is none.
private func kernelKnows(_ flags: MountFlags) -> Bool {
  guard flags.contains(.noSymbolicLinks) else { return true }
  let attributes = UInt32(truncatingIfNeeded: flags.mountAttributes)
  do throws(Errno) {
    _ = try withSystemAdministration { clinux_fsmount(-1, 0, attributes) }
  } catch {
    return error != .invalidArgument
  }
  return true
}

/// Whether the kernel can attach a mount by its descriptor (`move_mount(2)`).
func kernelMovesMounts() -> Bool {
  // The names are empty and live through the call.
  let moved = unsafe CString.empty.withPointer { unsafe clinux_move_mount(-1, $0, -1, $0, 0) }
  return moved == 0 || Errno.last != .notImplemented
}

extension FileDescriptor {
  /// Sets a parameter that has a value.
  ///
  /// The corresponding system call is `fsconfig(2)` with `FSCONFIG_SET_STRING`.
  fileprivate func set(_ key: StaticString, to value: [UInt8]) throws(Errno) {
    try set(CString(key), to: value)
  }

  /// Sets a parameter that has a value.
  ///
  /// The corresponding system call is `fsconfig(2)` with `FSCONFIG_SET_STRING`.
  fileprivate func set(_ key: CString, to value: [UInt8]) throws(Errno) {
    let value = try CString(value)
    let number = rawValue
    // Both strings are terminated and live through the call.
    let result = unsafe key.withPointer { key in
      unsafe value.withPointer { unsafe clinux_fsconfig(number, setStringCommand, key, $0, 0) }
    }
    guard result == 0 else { throw .last }
  }

  /// Sets a parameter that has no value.
  ///
  /// The corresponding system call is `fsconfig(2)` with `FSCONFIG_SET_FLAG`.
  fileprivate func setFlag(_ key: [UInt8]) throws(Errno) {
    let result = unsafe try withCString(key) {
      // The name is terminated and lives through the call.
      unsafe clinux_fsconfig(rawValue, setFlagCommand, $0, nil, 0)
    }
    guard result == 0 else { throw .last }
  }
}
