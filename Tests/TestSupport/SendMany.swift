// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
public import LinuxPrimitives

/// Sends a packet with any number of descriptors, as a hostile peer does, if there is room at once.
///
/// - Returns: how many bytes were sent.
/// - Throws: what `sendmsg(2)` says; `EPERM` when the receiver refuses descriptors.
@discardableResult
public func send(
  _ packet: [UInt8], passing numbers: [Int32], on socket: borrowing PacketSocket
) throws(Errno) -> Int {
  let descriptor = socket.descriptor.rawValue
  let length = numbers.count * MemoryLayout<Int32>.size
  // Words, because a header has to be aligned; the descriptors follow it.
  var control = [UInt64](repeating: 0, count: clinux_cmsg_space(length) / 8)
  let sent = packet.withUnsafeBytes { content in
    var vector = iovec(
      iov_base: UnsafeMutableRawPointer(mutating: content.baseAddress), iov_len: content.count)
    return withUnsafeMutablePointer(to: &vector) { vector in
      control.withUnsafeMutableBytes { control in
        var message = msghdr()
        message.msg_iov = vector
        message.msg_iovlen = 1
        message.msg_control = control.baseAddress
        message.msg_controllen = control.count
        if let header = clinux_cmsg_first(&message) {
          header.pointee.cmsg_len = clinux_cmsg_length(length)
          header.pointee.cmsg_level = SOL_SOCKET
          header.pointee.cmsg_type = clinux_SCM_RIGHTS
          let room = UnsafeMutableRawBufferPointer(
            start: clinux_cmsg_data(header), count: length)
          numbers.withUnsafeBytes { room.copyMemory(from: $0) }
        }
        return sendmsg(descriptor, &message, clinux_MSG_NOSIGNAL | clinux_MSG_DONTWAIT)
      }
    }
  }
  guard sent >= 0 else { throw .last }
  return sent
}
