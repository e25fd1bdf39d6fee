// SPDX-License-Identifier: LGPL-2.1-or-later

public import MountProtocol

/// All that is decided about a mount, from what the caller wrote and what the server asks.
///
/// The worker judges each command as it comes, for the reply. The monitor judges the whole request
/// again with `plan(for:)` and trusts nothing that the worker says about it.
public struct MountRules: Equatable, Sendable {
  private let caller: Caller
  private let configuration: FuseConfiguration
  private let options: CallerOptions
  private let subtype: [UInt8]
  private let namedFiles: NamedFiles
  private let mountPoint: [UInt8]

  /// Rules for one run of the helper. `mountPoint` is the operand as typed.
  public init(
    caller: Caller, configuration: FuseConfiguration, options: CallerOptions, subtype: [UInt8],
    namedFiles: NamedFiles, mountPoint: [UInt8]
  ) {
    self.caller = caller
    self.configuration = configuration
    self.options = options
    self.subtype = subtype
    self.namedFiles = namedFiles
    self.mountPoint = mountPoint
  }

  /// What the hello tells the server about the caller.
  public var helloFlags: HelloFlags {
    if caller.isRoot { return [.allowOther, .fuseblk] }
    return configuration.userAllowOther ? .allowOther : []
  }

  /// The rules for the files that the server asks for.
  public var openRules: OpenRules {
    OpenRules(namedFiles: namedFiles, readOnly: options.readOnly, caller: caller)
  }

  /// Judges a loop device that the worker wants for a file.
  /// - Throws: `EACCES` for one to be written to, when the caller said `ro`.
  public func judge(_ loop: LoopPlan) throws(ErrorNumber) {
    guard loop.isReadOnly || !options.readOnly else { throw .permissionDenied }
  }

  /// Judges TYPE.
  /// - Throws: `EINVAL` for unknown bits, `EPERM` for fuseblk by a user.
  public func judge(contextFlags: FilesystemContextFlags) throws(Refusal) {
    let unknown = contextFlags.subtracting(.fuseblk)
    guard unknown.isEmpty else { throw .unknownContextFlags(unknown.rawValue) }
    guard !contextFlags.contains(.fuseblk) || caller.isRoot else { throw .fuseblkNeedsRoot }
  }

  /// Judges NAME; see `SourceName`.
  public func judge(source: [UInt8]) throws(Refusal) {
    try SourceName.judge(source, namedFiles: namedFiles)
  }

  /// Judges OPTS; see `SuperblockOptions`.
  public func judge(superblockOptions: [UInt8]) throws(Refusal) {
    _ = try SuperblockOptions(superblockOptions, caller: caller, configuration: configuration)
  }

  /// Judges MTAB, which is never refused: the result says what will not be recorded.
  public func judge(userspaceOptions: [UInt8]) -> [UserspaceOptionWarning] {
    UserspaceOptions(userspaceOptions).warnings
  }

  /// Judges MNTP for a mount point of `kind`; see `MountPointRules`.
  public func judge(
    mountPoint path: [UInt8], expectedFormat: UInt16, kind: FileKind
  ) throws(Refusal) {
    try MountPointRules.judge(
      path: path, expectedFormat: expectedFormat, operand: mountPoint, kind: kind)
  }

  /// Judges the flags of DOIT.
  /// - Throws: `EINVAL` for any bit that does more, or other, than restrict a new mount.
  public func judge(mountFlags: UInt32) throws(Refusal) {
    let refused = mountFlags & ~MountFlags.serverMayAsk.rawValue
    guard refused == 0 else { throw .mountFlagsNotAllowed(refused) }
  }

  /// Judges a whole request, what depends on two commands included, and says what to mount.
  public func plan(for request: MountRequest) throws(Refusal) -> MountPlan {
    try judge(contextFlags: request.fuseblk ? .fuseblk : [])
    try judge(source: request.source)
    try judge(mountFlags: request.flags)
    let superblock = try SuperblockOptions(
      request.superblockOptions ?? [], caller: caller, configuration: configuration)
    guard !superblock.setsBlockSize || request.fuseblk else { throw .blockSizeNeedsFuseblk }
    // The kernel opens a fuseblk's source by its path, as root: it must be one that root wrote.
    guard !request.fuseblk || namedFiles.contains(request.source) else {
      throw .fuseblkSourceNotNamed(request.source)
    }
    return MountPlan(
      subtype: subtype,
      source: request.source,
      fuseblk: request.fuseblk,
      flags: flags(server: MountFlags(rawValue: request.flags).union(superblock.flags)),
      parameters: superblock.parameters,
      userspaceWords: recordedWords(request.userspaceOptions))
  }

  /// What holds for the mount. Flags add up, but for access times, where the caller's word counts.
  private func flags(server: MountFlags) -> MountFlags {
    var flags = server
    if !options.flags.isDisjoint(with: MountFlags.accessTimes) {
      flags.subtract(MountFlags.accessTimes)
    }
    flags.formUnion(options.flags)
    if !options.allowsSetID { flags.insert(.noSetID) }
    if !options.allowsDevices { flags.insert(.noDevices) }
    return flags.withOneAccessTime
  }

  /// The caller's `x-…` words and then the server's, each once.
  private func recordedWords(_ list: [UInt8]?) -> [[UInt8]] {
    let server = UserspaceOptions(list ?? [])
    if server.recordsNothing { return [] }
    var words: [[UInt8]] = []
    for word in options.userspaceOptions + server.words where !words.contains(word) {
      words.append(word)
    }
    return words
  }
}
