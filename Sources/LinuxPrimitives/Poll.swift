// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

/// What a wait on a descriptor is for.
public enum Readiness: Sendable {
  /// Something to read, or the other side is gone.
  case readable
  /// Room to write, or the other side is gone.
  case writable
}

/// Waits until one of `descriptors` is ready for `readiness` and tells which are; all `false` when
/// the deadline came first.
///
/// The corresponding system call is `poll(2)`.
public func wait(
  for descriptors: [Int32], toBe readiness: Readiness = .readable, until deadline: Deadline
) throws(Errno) -> [Bool] {
  let events = Int16(readiness == .readable ? POLLIN : POLLOUT)
  var entries = descriptors.map { pollfd(fd: $0, events: events, revents: 0) }
  while true {
    let timeout = deadline.pollTimeout
    let result = unsafe entries.withUnsafeMutableBufferPointer { buffer in
      // poll reads and writes exactly the entries it is told of.
      unsafe poll(buffer.baseAddress, nfds_t(buffer.count), timeout)
    }
    if result >= 0 { return entries.map { $0.revents != 0 } }
    let error = Errno.last
    if error != .interrupted { throw error }
  }
}
