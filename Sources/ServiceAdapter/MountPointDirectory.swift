// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives
internal import ServerSupport

/// An empty directory of this process's user that the server takes for its mount point. Nothing is
/// ever mounted on it; it is removed when this value ends.
struct MountPointDirectory: ~Copyable {
  /// Where it is.
  let path: [UInt8]

  /// Makes one in `/tmp`, or where that is read-only, as in the units of this project, in `/mnt`, where
  /// they have room for one directory and for nothing else.
  ///
  /// The corresponding system call is `mkdir(2)`.
  init() throws(Errno) {
    do throws(Errno) {
      path = try makeDirectory("/tmp/fuse-service-XXXXXX\0")
    } catch {
      guard error == .readOnlyFileSystem else { throw error }
      path = try makeDirectory("/mnt/fuse-service-XXXXXX\0")
    }
  }

  deinit {
    // rmdir reads a terminated text.
    _ = unsafe try? withCString(path) { unsafe rmdir($0) }
  }
}

/// Makes a directory with the last six letters of a terminated name changed; its name.
private func makeDirectory(_ name: String) throws(Errno) -> [UInt8] {
  var template = text(name)
  let isMade = unsafe template.withUnsafeMutableBytes { buffer in
    // mkdtemp changes those letters.
    guard let base = buffer.baseAddress else { return false }
    return unsafe mkdtemp(base.assumingMemoryBound(to: CChar.self)) != nil
  }
  guard isMade else { throw .last }
  return template.dropLast()
}
