// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

extension PacketSocket {
  /// Sends one packet, and with it a duplicate of the descriptor `passing` if one is given, waiting
  /// at most until `deadline` for room.
  ///
  /// - Throws: `ETIMEDOUT` when the deadline came; `EPIPE` when the peer is gone.
  ///
  /// The corresponding system call is `sendmsg(2)`.
  public func send(
    _ packet: [UInt8], passing rawDescriptor: Int32? = nil, until deadline: Deadline
  ) throws(Errno) {
    while true {
      let result = sendOnce(packet, passing: rawDescriptor)
      if result >= 0 { return }
      let error = Errno.last
      guard error == .resourceTemporarilyUnavailable || error == .interrupted else { throw error }
      guard try wait(for: [descriptor.rawValue], toBe: .writable, until: deadline)[0] else {
        throw .timedOut
      }
    }
  }

  /// Receives one packet of at most `limit` bytes, or `nil` when the peer has closed. Waits at most
  /// until `deadline`, by `poll(2)`; where there is none, a socket that blocks is waited for in the call
  /// itself.
  ///
  /// With `isThere` the caller has seen that there is one, and nobody else takes it.
  ///
  /// Without `acceptsDescriptor` there is no buffer for descriptors, so the kernel drops any that
  /// ride along; with it the first is kept and the others are dropped.
  ///
  /// - Throws: `ETIMEDOUT` when the deadline came.
  ///
  /// The corresponding system call is `recvmsg(2)`.
  public func receive(
    limit: Int, acceptsDescriptor: Bool = false, isThere: Bool = false, until deadline: Deadline
  ) throws(Errno) -> ReceivedPacket? {
    var mustWait = !isThere && deadline != .never
    while true {
      if mustWait {
        guard try wait(for: [descriptor.rawValue], until: deadline)[0] else { throw .timedOut }
      }
      do throws(Errno) {
        return try receiveOnce(
          limit: limit, acceptsDescriptor: acceptsDescriptor,
          flags: isThere || mustWait ? clinux_MSG_DONTWAIT : 0)
      } catch {
        guard error == .resourceTemporarilyUnavailable || error == .interrupted else { throw error }
        mustWait = true
      }
    }
  }

  private func sendOnce(_ packet: [UInt8], passing rawDescriptor: Int32?) -> Int {
    let socket = descriptor.rawValue
    return unsafe packet.withUnsafeBytes { content in
      // sendmsg only reads what the vector points to; the pointers outlive the call.
      var vector = unsafe iovec(
        iov_base: UnsafeMutableRawPointer(mutating: content.baseAddress), iov_len: content.count)
      var message = unsafe msghdr()
      return unsafe withUnsafeMutablePointer(to: &vector) { vector in
        unsafe message.msg_iov = vector
        unsafe message.msg_iovlen = 1
        let flags = clinux_MSG_NOSIGNAL | clinux_MSG_DONTWAIT | clinux_MSG_EOR
        guard let rawDescriptor else { return unsafe sendmsg(socket, &message, flags) }
        return unsafe withControlBuffer { control in
          unsafe message.msg_control = control.baseAddress
          unsafe message.msg_controllen = numericCast(control.count)
          // The buffer has room for exactly one header with one descriptor (cmsg(3)).
          if let header = unsafe clinux_cmsg_first(&message) {
            unsafe header.pointee.cmsg_len = numericCast(
              clinux_cmsg_length(MemoryLayout<Int32>.size))
            unsafe header.pointee.cmsg_level = SOL_SOCKET
            unsafe header.pointee.cmsg_type = clinux_SCM_RIGHTS
            unsafe UnsafeMutableRawPointer(clinux_cmsg_data(header)).storeBytes(
              of: rawDescriptor, as: Int32.self)
          }
          return unsafe sendmsg(socket, &message, flags)
        }
      }
    }
  }

  private func receiveOnce(
    limit: Int, acceptsDescriptor: Bool, flags wanted: Int32
  ) throws(Errno) -> ReceivedPacket? {
    let socket = descriptor.rawValue
    var received = -1
    var flags: Int32 = 0
    var passed: Int32 = -1
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { content, count in
      var vector = unsafe iovec(iov_base: content.baseAddress, iov_len: limit)
      var message = unsafe msghdr()
      unsafe withUnsafeMutablePointer(to: &vector) { vector in
        unsafe message.msg_iov = vector
        unsafe message.msg_iovlen = 1
        let wanted = wanted | clinux_MSG_CMSG_CLOEXEC | clinux_MSG_TRUNC
        if acceptsDescriptor {
          unsafe withControlBuffer { control in
            unsafe message.msg_control = control.baseAddress
            // Without the padding, so that a second descriptor does not fit in.
            unsafe message.msg_controllen = numericCast(
              clinux_cmsg_length(MemoryLayout<Int32>.size))
            received = unsafe recvmsg(socket, &message, wanted)
            if received >= 0 { passed = unsafe passedDescriptor(&message) }
          }
        } else {
          received = unsafe recvmsg(socket, &message, wanted)
        }
      }
      flags = unsafe message.msg_flags
      // With MSG_TRUNC the result is the packet's whole length, of which `limit` were kept.
      count = min(max(0, received), limit)
    }
    guard received >= 0 else { throw .last }
    let descriptor = passed >= 0 ? FileDescriptor(owning: passed) : nil
    // A packet of no byte looks like the end of the stream; no peer has a reason to send one.
    guard received > 0 else { return nil }
    return ReceivedPacket(
      bytes: bytes, isTruncated: flags & clinux_MSG_TRUNC != 0, descriptor: descriptor)
  }
}

/// The first descriptor of a received message, or -1.
private func passedDescriptor(_ message: inout msghdr) -> Int32 {
  // The header lies inside the control buffer as far as the kernel filled it (cmsg(3)).
  guard let header = unsafe clinux_cmsg_first(&message),
    unsafe header.pointee.cmsg_level == SOL_SOCKET,
    unsafe header.pointee.cmsg_type == clinux_SCM_RIGHTS,
    unsafe header.pointee.cmsg_len == clinux_cmsg_length(MemoryLayout<Int32>.size)
  else { return -1 }
  return unsafe UnsafeMutableRawPointer(clinux_cmsg_data(header)).load(as: Int32.self)
}

/// Room for one descriptor, aligned as a `cmsghdr` needs it, zeroed.
private func withControlBuffer<Result>(
  _ body: (UnsafeMutableRawBufferPointer) -> Result
) -> Result {
  // CMSG_SPACE of one integer is 24 bytes on 64-bit and 16 on 32-bit: three words hold either.
  var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
  return unsafe withUnsafeMutableBytes(of: &words) { buffer in
    unsafe body(
      UnsafeMutableRawBufferPointer(
        rebasing: buffer[..<clinux_cmsg_space(MemoryLayout<Int32>.size)]))
  }
}
