// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

/// How a path may be walked by `openat2(2)`.
public struct ResolveFlags: OptionSet, Sendable {
  /// The `RESOLVE_*` bits.
  public let rawValue: UInt64

  /// Wraps `RESOLVE_*` bits.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Follow no magic link, such as those in `/proc/PID/fd`.
  public static let noMagicLinks = ResolveFlags(rawValue: UInt64(RESOLVE_NO_MAGICLINKS))
  /// Follow no symbolic link at all.
  public static let noSymbolicLinks = ResolveFlags(rawValue: UInt64(RESOLVE_NO_SYMLINKS))
}

/// Flags of `open(2)` as Swift values.
public struct OpenFlags: OptionSet, Sendable {
  /// The `O_*` bits of this architecture.
  public let rawValue: Int32

  /// Wraps `O_*` bits.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// Open for writing.
  public static let writeOnly = OpenFlags(rawValue: O_WRONLY)
  /// Open for reading and writing.
  public static let readWrite = OpenFlags(rawValue: O_RDWR)
  /// Only name the file, do not open it.
  public static let path = OpenFlags(rawValue: O_PATH)
  /// Do not follow a symbolic link as the last component.
  public static let noFollow = OpenFlags(rawValue: O_NOFOLLOW)
  /// Create the file.
  public static let create = OpenFlags(rawValue: O_CREAT)
  /// Fail when the file to create is there already.
  public static let exclusive = OpenFlags(rawValue: O_EXCL)
  /// Do not wait.
  public static let nonblocking = OpenFlags(rawValue: O_NONBLOCK)
  /// Do not become the controlling terminal.
  public static let noControllingTerminal = OpenFlags(rawValue: O_NOCTTY)
}

/// Opens `path` from the working directory. The descriptor is close-on-exec.
///
/// The corresponding system call is `open(2)`.
public func openFile(
  _ path: [UInt8], _ flags: OpenFlags = [], mode: UInt32 = 0
) throws(Errno) -> FileDescriptor {
  let result = unsafe try withCString(path) {
    // The name is a terminated string that lives through the call.
    unsafe clinux_open($0, flags.rawValue | O_CLOEXEC, mode)
  }
  guard result >= 0 else { throw .last }
  return FileDescriptor(owning: result)
}

/// Opens `path` from the working directory, walking it as `resolve` allows. The descriptor is
/// close-on-exec.
///
/// The corresponding system call is `openat2(2)` (kernel 5.6; `ENOSYS` before).
public func openFile(
  _ path: [UInt8], _ flags: OpenFlags, mode: UInt32 = 0, resolve: ResolveFlags
) throws(Errno) -> FileDescriptor {
  try openFile(path, in: AT_FDCWD, flags, mode: mode, resolve: resolve)
}

/// Opens `name` in the directory that is open as `directory`. The descriptor is close-on-exec.
///
/// The corresponding system call is `openat2(2)` (kernel 5.6; `ENOSYS` before).
public func openFile(
  _ name: [UInt8], in directory: Int32, _ flags: OpenFlags, mode: UInt32 = 0,
  resolve: ResolveFlags
) throws(Errno) -> FileDescriptor {
  // openat2 refuses a mode without O_CREAT and flags beyond 32 bits.
  let bits = UInt64(UInt32(bitPattern: flags.rawValue | O_CLOEXEC))
  let result = unsafe try withCString(name) {
    // The name is a terminated string that lives through the call.
    unsafe clinux_openat2(
      directory, $0, bits, flags.contains(.create) ? UInt64(mode) : 0, resolve.rawValue)
  }
  guard result >= 0 else { throw .last }
  return FileDescriptor(owning: result)
}
