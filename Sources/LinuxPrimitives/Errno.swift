// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import Literals

/// A value of `errno` after a system call that failed.
public struct Errno: Error, Equatable, Sendable {
  /// The positive number.
  public let rawValue: Int32

  /// Wraps a positive error number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// What the last system call of this thread left in `errno`.
  public static var last: Errno { Errno(rawValue: clinux_errno()) }

  /// Operation not permitted (`EPERM`).
  public static let notPermitted = Errno(rawValue: EPERM)
  /// No such file or directory (`ENOENT`).
  public static let noSuchFile = Errno(rawValue: ENOENT)
  /// Interrupted by a signal handler (`EINTR`).
  public static let interrupted = Errno(rawValue: EINTR)
  /// Input/output error (`EIO`).
  public static let inputOutput = Errno(rawValue: EIO)
  /// Bad file descriptor (`EBADF`).
  public static let badFileDescriptor = Errno(rawValue: EBADF)
  /// No such device or address (`ENXIO`).
  public static let noSuchDevice = Errno(rawValue: ENXIO)
  /// No child process (`ECHILD`).
  public static let noChildProcess = Errno(rawValue: ECHILD)
  /// Resource temporarily unavailable (`EAGAIN`).
  public static let resourceTemporarilyUnavailable = Errno(rawValue: EAGAIN)
  /// Permission denied (`EACCES`).
  public static let permissionDenied = Errno(rawValue: EACCES)
  /// Device or resource busy (`EBUSY`).
  public static let busy = Errno(rawValue: EBUSY)
  /// File exists (`EEXIST`).
  public static let fileExists = Errno(rawValue: EEXIST)
  /// Not a directory (`ENOTDIR`).
  public static let notDirectory = Errno(rawValue: ENOTDIR)
  /// Invalid argument (`EINVAL`).
  public static let invalidArgument = Errno(rawValue: EINVAL)
  /// Inappropriate ioctl (`ENOTTY`).
  public static let notTypewriter = Errno(rawValue: ENOTTY)
  /// Block device required (`ENOTBLK`).
  public static let notBlockDevice = Errno(rawValue: ENOTBLK)
  /// File name too long (`ENAMETOOLONG`).
  public static let nameTooLong = Errno(rawValue: ENAMETOOLONG)
  /// Function not implemented (`ENOSYS`).
  public static let notImplemented = Errno(rawValue: ENOSYS)
  /// Too many symbolic links (`ELOOP`).
  public static let tooManyLinks = Errno(rawValue: ELOOP)
  /// Read-only file system (`EROFS`).
  public static let readOnlyFileSystem = Errno(rawValue: EROFS)
  /// Exec format error (`ENOEXEC`).
  public static let notExecutable = Errno(rawValue: ENOEXEC)
  /// A message that is not what it must be (`EBADMSG`).
  public static let badMessage = Errno(rawValue: EBADMSG)
  /// Operation not supported (`EOPNOTSUPP`).
  public static let notSupported = Errno(rawValue: EOPNOTSUPP)
  /// Value too large (`EOVERFLOW`).
  public static let overflow = Errno(rawValue: EOVERFLOW)
  /// Connection refused (`ECONNREFUSED`).
  public static let connectionRefused = Errno(rawValue: ECONNREFUSED)
  /// Connection reset by peer (`ECONNRESET`).
  public static let connectionReset = Errno(rawValue: ECONNRESET)
  /// Broken pipe (`EPIPE`).
  public static let brokenPipe = Errno(rawValue: EPIPE)
  /// Timed out (`ETIMEDOUT`).
  public static let timedOut = Errno(rawValue: ETIMEDOUT)
  /// Operation canceled (`ECANCELED`).
  public static let canceled = Errno(rawValue: ECANCELED)
  /// Protocol wrong type for socket (`EPROTOTYPE`).
  public static let wrongProtocolType = Errno(rawValue: EPROTOTYPE)
  /// Protocol option not available (`ENOPROTOOPT`).
  public static let noProtocolOption = Errno(rawValue: ENOPROTOOPT)
  /// Not a socket (`ENOTSOCK`).
  public static let notSocket = Errno(rawValue: ENOTSOCK)
  /// Too many users (`EUSERS`).
  public static let tooManyUsers = Errno(rawValue: EUSERS)
  /// Out of memory (`ENOMEM`).
  public static let noMemory = Errno(rawValue: ENOMEM)
  /// This process has no descriptor left (`EMFILE`).
  public static let tooManyOpenFiles = Errno(rawValue: EMFILE)
  /// The system has no open file left (`ENFILE`).
  public static let tooManyOpenFilesInSystem = Errno(rawValue: ENFILE)
  /// No space left (`ENOSPC`).
  public static let noSpace = Errno(rawValue: ENOSPC)
  /// No room in a message queue or buffer (`ENOBUFS`).
  public static let noBufferSpace = Errno(rawValue: ENOBUFS)

  /// What the number means, in plain words.
  ///
  /// The corresponding C function is `strerror(3)`.
  public var message: [UInt8] {
    // strerror's text is valid until the next call; it is copied at once.
    guard let message = unsafe strerror(rawValue) else { return text("unknown error") }
    return unsafe bytes(ofCString: message)
  }
}

/// Copies a C string without its terminator.
public func bytes(ofCString text: UnsafePointer<CChar>) -> [UInt8] {
  // The caller hands in a terminated string, so strlen(3) stays inside it.
  let length = unsafe strlen(text)
  return unsafe UnsafeRawBufferPointer(start: text, count: length).map { $0 }
}

/// Runs a system call again for as long as a signal handler interrupts it.
func retryingOnInterrupt(_ call: () -> Int) throws(Errno) -> Int {
  while true {
    let result = call()
    if result >= 0 { return result }
    let error = Errno.last
    if error != .interrupted { throw error }
  }
}
