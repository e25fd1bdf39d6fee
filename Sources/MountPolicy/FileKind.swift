// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// What an inode is, from the format bits of `st_mode`.
public enum FileKind: Equatable, Sendable {
  /// `S_IFREG`.
  case regular
  /// `S_IFBLK`.
  case blockDevice
  /// `S_IFDIR`.
  case directory
  /// `S_IFIFO`.
  case fifo
  /// `S_IFSOCK`.
  case socket
  /// `S_IFCHR`.
  case characterDevice
  /// `S_IFLNK`.
  case symbolicLink
  /// None that is known.
  case other

  /// The kind in `mode`, the `st_mode` of stat(2).
  public init(mode: UInt32) {
    switch mode & 0o170000 {
    case 0o100000: self = .regular
    case 0o060000: self = .blockDevice
    case 0o040000: self = .directory
    case 0o010000: self = .fifo
    case 0o140000: self = .socket
    case 0o020000: self = .characterDevice
    case 0o120000: self = .symbolicLink
    default: self = .other
    }
  }

  /// The kind in words, with its article.
  var words: [UInt8] {
    switch self {
    case .regular: return text("a regular file")
    case .blockDevice: return text("a block device")
    case .directory: return text("a directory")
    case .fifo: return text("a FIFO")
    case .socket: return text("a socket")
    case .characterDevice: return text("a character device")
    case .symbolicLink: return text("a symbolic link")
    case .other: return text("a special file")
    }
  }
}

/// A file that has been opened or pinned, as fstat(2) and fstatfs(2) describe it.
public struct OpenedFile: Equatable, Sendable {
  /// What it is.
  public var kind: FileKind
  /// `f_type` of its file system.
  public var fileSystemMagic: UInt64

  /// A file with these facts.
  public init(kind: FileKind, fileSystemMagic: UInt64) {
    self.kind = kind
    self.fileSystemMagic = fileSystemMagic
  }
}
