// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import Literals

/// An open file descriptor that has one owner and is closed with it.
public struct FileDescriptor: ~Copyable, Sendable {
  /// The number. It is valid for as long as this value lives.
  public private(set) var rawValue: Int32

  /// Takes over the descriptor `rawValue`; nobody else may close it.
  public init(owning rawValue: Int32) { self.rawValue = rawValue }

  deinit {
    // close(2) must not be repeated, whatever it says: the number is free afterwards.
    if rawValue >= 0 { _ = close(rawValue) }
  }

  /// Gives the number away: whoever gets it closes it.
  public consuming func release() -> Int32 {
    // `discard self` does not compile in Embedded Swift, so the number is moved to a value that is
    // never closed: -1 is no descriptor.
    let number = rawValue
    rawValue = -1
    return number
  }

  /// Another descriptor for the same open file, close-on-exec.
  ///
  /// The corresponding system call is `fcntl(2)` with `F_DUPFD_CLOEXEC`.
  public func duplicate() throws(Errno) -> FileDescriptor {
    try duplicateDescriptor(rawValue)
  }

  /// The file status flags, `O_*`.
  ///
  /// The corresponding system call is `fcntl(2)` with `F_GETFL`.
  public func statusFlags() throws(Errno) -> Int32 {
    let result = clinux_fcntl(rawValue, F_GETFL, 0)
    guard result >= 0 else { throw .last }
    return result
  }

  /// Sets or clears `O_NONBLOCK`.
  ///
  /// The corresponding system call is `fcntl(2)` with `F_SETFL`.
  public func setNonblocking(_ nonblocking: Bool) throws(Errno) {
    let flags = try statusFlags()
    let wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
    guard wanted == flags || clinux_fcntl(rawValue, F_SETFL, Int(wanted)) >= 0 else {
      throw .last
    }
  }

  /// The name under which `/proc` shows the descriptor of the process that uses the name.
  public var processPath: [UInt8] {
    var digits: [UInt8] = []
    var rest = UInt32(bitPattern: rawValue)
    repeat {
      digits.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    return text("/proc/self/fd/") + digits.reversed()
  }
}

/// Another descriptor for the file that is open as `number`, close-on-exec.
///
/// The corresponding system call is `fcntl(2)` with `F_DUPFD_CLOEXEC`.
public func duplicateDescriptor(_ number: Int32) throws(Errno) -> FileDescriptor {
  let result = clinux_fcntl(number, F_DUPFD_CLOEXEC, 0)
  guard result >= 0 else { throw .last }
  return FileDescriptor(owning: result)
}
