// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

/// A packet as it came, with the descriptors that rode along.
public struct ReceivedPacket: ~Copyable, Sendable {
  /// The bytes; more than the limit were cut, and then `isTruncated` is set.
  public let bytes: [UInt8]
  /// Whether the packet was longer than the limit.
  public let isTruncated: Bool
  /// The first descriptor, if the receiver asked for one and one came.
  public var descriptor: FileDescriptor?

  /// Takes the descriptor out, if there is one.
  public mutating func takeDescriptor() -> FileDescriptor? {
    let taken = descriptor.take()
    return taken
  }
}

/// A connected `SOCK_SEQPACKET` socket of the unix family: one message is one packet.
public struct PacketSocket: ~Copyable, Sendable {
  /// The socket itself.
  public let descriptor: FileDescriptor

  /// Takes over a connected socket.
  public init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

  /// Two sockets connected to each other, close-on-exec.
  ///
  /// The corresponding system call is `socketpair(2)`.
  public static func pair() throws(Errno) -> PacketSocketPair {
    var numbers: (Int32, Int32) = (-1, -1)
    let result = unsafe withUnsafeMutableBytes(of: &numbers) { buffer in
      // socketpair writes two integers, which is what the tuple holds.
      unsafe socketpair(
        AF_UNIX, clinux_SOCK_SEQPACKET | clinux_SOCK_CLOEXEC, 0,
        buffer.baseAddress?.assumingMemoryBound(to: Int32.self))
    }
    guard result == 0 else { throw .last }
    return PacketSocketPair(
      first: PacketSocket(FileDescriptor(owning: numbers.0)),
      second: PacketSocket(FileDescriptor(owning: numbers.1)))
  }

  /// A socket connected to the listener at `path`. Where its queue is full, this waits for a place in it
  /// for as long as that takes, and `whenLate` is called once.
  ///
  /// - Throws: `ENAMETOOLONG` when the path does not fit an address, and what `connect(2)` says.
  ///
  /// The corresponding system calls are `socket(2)`, `setsockopt(2)` with `SO_SNDTIMEO`, and
  /// `connect(2)`.
  public static func connect(
    to path: [UInt8], whenLate: () -> Void = {}
  ) throws(Errno) -> PacketSocket {
    let number = socket(AF_UNIX, clinux_SOCK_SEQPACKET | clinux_SOCK_CLOEXEC, 0)
    guard number >= 0 else { throw .last }
    let socket = PacketSocket(FileDescriptor(owning: number))
    var address = try unixAddress(of: path)
    // The kernel wakes one of those who wait when there is room; where that one is killed before it
    // asks again, the others sleep on beside an empty queue. So each looks for itself from time to time,
    // and where a sandbox forbids that, relies on the others.
    _ = clinux_set_connect_timeout(number, 100)
    var isLate = false
    // The call reads the address.
    while unsafe clinux_connect_unix(number, &address) != 0 {
      let error = Errno.last
      guard error == .resourceTemporarilyUnavailable || error == .interrupted else { throw error }
      if !isLate { whenLate() }
      isLate = true
    }
    return socket
  }

  /// The size of the send buffer, in bytes.
  ///
  /// The corresponding system call is `getsockopt(2)` with `SO_SNDBUF`.
  public func sendBufferSize() throws(Errno) -> Int {
    var size: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    // getsockopt writes one integer.
    guard unsafe getsockopt(descriptor.rawValue, SOL_SOCKET, SO_SNDBUF, &size, &length) == 0 else {
      throw .last
    }
    return Int(size)
  }

  /// Refuses descriptors from the peer from now on.
  ///
  /// - Throws: `ENOPROTOOPT` on kernels before 6.16, which do not know the option.
  ///
  /// The corresponding system call is `setsockopt(2)` with `SO_PASSRIGHTS`.
  public func refuseDescriptors() throws(Errno) {
    var no: Int32 = 0
    // setsockopt reads one integer.
    let result = unsafe setsockopt(
      descriptor.rawValue, SOL_SOCKET, clinux_SO_PASSRIGHTS, &no,
      socklen_t(MemoryLayout<Int32>.size))
    guard result == 0 else { throw .last }
  }

  /// Ends the connection in both directions.
  ///
  /// The corresponding system call is `shutdown(2)`.
  public func shutDown() { _ = shutdown(descriptor.rawValue, Int32(SHUT_RDWR)) }
}

/// The two ends of `PacketSocket.pair()`.
public struct PacketSocketPair: ~Copyable, Sendable {
  /// One end, until it is taken or closed.
  public var first: PacketSocket?
  /// The other.
  public var second: PacketSocket?
}

/// Waits for `milliseconds`.
///
/// The corresponding system call is `poll(2)` without descriptors.
public func sleep(milliseconds: Int32) { _ = poll(nil, 0, milliseconds) }
