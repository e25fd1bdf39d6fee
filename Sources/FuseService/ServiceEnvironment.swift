// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

/// What `sd_listen_fds(3)` makes of the environment: how many sockets the service manager passed to
/// this very process.
///
/// - Returns: `nil` when this process was not started as a service, which is when a variable is
///   absent or no number, or when `LISTEN_PID` is another process: the variables are inherited, so
///   they may be meant for an ancestor.
func passedSocketCount(listenFds: [UInt8]?, listenPid: [UInt8]?, processId: Int32) -> Int? {
  guard let listenFds, let listenPid, let count = decimal(listenFds),
    let process = decimal(listenPid), process == Int(processId), count > 0
  else { return nil }
  return count
}

/// A number of decimal digits and nothing else, at most 2^31 - 1.
private func decimal(_ text: [UInt8]) -> Int? {
  guard !text.isEmpty, text.count <= 10, text.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
    return nil
  }
  let value = text.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  return value <= Int(Int32.max) ? value : nil
}

/// A variable of the environment, or `nil`. A server may ask: its service manager set them. The
/// mount helper never does.
func environmentVariable(_ name: String) -> [UInt8]? {
  // getenv's text stays until the environment is changed, and it is copied at once.
  guard let value = unsafe getenv(name) else { return nil }
  return unsafe Array(UnsafeRawBufferPointer(start: value, count: strlen(value)))
}
