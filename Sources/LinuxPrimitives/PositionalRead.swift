// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

extension FileDescriptor {
  /// Reads the file from its beginning, wherever its position is, and leaves the position alone.
  ///
  /// - Throws: `EOVERFLOW` when there are more than `limit` bytes.
  ///
  /// The corresponding system call is `pread(2)`.
  public func contentFromBeginning(limit: Int) throws(Errno) -> [UInt8] {
    var content: [UInt8] = []
    while true {
      let part = try read(16_384, at: content.count)
      if part.isEmpty { return content }
      content += part
      if content.count > limit { throw .overflow }
    }
  }

  private func read(_ count: Int, at offset: Int) throws(Errno) -> [UInt8] {
    let descriptor = rawValue
    var length = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      repeat {
        // pread writes at most `count` bytes, which is the buffer's size.
        length = unsafe pread(descriptor, buffer.baseAddress, count, off_t(offset))
      } while length < 0 && clinux_errno() == EINTR
      initialized = max(0, length)
    }
    guard length >= 0 else { throw .last }
    return bytes
  }
}
