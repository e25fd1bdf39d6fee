// SPDX-License-Identifier: LGPL-2.1-or-later

/// What is known of the pinned mount point.
public struct MountPointFacts: Equatable, Sendable {
  /// What it is.
  public var kind: FileKind
  /// `st_mode`.
  public var mode: UInt32
  /// `st_uid`.
  public var owner: UInt32
  /// Whether the caller may write to it: faccessat(2) with `W_OK` by the caller's own rights.
  public var writableByCaller: Bool
  /// `f_type` of the file system that it is on.
  public var fileSystemMagic: UInt64

  /// Facts as fstat(2), faccessat(2) and fstatfs(2) gave them; the kind is in `mode`.
  public init(mode: UInt32, owner: UInt32, writableByCaller: Bool, fileSystemMagic: UInt64) {
    kind = FileKind(mode: mode)
    self.mode = mode
    self.owner = owner
    self.writableByCaller = writableByCaller
    self.fileSystemMagic = fileSystemMagic
  }
}

/// Where the caller may mount.
public enum MountPointRules {
  private static let sticky: UInt32 = 0o1000

  /// Whether a user may mount over something on a file system with this `f_type`.
  public static func fileSystemAllowed(magic: UInt64) -> Bool {
    FileSystemMagic.isFitForUserMounts(magic)
  }

  /// Judges the pinned mount point.
  /// - Throws: `EACCES` for what is neither a directory nor a regular file; for users `EPERM` for
  ///   what they cannot write to, a sticky directory of someone else, or a kind of file system that
  ///   is not on the list.
  public static func judge(_ point: MountPointFacts, caller: Caller) throws(Refusal) {
    guard point.kind == .directory || point.kind == .regular else {
      throw .mountPointIsSpecial(kind: point.kind)
    }
    if caller.isRoot { return }
    // Anyone may write to /tmp, but only its owner decides what covers it.
    guard
      point.kind == .regular || point.mode & sticky == 0 || point.owner == caller.userID
    else {
      throw .mountPointIsSticky
    }
    guard point.writableByCaller else { throw .mountPointNotWritable }
    guard fileSystemAllowed(magic: point.fileSystemMagic) else {
      throw .mountPointFileSystem(magic: point.fileSystemMagic)
    }
  }

  /// Judges MNTP: `path` as the server sent it against `operand`, the caller's mount point, which
  /// is of `kind`.
  /// - Throws: `EINVAL` for another path or an unknown format, `EACCES` for a special file,
  ///   `ENOTDIR` and `EISDIR` when it has not the format that the server expects.
  public static func judge(
    path: [UInt8], expectedFormat: UInt16, operand: [UInt8], kind: FileKind
  ) throws(Refusal) {
    guard path == operand else { throw .notTheMountPoint(path) }
    guard expectedFormat == 0 || expectedFormat == 0o040000 || expectedFormat == 0o100000 else {
      throw .unknownExpectedFormat(expectedFormat)
    }
    guard kind == .directory || kind == .regular else { throw .mountPointIsSpecial(kind: kind) }
    if expectedFormat == 0o040000, kind != .directory { throw .mountPointIsNoDirectory }
    if expectedFormat == 0o100000, kind != .regular { throw .mountPointIsDirectory }
  }
}
