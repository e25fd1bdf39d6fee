// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLibfuse3
internal import LinuxPrimitives

/// What the operations serve. Nothing in it changes after the start, so that all threads read it
/// without a lock.
struct ServedFile: ~Copyable {
  /// The image or block device.
  let descriptor: FileDescriptor
  /// The name of the one file.
  let name: TerminatedString
  /// Its size and block size.
  let geometry: Geometry
  /// Whether nothing is ever written.
  let isReadOnly: Bool
  /// Whether every write waits for the medium.
  let isSynchronous: Bool
  /// Whether files may be opened with `O_DIRECT`.
  let allowsDirectIO: Bool
  /// Whether other users than the mount's owner may ask.
  let allowsOthers: Bool
  /// The largest read in bytes; 0 leaves the choice to the kernel.
  let maxRead: UInt32
  /// When serving began; the times of the root directory.
  let started: timespec

  /// The one file's number.
  static let inode: fuse_ino_t = 2
  /// The root directory's number (`FUSE_ROOT_ID`).
  static let root: fuse_ino_t = 1
  /// How long the kernel may keep attributes, in seconds. Nobody else changes what is shown of a
  /// writable image; of a read-only one, a change by others is noticed so much later.
  static let attributeTimeout = 1.0
  /// How long the kernel may keep the name, in seconds; it never changes.
  static let nameTimeout = 86_400.0

  /// A file to serve as the options say, beginning now.
  init(
    descriptor: consuming FileDescriptor, geometry: Geometry, isReadOnly: Bool,
    options: ServerOptions
  ) {
    self.descriptor = descriptor
    name = TerminatedString(options.fileName)
    self.geometry = geometry
    self.isReadOnly = isReadOnly
    isSynchronous = options.isSynchronous
    allowsDirectIO = options.allowsDirectIO
    allowsOthers = options.allowOther
    maxRead = options.maxRead
    var now = timespec()
    // clock_gettime fills in the structure it is given; CLOCK_REALTIME always exists.
    _ = unsafe clock_gettime(CLOCK_REALTIME, &now)
    started = now
  }

  /// The attributes of a file of this mount for the user who asks, or `nil` when there is no such
  /// file.
  ///
  /// Without `allow_other` only the mount's owner reaches it, so whoever asks is the owner, and the
  /// files are shown as theirs. The service cannot know them in another way: in its user namespace
  /// every owner but root is 65534. With `allow_other` the files are the image's owner's.
  func attributes(of inode: fuse_ino_t, askedBy asker: fuse_ctx) -> stat? {
    var image = stat()
    // fstat fills in the structure it is given. Where it fails, the zeros stand for no times.
    _ = unsafe fstat(descriptor.rawValue, &image)
    var result = stat()
    result.st_ino = ino_t(inode)
    result.st_uid = allowsOthers ? image.st_uid : asker.uid
    result.st_gid = allowsOthers ? image.st_gid : asker.gid
    switch inode {
    case Self.root:
      result.st_mode = mode_t(S_IFDIR) | 0o555
      result.st_nlink = 2
      result.st_atim = started
      result.st_mtim = started
      result.st_ctim = started
    case Self.inode:
      result.st_mode = mode_t(S_IFREG) | (isReadOnly ? 0o444 : 0o644)
      result.st_nlink = 1
      result.st_size = off_t(geometry.size)
      result.st_blksize = blksize_t(geometry.blockSize)
      // A sparse image's unwritten parts take no place; a device has all of its blocks.
      let all = blkcnt_t((geometry.size + 511) / 512)
      let isSparse = image.st_mode & mode_t(S_IFMT) == mode_t(S_IFREG)
      result.st_blocks = isSparse ? min(image.st_blocks, all) : all
      result.st_atim = image.st_atim
      result.st_mtim = image.st_mtim
      result.st_ctim = image.st_ctim
    default:
      return nil
    }
    return result
  }
}

/// A C string that lives as long as this value.
@safe struct TerminatedString: ~Copyable {
  /// The bytes and their terminator.
  let pointer: UnsafeMutablePointer<CChar>

  /// Copies `bytes`, which hold no NUL.
  init(_ bytes: [UInt8]) {
    unsafe pointer = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
    for (index, byte) in bytes.enumerated() {
      // Inside what has just been allocated.
      unsafe pointer[index] = CChar(bitPattern: byte)
    }
    unsafe pointer[bytes.count] = 0
  }

  deinit { unsafe pointer.deallocate() }
}
