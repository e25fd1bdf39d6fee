// SPDX-License-Identifier: LGPL-2.1-or-later

public import MountProtocol

/// How a file is to be opened for the server, once a request has been judged.
public struct OpenPlan: Equatable, Sendable {
  /// The path as the request and the command line have it.
  public var path: [UInt8]
  /// The flags for the open(2) that gives the server's descriptor: access mode, `O_EXCL`, `O_SYNC`,
  /// `O_DSYNC`, `O_DIRECT`, `O_TRUNC`, `O_APPEND`, `O_NOATIME`, `O_LARGEFILE`, and no others.
  public var openFlags: UInt32
  /// Whether the file is created when it does not exist (`O_CREAT`); never with BDEV.
  public var creates: Bool
  /// Whether the file must not exist yet (`O_CREAT` with `O_EXCL`).
  public var mustCreate: Bool
  /// The permission bits of a created file: no set-id, sticky, or write bit for group and others.
  public var createMode: UInt32
  /// Whether a symbolic link at the end of the path is followed; not with `O_NOFOLLOW`.
  public var followsFinalLink: Bool
  /// Whether the server's descriptor keeps `O_NONBLOCK`, because the server asked for it.
  public var keepsNonblocking: Bool
  /// Whether the request writes, creates or truncates.
  public var writes: Bool
  /// Whether only a block device will do (BDEV).
  public var wantsBlockDevice: Bool
  /// The block size to set, in bytes; 0 leaves it as it is.
  public var blockSize: UInt32
  /// Whether failures are kept from the caller's terminal.
  public var quiet: Bool
  /// The loop device that stands for a regular file, if one is wanted and can be had.
  public var loop: LoopPlan?
  /// Whether a regular file is opened through a read-only clone of its mount, because a plain
  /// descriptor can be reopened for writing through `/proc/self/fd`. It says nothing about block
  /// devices.
  public var needsReadOnlyClone: Bool
}

/// Which files a server may have, and how they are opened.
public struct OpenRules: Equatable, Sendable {
  /// The request flags that the helper offers.
  public static let supportedRequestFlags: OpenRequestFlags = [.quiet, .loop]

  /// The longest path that the kernel takes, in bytes without its terminator.
  static let longestPath = 4095

  private let namedFiles: NamedFiles
  private let readOnly: Bool

  /// Rules for a caller who named these files; with `readOnly` nothing may be written. Root as the
  /// caller changes nothing: a server behind root gets no more than one behind a user.
  public init(namedFiles: NamedFiles, readOnly: Bool, caller: Caller) {
    self.namedFiles = namedFiles
    self.readOnly = readOnly
    _ = caller
  }

  /// Judges OPEN, or with `blockDevice` BDEV, before anything is touched.
  /// - Throws: `EACCES` for a file that the caller did not name and for writing under `ro`,
  ///   `ENAMETOOLONG`, `EINVAL` for flags and block sizes that are not offered.
  public func judge(_ request: OpenRequest, blockDevice: Bool) throws(Refusal) -> OpenPlan {
    let path = request.path
    guard namedFiles.contains(path) else { throw .fileNotNamed(path) }
    guard path.count <= OpenRules.longestPath else { throw .pathTooLong(path) }
    let unknown = request.requestFlags.subtracting(OpenRules.supportedRequestFlags)
    guard unknown.isEmpty else { throw .unknownRequestFlags(unknown.rawValue, path: path) }

    let flags = HostOpenFlags(rawValue: request.openFlags)
    let refused = flags.subtracting(HostOpenFlags.kept).subtracting(HostOpenFlags.handled)
    guard refused.isEmpty else { throw .openFlagsNotAllowed(refused.rawValue, path: path) }
    let accessMode = flags.intersection(.accessMode)
    guard accessMode != .accessMode else { throw .badAccessMode(path) }
    let writes = !accessMode.isEmpty || flags.contains(.create) || flags.contains(.truncate)
    // open(2) creates regular files only, which BDEV would then refuse and leave behind.
    let creates = flags.contains(.create) && !blockDevice
    guard !(writes && readOnly) else { throw .writeToReadOnly(path) }

    let blockSize = blockDevice ? request.blockSize : 0
    guard blockSize == 0 || BlockSize.isPossible(blockSize) else {
      throw .badBlockSize(blockSize, path: path)
    }
    let openFlags = flags.intersection(HostOpenFlags.kept).rawValue
    return OpenPlan(
      path: path,
      openFlags: openFlags,
      creates: creates,
      mustCreate: creates && flags.contains(.exclusive),
      createMode: creates ? request.createMode & 0o755 : 0,
      followsFinalLink: !flags.contains(.noFollow),
      keepsNonblocking: flags.contains(.nonblocking),
      writes: writes,
      wantsBlockDevice: blockDevice,
      blockSize: blockSize,
      quiet: request.requestFlags.contains(.quiet),
      loop: request.requestFlags.contains(.loop)
        ? LoopPlan(openFlags: openFlags, blockSize: blockSize) : nil,
      needsReadOnlyClone: readOnly)
  }

  /// Judges what the path turned out to be, before a descriptor that can be read leaves the helper.
  /// - Throws: `ENOTBLK` for BDEV on anything but a block device, or a regular file that gets a loop
  ///   device, `EISDIR`, `ELOOP` for a link that
  ///   was not to be followed, `EACCES` for other special files, for the kernel's own, and for the
  ///   block size of a device that is only read.
  public func judgeFile(_ file: OpenedFile, plan: OpenPlan) throws(Refusal) {
    let getsLoopDevice = plan.loop != nil && file.kind == .regular
    if plan.wantsBlockDevice, file.kind != .blockDevice, !getsLoopDevice {
      throw .notBlockDevice(plan.path, kind: file.kind)
    }
    // It is the device's, for everybody who has it open, and lasts beyond this mount. A loop device
    // is this server's alone.
    let accessMode = HostOpenFlags(rawValue: plan.openFlags).intersection(.accessMode)
    guard plan.blockSize == 0 || !accessMode.isEmpty || getsLoopDevice else {
      throw .blockSizeNeedsWriting(plan.path)
    }
    switch file.kind {
    case .regular, .blockDevice:
      guard !FileSystemMagic.isKernelMade(file.fileSystemMagic) else {
        throw .kernelMadeFile(plan.path, fileSystemMagic: file.fileSystemMagic)
      }
    case .directory:
      throw .fileIsDirectory(plan.path)
    case .symbolicLink:
      throw .fileIsSymbolicLink(plan.path)
    case .fifo, .socket, .characterDevice, .other:
      throw .specialFile(plan.path, kind: file.kind)
    }
  }
}

/// Block sizes in bytes, for BLKBSZSET and `blksize=`.
public enum BlockSize {
  /// Whether some kernel takes `size`: a power of two from a sector to 64 KiB. The kernel that runs
  /// may refuse more.
  public static func isPossible(_ size: UInt32) -> Bool {
    size >= 512 && size <= 65_536 && size & (size - 1) == 0
  }
}
