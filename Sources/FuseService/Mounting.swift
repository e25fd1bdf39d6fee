// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountProtocol

/// The flags of DOIT that a helper takes: `MS_*` of `mount(2)`. All restrict the mount.
public struct FuseMountFlags: OptionSet, Sendable {
  /// The bits as `mount(2)` has them.
  public let rawValue: UInt32

  /// Wraps `MS_*` bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Read-only (`MS_RDONLY`).
  public static let readOnly = FuseMountFlags(rawValue: 1 << 0)
  /// No set-id programs (`MS_NOSUID`).
  public static let noSetId = FuseMountFlags(rawValue: 1 << 1)
  /// No device nodes (`MS_NODEV`).
  public static let noDevices = FuseMountFlags(rawValue: 1 << 2)
  /// No programs (`MS_NOEXEC`).
  public static let noExecute = FuseMountFlags(rawValue: 1 << 3)
  /// Write synchronously (`MS_SYNCHRONOUS`).
  public static let synchronous = FuseMountFlags(rawValue: 1 << 4)
  /// Change directories synchronously (`MS_DIRSYNC`).
  public static let synchronousDirectories = FuseMountFlags(rawValue: 1 << 7)
  /// Follow no symbolic links (`MS_NOSYMFOLLOW`).
  public static let noSymbolicLinks = FuseMountFlags(rawValue: 1 << 8)
  /// Do not change access times (`MS_NOATIME`).
  public static let noAccessTimes = FuseMountFlags(rawValue: 1 << 10)
  /// Do not change directories' access times (`MS_NODIRATIME`).
  public static let noDirectoryAccessTimes = FuseMountFlags(rawValue: 1 << 11)
  /// Change access times now and then (`MS_RELATIME`).
  public static let relativeAccessTimes = FuseMountFlags(rawValue: 1 << 21)
  /// Always change access times (`MS_STRICTATIME`).
  public static let strictAccessTimes = FuseMountFlags(rawValue: 1 << 24)
}

/// What a server wants mounted.
public struct MountParameters: Equatable, Sendable {
  /// Mount as `fuseblk` instead of `fuse`.
  public var fuseblk: Bool
  /// The mount's source, as `/proc/self/mountinfo` will show it.
  public var source: [UInt8]
  /// Superblock options of FUSE, comma-separated, such as `default_permissions,max_read=65536`;
  /// empty for none.
  public var superblockOptions: [UInt8]
  /// Options for the mount table, comma-separated, such as `x-gvfs-hide`; empty for none.
  public var userspaceOptions: [UInt8]
  /// The mount point, byte for byte as it stands on the command line.
  public var mountPoint: [UInt8]
  /// The mount's flags.
  public var flags: FuseMountFlags

  /// Parameters of a `fuse` mount without options, with neither set-id programs nor devices.
  public init(
    fuseblk: Bool = false, source: [UInt8], superblockOptions: [UInt8] = [],
    userspaceOptions: [UInt8] = [], mountPoint: [UInt8],
    flags: FuseMountFlags = [.noSetId, .noDevices]
  ) {
    self.fuseblk = fuseblk
    self.source = source
    self.superblockOptions = superblockOptions
    self.userspaceOptions = userspaceOptions
    self.mountPoint = mountPoint
    self.flags = flags
  }
}

/// The format that a mount point must have.
public enum MountFormat: UInt16, Equatable, Sendable {
  /// A directory or a regular file.
  case any = 0
  /// A directory (`S_IFDIR`).
  case directory = 0o040000
  /// A regular file (`S_IFREG`).
  case regularFile = 0o100000
}

extension FuseServiceConnection {
  /// Makes the helper refuse a mount point of another format than the mount's root will have. To be
  /// called before `mount(_:)`; without it any will do.
  public mutating func expectMountFormat(_ format: MountFormat) {
    expectedFormat = format.rawValue
  }

  /// Has the helper make the mount: `describe(_:)`, `startMount(_:)` and `finishMount()` in one.
  ///
  /// When it returns, the kernel has sent or will send FUSE_INIT, but the mount need not be visible
  /// in any directory before the goodbye. To be called once, when everything else that can fail is
  /// done; only last words and the goodbye follow.
  ///
  /// - Throws: `refused` with the command and the helper's reason; `unsendableString` before
  ///   anything has been sent.
  public mutating func mount(_ parameters: MountParameters) throws(FuseServiceError) {
    try describe(parameters)
    try startMount(parameters.flags)
    try finishMount()
  }

  /// Tells the helper what is to be mounted where: TYPE, NAME, MNTP, and if there are any OPTS and
  /// MTAB. The helper answers each, so that what it refuses is known before there is a mount.
  ///
  /// - Throws: as `mount(_:)`.
  public mutating func describe(_ parameters: MountParameters) throws(FuseServiceError) {
    var commands: [Command] = [
      .filesystemContext(parameters.fuseblk ? .fuseblk : []),
      .source(parameters.source),
      .mountPoint(expectedFormat: expectedFormat, path: parameters.mountPoint),
    ]
    if !parameters.superblockOptions.isEmpty {
      commands.append(.superblockOptions(parameters.superblockOptions))
    }
    if !parameters.userspaceOptions.isEmpty {
      commands.append(.userspaceOptions(parameters.userspaceOptions))
    }
    guard !parameters.source.isEmpty, !parameters.mountPoint.isEmpty,
      commands.allSatisfy(isSendable)
    else { throw .unsendableString }
    for command in commands {
      let deadline = Deadline.after(seconds: timeouts.reply)
      try socket.sendPacket(command.encoded(), until: deadline)
      try socket.receiveSimpleReply(to: command.magic, until: deadline)
    }
  }

  /// Asks for the mount that was described (DOIT), without waiting for it. For a server that has to
  /// watch something else meanwhile: `socketNumber` becomes readable when the answer is there.
  ///
  /// A server that has told the kernel to wait for its answer to FUSE_INIT
  /// (`FUSE_DEV_IOC_SYNC_INIT`, kernel 6.18) has to give it before the helper can answer.
  ///
  /// - Throws: `helperGone` and `helperSilent`, among others.
  public mutating func startMount(_ flags: FuseMountFlags) throws(FuseServiceError) {
    try socket.sendPacket(
      Command.mount(flags: flags.rawValue).encoded(), until: .after(seconds: timeouts.reply))
  }

  /// Waits for what became of `startMount(_:)`.
  ///
  /// - Throws: `refused` with the helper's reason, among others.
  public mutating func finishMount() throws(FuseServiceError) {
    try socket.receiveSimpleReply(to: .mount, until: .after(seconds: timeouts.reply))
  }
}

/// Whether a command that this side made reads as the same command on the other.
private func isSendable(_ command: Command) -> Bool {
  guard let read = try? Command(decoding: command.encoded()) else { return false }
  return read == command
}
