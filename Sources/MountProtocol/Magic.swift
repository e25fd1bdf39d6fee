// SPDX-License-Identifier: LGPL-2.1-or-later

/// The four ASCII bytes that begin every packet.
public struct Magic: Equatable, Sendable {
  /// The bytes as a big-endian integer.
  public let rawValue: UInt32

  /// Wraps four bytes as they came.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// `SAFT`, helper to server: the first packet.
  public static let hello = Magic(rawValue: 0x5341_4654)
  /// `LAST`, server to helper: the answer to it.
  public static let helloReply = Magic(rawValue: 0x4c41_5354)
  /// `OPEN`, server to helper: open a file.
  public static let open = Magic(rawValue: 0x4f50_454e)
  /// `BDEV`, server to helper: open a block device.
  public static let openBlockDevice = Magic(rawValue: 0x4244_4556)
  /// `TYPE`, server to helper: fuse or fuseblk.
  public static let filesystemContext = Magic(rawValue: 0x5459_5045)
  /// `NAME`, server to helper: the mount's source.
  public static let source = Magic(rawValue: 0x4e41_4d45)
  /// `OPTS`, server to helper: superblock options.
  public static let superblockOptions = Magic(rawValue: 0x4f50_5453)
  /// `MTAB`, server to helper: userspace options.
  public static let userspaceOptions = Magic(rawValue: 0x4d54_4142)
  /// `MNTP`, server to helper: the mount point.
  public static let mountPoint = Magic(rawValue: 0x4d4e_5450)
  /// `DOIT`, server to helper: mount.
  public static let mount = Magic(rawValue: 0x444f_4954)
  /// `SAYS`, server to helper: the server's last words.
  public static let lastWords = Magic(rawValue: 0x5341_5953)
  /// `IOMA`, server to helper: ask for the kernel's I/O mapping, which no kernel has.
  public static let ioMapping = Magic(rawValue: 0x494f_4d41)
  /// `BYEE`, server to helper: the end.
  public static let goodbye = Magic(rawValue: 0x4259_4545)
  /// `FILE`, helper to server: a file, or why there is none.
  public static let fileReply = Magic(rawValue: 0x4649_4c45)
  /// `REPL`, helper to server: done, or why not.
  public static let simpleReply = Magic(rawValue: 0x5245_504c)
  /// `ARGS`: begins the memory file that holds the command line.
  public static let arguments = Magic(rawValue: 0x4152_4753)
}
