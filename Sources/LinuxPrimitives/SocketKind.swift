// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

extension FileDescriptor {
  /// Whether this is a connected socket of the unix family that keeps packets apart
  /// (`SOCK_SEQPACKET`), and not a listening one.
  ///
  /// The corresponding system call is `getsockopt(2)` with `SO_DOMAIN`, `SO_TYPE`,
  /// `SO_ACCEPTCONN` and `SO_PEERNAME`.
  public func isConnectedPacketSocket() -> Bool {
    guard socketOption(SO_DOMAIN) == AF_UNIX, socketOption(SO_TYPE) == clinux_SOCK_SEQPACKET,
      socketOption(SO_ACCEPTCONN) == 0
    else { return false }
    // SO_PEERNAME fails with ENOTCONN on a socket that nobody is connected to. The peer's name has at
    // least the two bytes of its family, and asking for more of an unnamed one fails.
    var family: UInt16 = 0
    var length = socklen_t(MemoryLayout<UInt16>.size)
    // getsockopt writes at most the two bytes.
    return unsafe getsockopt(rawValue, SOL_SOCKET, SO_PEERNAME, &family, &length) == 0
  }

  /// Makes `execve(2)` close the descriptor.
  ///
  /// The corresponding system call is `fcntl(2)` with `F_SETFD`.
  public func closeOnExec() throws(Errno) {
    guard clinux_fcntl(rawValue, F_SETFD, Int(FD_CLOEXEC)) >= 0 else { throw .last }
  }

  private func socketOption(_ option: Int32) -> Int32? {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    // getsockopt writes one integer.
    guard unsafe getsockopt(rawValue, SOL_SOCKET, option, &value, &length) == 0 else { return nil }
    return value
  }
}
