// SPDX-License-Identifier: LGPL-2.1-or-later

/// A positive error number as it travels in a reply: the host's `errno` values.
///
/// The pure modules import no C library, so the few numbers that decisions need are written down
/// here. They are the same on every Linux architecture that Swift runs on; a test compares them
/// with `<errno.h>`.
public struct ErrorNumber: Error, Equatable, Hashable, Sendable {
  /// The value of `errno`; 0 on the wire means success and is never an `ErrorNumber` here.
  public let rawValue: UInt32

  /// Wraps a value of `errno`.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Operation not permitted (`EPERM`).
  public static let notPermitted = ErrorNumber(rawValue: 1)
  /// No such file or directory (`ENOENT`).
  public static let noSuchFile = ErrorNumber(rawValue: 2)
  /// Input/output error (`EIO`).
  public static let inputOutput = ErrorNumber(rawValue: 5)
  /// Permission denied (`EACCES`).
  public static let permissionDenied = ErrorNumber(rawValue: 13)
  /// Block device required (`ENOTBLK`).
  public static let notBlockDevice = ErrorNumber(rawValue: 15)
  /// Device or resource busy (`EBUSY`).
  public static let busy = ErrorNumber(rawValue: 16)
  /// File exists (`EEXIST`).
  public static let fileExists = ErrorNumber(rawValue: 17)
  /// Not a directory (`ENOTDIR`).
  public static let notDirectory = ErrorNumber(rawValue: 20)
  /// Is a directory (`EISDIR`).
  public static let isDirectory = ErrorNumber(rawValue: 21)
  /// Invalid argument (`EINVAL`).
  public static let invalidArgument = ErrorNumber(rawValue: 22)
  /// Read-only file system (`EROFS`).
  public static let readOnlyFileSystem = ErrorNumber(rawValue: 30)
  /// File name too long (`ENAMETOOLONG`).
  public static let nameTooLong = ErrorNumber(rawValue: 36)
  /// Function not implemented (`ENOSYS`).
  public static let notImplemented = ErrorNumber(rawValue: 38)
  /// Too many symbolic links, or a magic link where none is followed (`ELOOP`).
  public static let tooManyLinks = ErrorNumber(rawValue: 40)
  /// Too many users: `mount_max` is reached (`EUSERS`).
  public static let tooManyUsers = ErrorNumber(rawValue: 87)
  /// Operation not supported (`EOPNOTSUPP`).
  public static let notSupported = ErrorNumber(rawValue: 95)
  /// Connection timed out (`ETIMEDOUT`).
  public static let timedOut = ErrorNumber(rawValue: 110)
}
