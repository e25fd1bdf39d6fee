// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives
internal import ServerSupport

/// An empty directory that the server takes for its mount point. Nothing is ever mounted on it. One
/// that was made is removed when this value ends.
struct MountPointDirectory: ~Copyable {
  /// Where it is.
  let path: [UInt8]
  private let isMade: Bool

  /// Makes one in `/tmp`. Where that is read-only, as it is in the units of this project, nobody has
  /// put anything into it, and it does itself: a service has it alone (`PrivateTmp=`).
  ///
  /// The corresponding system call is `mkdir(2)`.
  init() throws(Errno) {
    var template = text("/tmp/fuse-service-XXXXXX\0")
    let isMade = unsafe template.withUnsafeMutableBytes { buffer in
      // mkdtemp changes the last six letters of a terminated text.
      guard let base = buffer.baseAddress else { return false }
      return unsafe mkdtemp(base.assumingMemoryBound(to: CChar.self)) != nil
    }
    let error = Errno.last
    guard isMade || error == .readOnlyFileSystem else { throw error }
    path = isMade ? template.dropLast() : text("/tmp")
    self.isMade = isMade
  }

  deinit {
    guard isMade else { return }
    // rmdir reads a terminated text.
    _ = unsafe try? withCString(path) { unsafe rmdir($0) }
  }
}
