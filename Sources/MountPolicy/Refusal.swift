// SPDX-License-Identifier: LGPL-2.1-or-later

public import MountProtocol

/// Why something is refused. What came from outside is kept as it came.
public enum Refusal: Error, Equatable, Sendable {
  // The caller's command line.

  /// The type names no service.
  case emptyType
  /// The service's name is no single path component, or holds a control byte.
  case badType([UInt8])
  /// The service's name does not fit into a socket's path.
  case typeTooLong([UInt8], maximumLength: Int)
  /// `fuse-service.timeout=`, or that with `x-` before it, without a number of seconds from 1 to 4294967295.
  case badTimeout([UInt8])
  /// An `x-…` word that utab cannot hold.
  case unrecordableOption([UInt8])
  /// More `x-…` words than are recorded.
  case userspaceOptionsTooLong

  // OPEN and BDEV.

  /// A file that the caller did not name.
  case fileNotNamed([UInt8])
  /// A path of more than 4095 bytes.
  case pathTooLong([UInt8])
  /// Request flags that are not offered.
  case unknownRequestFlags(UInt32, path: [UInt8])
  /// `O_*` flags that are not on the list.
  case openFlagsNotAllowed(UInt32, path: [UInt8])
  /// Access mode 3.
  case badAccessMode([UInt8])
  /// Writing, creating or truncating, when the caller said `ro`.
  case writeToReadOnly([UInt8])
  /// A block size that no device has.
  case badBlockSize(UInt32, path: [UInt8])
  /// A block size for a device that is only read.
  case blockSizeNeedsWriting([UInt8])
  /// BDEV on something else than a block device.
  case notBlockDevice([UInt8], kind: FileKind)
  /// A directory.
  case fileIsDirectory([UInt8])
  /// A symbolic link that is not to be followed.
  case fileIsSymbolicLink([UInt8])
  /// A FIFO, a socket, a character device.
  case specialFile([UInt8], kind: FileKind)
  /// A file that the kernel makes up.
  case kernelMadeFile([UInt8], fileSystemMagic: UInt64)

  // TYPE, NAME, OPTS and DOIT.

  /// TYPE flags that version 1 does not know.
  case unknownContextFlags(UInt32)
  /// fuseblk for a user.
  case fuseblkNeedsRoot
  /// fuseblk on a source that the caller did not name.
  case fuseblkSourceNotNamed([UInt8])
  /// A source of no byte.
  case emptySource
  /// A source of more than 4095 bytes.
  case sourceTooLong([UInt8])
  /// A source that holds a control byte.
  case sourceHoldsControlByte([UInt8])
  /// A source that cannot be shown as it is, and that the caller did not name.
  case sourceNotPrintable([UInt8])
  /// A source that is a path, but none that the caller named.
  case sourceNotNamed([UInt8])
  /// A quote that is never closed.
  case openQuote([UInt8])
  /// An option that is not on the list.
  case unknownOption([UInt8])
  /// An option that the helper sets itself.
  case optionOfHelper([UInt8])
  /// `suid` or `dev`, which only a root caller can ask for, on the command line.
  case optionOnlyForCaller([UInt8])
  /// `allow_other`, which fuse.conf does not permit to users.
  case allowOtherNotPermitted
  /// An LSM context for a user.
  case securityContextNeedsRoot([UInt8])
  /// A value that the option cannot have.
  case badOptionValue([UInt8])
  /// A security context, given again.
  case repeatedOption([UInt8])
  /// `blksize=` without fuseblk.
  case blockSizeNeedsFuseblk
  /// `MS_*` flags that are not on the list.
  case mountFlagsNotAllowed(UInt32)

  // The mount point.

  /// MNTP with another path than the caller's mount point.
  case notTheMountPoint([UInt8])
  /// MNTP with a format that is neither of a directory nor of a regular file, nor 0.
  case unknownExpectedFormat(UInt16)
  /// The server wants a directory.
  case mountPointIsNoDirectory
  /// The server wants a regular file.
  case mountPointIsDirectory
  /// Neither a directory nor a regular file.
  case mountPointIsSpecial(kind: FileKind)
  /// A user may not write to it.
  case mountPointNotWritable
  /// A sticky directory of someone else.
  case mountPointIsSticky
  /// On a kind of file system where users do not mount.
  case mountPointFileSystem(magic: UInt64)

  /// The error number for a reply.
  public var error: ErrorNumber {
    switch self {
    case .fileNotNamed, .writeToReadOnly, .blockSizeNeedsWriting, .specialFile, .kernelMadeFile,
      .fuseblkSourceNotNamed,
      .mountPointIsSpecial:
      return .permissionDenied
    case .fuseblkNeedsRoot, .allowOtherNotPermitted, .securityContextNeedsRoot,
      .mountPointNotWritable, .mountPointIsSticky, .mountPointFileSystem:
      return .notPermitted
    case .pathTooLong:
      return .nameTooLong
    case .notBlockDevice:
      return .notBlockDevice
    case .fileIsDirectory, .mountPointIsDirectory:
      return .isDirectory
    case .fileIsSymbolicLink:
      return .tooManyLinks
    case .mountPointIsNoDirectory:
      return .notDirectory
    case .emptyType, .badType, .typeTooLong, .badTimeout, .unrecordableOption,
      .userspaceOptionsTooLong, .unknownRequestFlags, .openFlagsNotAllowed, .badAccessMode,
      .badBlockSize, .unknownContextFlags, .emptySource, .sourceTooLong,
      .sourceHoldsControlByte, .sourceNotPrintable, .sourceNotNamed, .openQuote,
      .unknownOption, .optionOfHelper, .optionOnlyForCaller, .badOptionValue, .repeatedOption,
      .blockSizeNeedsFuseblk, .mountFlagsNotAllowed, .notTheMountPoint, .unknownExpectedFormat:
      return .invalidArgument
    }
  }
}
