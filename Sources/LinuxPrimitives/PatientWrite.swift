// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import Literals

/// Writes all of `bytes` to the descriptor `number`, such as 2 for standard error, waiting at most
/// until `deadline` for somebody to read.
///
/// `poll(2)` tells that there is room, not for whom: another writer can take it first, and what is
/// written may need more. So a socket is told not to wait, and a pipe or a terminal is opened again
/// for this one time without waiting: the flag on the descriptor itself would be everybody's who
/// shares it. Where that is forbidden, such as on another user's terminal, and for files, `poll(2)`
/// has to be believed.
///
/// - Throws: `ETIMEDOUT` when nobody read in time; some of it may be written then.
///
/// The corresponding system calls are `poll(2)`, and `send(2)` or `open(2)` and `write(2)`.
public func writeAll(
  _ bytes: [UInt8], to number: Int32, until deadline: Deadline
) throws(Errno) {
  let again = openAgain(number)
  let target: Int32
  switch again {
  case .some(let file): target = file.rawValue
  case .none: target = number
  }
  var written = 0
  while written < bytes.count {
    guard try wait(for: [target], toBe: .writable, until: deadline) == [true] else {
      throw .timedOut
    }
    do throws(Errno) {
      written += try writeOnce(bytes[written...], to: target)
    } catch {
      guard error == .resourceTemporarilyUnavailable else { throw error }
      // The room was for somebody else.
      if deadline.hasPassed { throw .timedOut }
    }
  }
}

/// One write that does not wait, if the descriptor can be told so.
private func writeOnce(_ bytes: ArraySlice<UInt8>, to number: Int32) throws(Errno) -> Int {
  let flags = clinux_MSG_DONTWAIT | clinux_MSG_NOSIGNAL
  return try retryingOnInterrupt {
    unsafe bytes.withUnsafeBytes {
      // Both calls read exactly the bytes they are told of.
      let sent = unsafe send(number, $0.baseAddress, $0.count, flags)
      guard sent < 0, Errno.last == .notSocket else { return sent }
      return unsafe CLinux.write(number, $0.baseAddress, $0.count)
    }
  }
}

/// A pipe or a terminal, opened once more for writing without waiting; `nil` for everything else and
/// where it is not permitted.
///
/// What the descriptor is, is told by its name in `/proc` and by the terminal, not by its file system,
/// which could leave the question unanswered.
private func openAgain(_ number: Int32) -> FileDescriptor? {
  guard let same = try? duplicateDescriptor(number) else { return nil }
  let isPipe = (try? same.currentPath())?.begins(with: "pipe:[") == true
  guard isPipe || isatty(number) == 1 else { return nil }
  return try? openFile(same.processPath, [.writeOnly, .nonblocking, .noControllingTerminal])
}
