// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

/// Hands one line to the logger that listens at `path`, waiting at most until `deadline` for room in
/// its queue, which any user can fill.
///
/// - Throws: `ETIMEDOUT` when there was no room in time, and what the calls say: `ENOENT` or
///   `ECONNREFUSED` when nobody listens.
///
/// The corresponding system calls are `socket(2)`, `connect(2)` and `send(2)`. A logger listens for
/// datagrams or, rarely, on a stream, where a zero byte ends a line; syslog(3) asks in this order
/// too, but waits for ever.
public func sendLogLine(
  _ line: [UInt8], to path: [UInt8], until deadline: Deadline
) throws(Errno) {
  do throws(Errno) {
    try send(line, to: path, as: clinux_SOCK_DGRAM, until: deadline)
  } catch {
    guard error == .wrongProtocolType else { throw error }
    try send(line + [0], to: path, as: clinux_SOCK_STREAM, until: deadline)
  }
}

private func send(
  _ line: [UInt8], to path: [UInt8], as type: Int32, until deadline: Deadline
) throws(Errno) {
  var address = try unixAddress(of: path)
  let number = socket(AF_UNIX, type | clinux_SOCK_CLOEXEC | clinux_SOCK_NONBLOCK, 0)
  guard number >= 0 else { throw .last }
  let socket = FileDescriptor(owning: number)
  // The address is a whole structure; a stream's full queue answers EAGAIN.
  try repeatedly(until: deadline) { unsafe Int(clinux_connect_unix(socket.rawValue, &address)) }
  var sent = 0
  while sent < line.count {
    let start = sent
    sent += try repeatedly(until: deadline) {
      unsafe line.withUnsafeBytes {
        // The rest of the array, which outlives the call.
        let rest = unsafe UnsafeRawBufferPointer(rebasing: $0[start...])
        return unsafe CLinux.send(
          socket.rawValue, rest.baseAddress, rest.count, clinux_MSG_NOSIGNAL)
      }
    }
  }
}

/// Makes a call on a nonblocking socket again until it does not have to wait.
@discardableResult private func repeatedly(
  until deadline: Deadline, _ call: () -> Int
) throws(Errno) -> Int {
  while true {
    let result = call()
    if result >= 0 { return result }
    let error = Errno.last
    guard error == .resourceTemporarilyUnavailable || error == .interrupted else { throw error }
    guard !deadline.hasPassed else { throw .timedOut }
    if error != .interrupted { sleep(milliseconds: 20) }
  }
}
