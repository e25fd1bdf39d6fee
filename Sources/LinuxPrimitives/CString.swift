// SPDX-License-Identifier: LGPL-2.1-or-later

/// Calls `body` with `bytes` as a C string.
///
/// - Throws: `EINVAL` when `bytes` hold a NUL, which would cut the string short.
public func withCString<Result>(
  _ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Result
) throws(Errno) -> Result {
  guard !bytes.contains(0) else { throw .invalidArgument }
  let terminated = bytes + [0]
  return unsafe terminated.withUnsafeBytes { buffer in
    // The buffer has at least the terminator, so it has an address; it lives through the call.
    guard let base = buffer.baseAddress else { fatalError() }
    return unsafe body(base.assumingMemoryBound(to: CChar.self))
  }
}
