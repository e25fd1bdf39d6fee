// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// The `MS_*` flags of mount(2) that only restrict; nothing else ever reaches the kernel.
public struct MountFlags: OptionSet, Equatable, Sendable {
  /// The bits as mount(2) takes them.
  public let rawValue: UInt32

  /// Wraps bits as mount(2) takes them.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// `MS_RDONLY`: no writing.
  public static let readOnly = MountFlags(rawValue: 1 << 0)
  /// `MS_NOSUID`: no set-id bits and no file capabilities.
  public static let noSetID = MountFlags(rawValue: 1 << 1)
  /// `MS_NODEV`: no device nodes.
  public static let noDevices = MountFlags(rawValue: 1 << 2)
  /// `MS_NOEXEC`: no programs.
  public static let noExecution = MountFlags(rawValue: 1 << 3)
  /// `MS_SYNCHRONOUS`: every write goes through at once.
  public static let synchronous = MountFlags(rawValue: 1 << 4)
  /// `MS_DIRSYNC`: every change of a directory goes through at once.
  public static let synchronousDirectories = MountFlags(rawValue: 1 << 7)
  /// `MS_NOSYMFOLLOW`: no symbolic links.
  public static let noSymbolicLinks = MountFlags(rawValue: 1 << 8)
  /// `MS_NOATIME`: no access times.
  public static let noAccessTime = MountFlags(rawValue: 1 << 10)
  /// `MS_NODIRATIME`: no access times of directories.
  public static let noDirectoryAccessTime = MountFlags(rawValue: 1 << 11)
  /// `MS_RELATIME`: access times once a day, or after a change.
  public static let relativeAccessTime = MountFlags(rawValue: 1 << 21)
  /// `MS_STRICTATIME`: access times at every access.
  public static let strictAccessTime = MountFlags(rawValue: 1 << 24)

  /// All that DOIT takes. Any other bit (bind, move, remount, propagation, unknown) would make
  /// mount(2) do something else than a new mount.
  public static let serverMayAsk: MountFlags = [
    .readOnly, .noSetID, .noDevices, .noExecution, .synchronous, .synchronousDirectories,
    .noSymbolicLinks, .noAccessTime, .noDirectoryAccessTime, .relativeAccessTime, .strictAccessTime,
  ]

  /// Of these the kernel follows one.
  static let accessTimes: MountFlags = [.noAccessTime, .relativeAccessTime, .strictAccessTime]

  /// The flags with at most one of `accessTimes`: the one that mount(2) would follow, so that both
  /// engines make the same mount.
  var withOneAccessTime: MountFlags {
    if contains(.strictAccessTime) {
      return subtracting([.noAccessTime, .relativeAccessTime])
    }
    return contains(.noAccessTime) ? subtracting(.relativeAccessTime) : self
  }

  /// The flags in the words of mount(8).
  public var words: [[UInt8]] {
    MountFlagWord.restricting.filter { contains($0.sets) }.map { text($0.word) }
  }

  /// The flags that belong to the superblock, in the words of `fsconfig(2)`'s `FSCONFIG_SET_FLAG`.
  /// `ro` is needed here as well as among the mount attributes.
  public var superblockWords: [[UInt8]] {
    intersection([.readOnly, .synchronous, .synchronousDirectories]).words
  }

  /// The flags that belong to the mount, as `MOUNT_ATTR_*` of `fsmount(2)`.
  public var mountAttributes: UInt64 {
    var attributes: UInt64 = 0
    if contains(.readOnly) { attributes |= 0x1 }
    if contains(.noSetID) { attributes |= 0x2 }
    if contains(.noDevices) { attributes |= 0x4 }
    if contains(.noExecution) { attributes |= 0x8 }
    // MOUNT_ATTR__ATIME is a number, not a set of bits; 0 is MOUNT_ATTR_RELATIME.
    if contains(.strictAccessTime) {
      attributes |= 0x20
    } else if contains(.noAccessTime) {
      attributes |= 0x10
    }
    if contains(.noDirectoryAccessTime) { attributes |= 0x80 }
    if contains(.noSymbolicLinks) { attributes |= 0x20_0000 }
    return attributes
  }

  /// The flags as `mount(2)` takes them.
  public var mountSyscallFlags: UInt { UInt(rawValue) }
}

/// A generic option of mount(8) and what it does to the flags.
struct MountFlagWord {
  var word: StaticString
  /// What the word asks for.
  var sets: MountFlags
  /// What it takes back of words before it.
  var clears: MountFlags

  private init(_ word: StaticString, sets: MountFlags = [], clears: MountFlags = []) {
    self.word = word
    self.sets = sets
    self.clears = clears
  }

  /// Words that ask for a flag.
  static let restricting: [MountFlagWord] = [
    MountFlagWord("ro", sets: .readOnly),
    MountFlagWord("nosuid", sets: .noSetID),
    MountFlagWord("nodev", sets: .noDevices),
    MountFlagWord("noexec", sets: .noExecution),
    MountFlagWord("sync", sets: .synchronous),
    MountFlagWord("dirsync", sets: .synchronousDirectories),
    MountFlagWord("noatime", sets: .noAccessTime, clears: MountFlags.accessTimes),
    MountFlagWord("nodiratime", sets: .noDirectoryAccessTime),
    MountFlagWord("relatime", sets: .relativeAccessTime, clears: MountFlags.accessTimes),
    MountFlagWord("strictatime", sets: .strictAccessTime, clears: MountFlags.accessTimes),
    MountFlagWord("nosymfollow", sets: .noSymbolicLinks),
  ]

  /// Words that take a flag back and mean what the kernel does anyway.
  static let relaxing: [MountFlagWord] = [
    MountFlagWord("rw", clears: .readOnly),
    MountFlagWord("exec", clears: .noExecution),
    MountFlagWord("async", clears: .synchronous),
    MountFlagWord("atime", clears: .noAccessTime),
    MountFlagWord("diratime", clears: .noDirectoryAccessTime),
    MountFlagWord("norelatime", clears: .relativeAccessTime),
    MountFlagWord("nostrictatime", clears: .strictAccessTime),
    MountFlagWord("symfollow", clears: .noSymbolicLinks),
  ]

  /// Words that only root may have.
  static let privileged: [MountFlagWord] = [
    MountFlagWord("suid", clears: .noSetID),
    MountFlagWord("dev", clears: .noDevices),
  ]

  /// The entry of `list` for `word`.
  static func find(_ word: [UInt8], in list: [MountFlagWord]) -> MountFlagWord? {
    list.first { word == $0.word }
  }
}
