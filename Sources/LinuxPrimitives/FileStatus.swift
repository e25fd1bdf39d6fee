// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

/// What the kernel knows of a file.
public struct FileStatus: Equatable, Sendable {
  /// The file's type and permission bits, as in `st_mode`.
  public var mode: UInt32
  /// The owner's user id.
  public var owner: UInt32
  /// The device that holds the file.
  public var device: UInt64
  /// The file's number on that device.
  public var inode: UInt64
  /// The device that a device node stands for.
  public var representedDevice: UInt64
  /// The size in bytes.
  public var size: Int64

  /// The file type bits of `mode` (`S_IFMT`).
  public var format: UInt32 { mode & UInt32(S_IFMT) }
  /// Whether this is a directory.
  public var isDirectory: Bool { format == UInt32(S_IFDIR) }
  /// Whether this is a regular file.
  public var isRegularFile: Bool { format == UInt32(S_IFREG) }
  /// Whether this is a block device.
  public var isBlockDevice: Bool { format == UInt32(S_IFBLK) }
  /// Whether this is a socket.
  public var isSocket: Bool { format == UInt32(S_IFSOCK) }
  /// Whether this is the character device `major`:`minor`.
  public func isCharacterDevice(major: UInt32, minor: UInt32) -> Bool {
    format == UInt32(S_IFCHR) && representedDevice == clinux_device(major, minor)
  }

  /// Whether two statuses are those of one file.
  public func isSameFile(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode
  }

  init(_ raw: stat) {
    mode = raw.st_mode
    owner = raw.st_uid
    device = UInt64(raw.st_dev)
    inode = UInt64(raw.st_ino)
    representedDevice = UInt64(raw.st_rdev)
    size = Int64(raw.st_size)
  }
}

extension FileDescriptor {
  /// The status of the open file. May wait for the server of a FUSE or network file system.
  ///
  /// The corresponding system call is `fstat(2)`.
  public func status() throws(Errno) -> FileStatus {
    var raw = stat()
    // fstat fills in the structure it is given.
    guard unsafe fstat(rawValue, &raw) == 0 else { throw .last }
    return FileStatus(raw)
  }

  /// The file type bits of the open file, from what the kernel knows already: the file system is not
  /// asked, so this never waits.
  ///
  /// - Throws: `EACCES` for a file on a FUSE mount that is not this process's to use.
  ///
  /// The corresponding system call is `statx(2)` with `AT_STATX_DONT_SYNC`.
  public func knownFormat() throws(Errno) -> UInt32 {
    var mode: UInt32 = 0
    // The shim writes the value it is given.
    guard unsafe clinux_known_mode(rawValue, &mode) == 0 else { throw .last }
    return mode & UInt32(S_IFMT)
  }

  /// The magic number of the file system that holds the file, as in `linux/magic.h`. May wait for
  /// the server of a FUSE or network file system.
  ///
  /// The corresponding system call is `fstatfs(2)`.
  public func fileSystemMagic() throws(Errno) -> UInt64 {
    var raw = statfs()
    // fstatfs fills in the structure it is given.
    guard unsafe fstatfs(rawValue, &raw) == 0 else { throw .last }
    return UInt64(bitPattern: Int64(raw.f_type))
  }

  /// Whether this process may write to the file, by its effective ids.
  ///
  /// The corresponding system call is `faccessat2(2)` with `AT_EMPTY_PATH` and `AT_EACCESS`.
  public func isWritable() throws(Errno) -> Bool {
    if clinux_is_writable(rawValue) == 0 { return true }
    var error = Errno.last
    if error == .notImplemented || error == .notPermitted || error == .invalidArgument {
      // Kernels before 5.8, and sandboxes of all kinds. faccessat of the C library would fall back to
      // stat and a guess that does not know access control lists; /proc's name for the descriptor works
      // on every kernel. This process's real and effective ids are the same.
      // The name is a terminated string that lives through the call.
      if unsafe try withCString(processPath, { unsafe faccessat(AT_FDCWD, $0, W_OK, 0) }) == 0 {
        return true
      }
      error = .last
    }
    if error == .permissionDenied || error == .readOnlyFileSystem || error == .notPermitted {
      return false
    }
    throw error
  }

  /// Where the open file is, as `/proc` tells it: an absolute path in this process's root.
  ///
  /// The corresponding system call is `readlink(2)`.
  public func currentPath() throws(Errno) -> [UInt8] {
    let name = processPath
    // readlink writes at most the buffer's size and says how much it wrote.
    let capacity = Int(PATH_MAX) + 1
    var length = 0
    let path = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      let written = unsafe buffer.withMemoryRebound(to: CChar.self) { target -> Int? in
        guard let base = target.baseAddress else { return nil }
        return unsafe try? withCString(name) { unsafe readlink($0, base, capacity) }
      }
      length = written ?? -1
      count = max(0, length)
    }
    guard length >= 0 else { throw .last }
    guard length < capacity else { throw .nameTooLong }
    return path
  }
}
