// SPDX-License-Identifier: LGPL-2.1-or-later

/// What the caller's `-o` asks of the helper itself. All words travel to the server as well; these
/// hold whatever the server makes of them.
public struct CallerOptions: Equatable, Sendable {
  /// The flags that the caller asked for. Of opposites the last one counts.
  public private(set) var flags: MountFlags = []
  /// Whether a root caller wrote `suid`, and no `nosuid` after it.
  public private(set) var allowsSetID = false
  /// Whether a root caller wrote `dev`, and no `nodev` after it.
  public private(set) var allowsDevices = false
  /// The values of `key=value` words: files that the server may ask for. A value in double quotes
  /// stands here with and without them, because servers differ in how they read it.
  public private(set) var namedValues: [[UInt8]] = []
  /// The `x-…` words in their order, for utab.
  public private(set) var userspaceOptions: [[UInt8]] = []
  /// `x-fuse-service.timeout=`: how long to wait between packets, in seconds.
  public private(set) var serviceTimeout: UInt32?

  /// Whether the mount and all its files are to be read-only.
  public var readOnly: Bool { flags.contains(.readOnly) }

  /// Reads the words of all `-o` arguments in their order, `-r` already turned into `ro`.
  /// - Throws: `badTimeout`, `unrecordableOption`, `unrecordableOptionsTooLong`.
  public init(words: [[UInt8]], caller: Caller) throws(Refusal) {
    for word in words {
      takeFlag(word, caller: caller)
      let (key, value) = OptionList.keyAndValue(word)
      if let value, !value.isEmpty {
        namedValues.append(value)
        if let inner = OptionList.unquoted(value), !inner.isEmpty { namedValues.append(inner) }
      }
      guard key.begins(with: ascii("x-")) else { continue }
      if key == ascii("x-fuse-service.timeout") {
        guard let value, let seconds = decimal(value), seconds > 0 else { throw .badTimeout(word) }
        serviceTimeout = seconds
      }
      guard UserspaceOptions.isRecordable(word) else { throw .unrecordableOption(word) }
      userspaceOptions.append(word)
    }
    guard UserspaceOptions.length(of: userspaceOptions) <= UserspaceOptions.maximumLength else {
      throw .userspaceOptionsTooLong
    }
  }

  private mutating func takeFlag(_ word: [UInt8], caller: Caller) {
    let lists = [MountFlagWord.restricting, MountFlagWord.relaxing, MountFlagWord.privileged]
    for list in lists {
      guard let entry = MountFlagWord.find(word, in: list) else { continue }
      flags.subtract(entry.clears)
      flags.formUnion(entry.sets)
      // A user's `suid` and `dev` are ignored, not refused: mount.fuse3 adds both to everything.
      if entry.sets.contains(.noSetID) { allowsSetID = false }
      if entry.sets.contains(.noDevices) { allowsDevices = false }
      if entry.clears.contains(.noSetID) { allowsSetID = caller.isRoot }
      if entry.clears.contains(.noDevices) { allowsDevices = caller.isRoot }
    }
  }

  /// Whether a word is one of mount(8)'s own, which never reaches the server when the helper is
  /// called by mount(8)'s convention.
  ///
  /// These are the words that libmount handles itself or keeps for fstab(5) and utab. `ro`, `rw` and
  /// their kin are not among them: servers act on those.
  public static func isMountCommandOption(_ word: [UInt8]) -> Bool {
    if word.begins(with: ascii("x-")) || word.begins(with: ascii("X-")) { return true }
    let (key, value) = OptionList.keyAndValue(word)
    return (value == nil ? plainMountCommandWords : valuedMountCommandWords).contains(key)
  }

  private static let plainMountCommandWords: [[UInt8]] = [
    ascii("defaults"), ascii("auto"), ascii("noauto"), ascii("user"), ascii("nouser"),
    ascii("users"), ascii("nousers"), ascii("owner"), ascii("noowner"), ascii("group"),
    ascii("nogroup"), ascii("nofail"), ascii("_netdev"), ascii("comment"),
  ]

  private static let valuedMountCommandWords: [[UInt8]] = [
    ascii("user"), ascii("comment"), ascii("uhelper"), ascii("helper"),
  ]
}
