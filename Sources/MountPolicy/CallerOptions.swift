// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// What the caller's `-o` asks of the helper itself. It holds whatever the server makes of the words
/// that travel to it.
public struct CallerOptions: Equatable, Sendable {
  /// The flags that the caller asked for. Of opposites the last one counts, where all readers see
  /// it.
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
  /// `fuse-service.timeout=` or `x-fuse-service.timeout=`: how long each step may take, in seconds.
  /// The latter works on the helper's own command line only: mount(8) keeps every `x-` word, and
  /// calls its helpers without.
  public private(set) var serviceTimeout: UInt32?

  /// Whether the mount and all its files are to be read-only.
  public var readOnly: Bool { flags.contains(.readOnly) }

  /// Reads the caller's options.
  ///
  /// - Parameters:
  ///   - arguments: all `-o` arguments in their order, as they travel to the server, `-r` already
  ///     turned into `ro`. What some server may read in them as a restriction is one, and what some
  ///     server may read as something else loosens nothing; see `OptionList.pieces(ofArgument:)`.
  ///   - ownWords: words that do not travel.
  /// - Throws: `badTimeout`, `unrecordableOption`, `unrecordableOptionsTooLong`.
  public init(
    arguments: [[UInt8]], ownWords: [[UInt8]] = [], caller: Caller
  ) throws(Refusal) {
    for word in ownWords { try takeOwn(word) }
    for argument in arguments {
      for piece in OptionList.pieces(ofArgument: argument) { takeFlag(piece, caller: caller) }
      for word in OptionList.words(ofArgument: argument) {
        takeName(word)
        try takeOwn(word)
      }
    }
    guard UserspaceOptions.length(of: userspaceOptions) <= UserspaceOptions.maximumLength else {
      throw .userspaceOptionsTooLong
    }
  }

  /// A file that the server may ask for, because the caller wrote its name.
  private mutating func takeName(_ word: [UInt8]) {
    guard let value = OptionList.keyAndValue(word).value, !value.isEmpty else { return }
    namedValues.append(value)
    if let inner = OptionList.unquoted(value), !inner.isEmpty { namedValues.append(inner) }
  }

  /// What the word means to the helper, the mount's flags apart.
  private mutating func takeOwn(_ word: [UInt8]) throws(Refusal) {
    if CallerOptions.isTimeout(word) {
      guard let value = OptionList.keyAndValue(word).value, let seconds = decimal(value),
        seconds > 0
      else { throw .badTimeout(word) }
      serviceTimeout = seconds
    }
    guard word.begins(with: "x-") else { return }
    guard UserspaceOptions.isRecordable(word) else { throw .unrecordableOption(word) }
    userspaceOptions.append(word)
  }

  /// The flags that guard something, rather than saying how it is done.
  private static let protecting: MountFlags = [
    .readOnly, .noSetID, .noDevices, .noExecution, .noSymbolicLinks,
  ]

  private mutating func takeFlag(_ piece: OptionList.Piece, caller: Caller) {
    for reading in piece.readings {
      // libfuse looks for its options in a list and outside of it alike (fuse_opt_parse(3)).
      if reading == "-r" { flags.insert(.readOnly) }
      let (key, value) = OptionList.keyAndValue(reading)
      guard let entry = MountFlagWord.find(key, in: MountFlagWord.restricting) else { continue }
      // getsubopt(3) and libmount (`ro=vfs`) take a value with such a word; `sync=` and the like may
      // be a server's own.
      guard value == nil || entry.sets.isSubset(of: CallerOptions.protecting) else { continue }
      if piece.isCertain { flags.subtract(entry.clears) }
      flags.formUnion(entry.sets)
      // A user's `suid` and `dev` are ignored, not refused: mount.fuse3 adds both to everything.
      if entry.sets.contains(.noSetID) { allowsSetID = false }
      if entry.sets.contains(.noDevices) { allowsDevices = false }
    }
    guard piece.isCertain, let word = piece.readings.first else { return }
    for list in [MountFlagWord.relaxing, MountFlagWord.privileged] {
      guard let entry = MountFlagWord.find(word, in: list) else { continue }
      flags.subtract(entry.clears)
      if entry.clears.contains(.noSetID) { allowsSetID = caller.isRoot }
      if entry.clears.contains(.noDevices) { allowsDevices = caller.isRoot }
    }
  }

  /// Whether a word sets the helper's clock. It is the helper's alone: servers refuse words that
  /// they do not know.
  public static func isTimeout(_ word: [UInt8]) -> Bool {
    let key = OptionList.keyAndValue(word).key
    return key == "fuse-service.timeout" || key == "x-fuse-service.timeout"
  }

  /// Whether a word is one of mount(8)'s own, which never reaches the server when the helper is
  /// called by mount(8)'s convention.
  ///
  /// These are the words that libmount handles itself or keeps for fstab(5) and utab. `ro`, `rw` and
  /// their kin are not among them: servers act on those.
  public static func isMountCommandOption(_ word: [UInt8]) -> Bool {
    if word.begins(with: "x-") || word.begins(with: "X-") { return true }
    let (key, value) = OptionList.keyAndValue(word)
    return (value == nil ? plainMountCommandWords : valuedMountCommandWords).hasWord(key)
  }

  private static let plainMountCommandWords: StaticString =
    "defaults auto noauto user nouser users nousers owner noowner group nogroup nofail _netdev comment"

  private static let valuedMountCommandWords: StaticString = "user comment uhelper helper"
}
