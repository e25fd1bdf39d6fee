// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives
internal import ServerSupport

/// An empty directory that the server takes for its mount point. Nothing is ever mounted on it; it is
/// removed when this value ends.
struct MountPointDirectory: ~Copyable {
  /// Where it is.
  let path: [UInt8]

  /// Makes one in `/tmp`, which a service has for itself (`PrivateTmp=`).
  ///
  /// The corresponding system call is `mkdir(2)`.
  init() throws(Errno) {
    var template = text("/tmp/fuse-service-XXXXXX\0")
    let isMade = unsafe template.withUnsafeMutableBytes { buffer in
      // mkdtemp changes the last six letters of a terminated text.
      guard let base = buffer.baseAddress else { return false }
      return unsafe mkdtemp(base.assumingMemoryBound(to: CChar.self)) != nil
    }
    guard isMade else { throw .last }
    path = template.dropLast()
  }

  deinit {
    // rmdir reads a terminated text.
    _ = unsafe try? withCString(path) { unsafe rmdir($0) }
  }
}
