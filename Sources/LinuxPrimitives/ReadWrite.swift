// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import Literals

extension FileDescriptor {
  /// Reads at most `count` bytes; an empty result is the end of the file.
  ///
  /// The corresponding system call is `read(2)`.
  public func read(_ count: Int) throws(Errno) -> [UInt8] {
    let descriptor = rawValue
    var length = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      repeat {
        // read writes at most `count` bytes, which is the buffer's size.
        length = unsafe CLinux.read(descriptor, buffer.baseAddress, count)
      } while length < 0 && clinux_errno() == EINTR
      initialized = max(0, length)
    }
    guard length >= 0 else { throw .last }
    return bytes
  }

  /// Reads until the end of the file.
  ///
  /// - Throws: `EOVERFLOW` when there are more than `limit` bytes.
  public func readToEnd(limit: Int) throws(Errno) -> [UInt8] {
    var content: [UInt8] = []
    while true {
      let part = try read(16_384)
      if part.isEmpty { return content }
      content += part
      if content.count > limit { throw .overflow }
    }
  }

  /// Writes all of `bytes`.
  ///
  /// The corresponding system call is `write(2)`.
  public func write(_ bytes: [UInt8]) throws(Errno) {
    try writeAll(bytes, to: rawValue)
  }
}

/// Writes all of `bytes` to the descriptor `rawValue`, such as 2 for standard error.
///
/// The corresponding system call is `write(2)`.
public func writeAll(_ bytes: [UInt8], to rawValue: Int32) throws(Errno) {
  var written = 0
  while written < bytes.count {
    let start = written
    written += try retryingOnInterrupt {
      unsafe bytes.withUnsafeBytes { buffer in
        // The rest of the array, which outlives the call.
        let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[start...])
        return unsafe CLinux.write(rawValue, rest.baseAddress, rest.count)
      }
    }
  }
}

/// A file in memory that holds `bytes`, read from its beginning by whoever gets it.
///
/// The corresponding system call is `memfd_create(2)`.
public func memoryFile(_ bytes: [UInt8]) throws(Errno) -> FileDescriptor {
  let result = unsafe try withCString(text("fuse service argv")) {
    // The name is a terminated string that lives through the call.
    unsafe memfd_create($0, UInt32(clinux_MFD_CLOEXEC))
  }
  guard result >= 0 else { throw .last }
  let file = FileDescriptor(owning: result)
  try file.write(bytes)
  return file
}
