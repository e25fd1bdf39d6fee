// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// One option of the superblock, as `fsconfig(2)` takes it.
public enum SuperblockParameter: Equatable, Sendable {
  /// A word without a value (`FSCONFIG_SET_FLAG`).
  case flag([UInt8])
  /// A key with a value (`FSCONFIG_SET_STRING`).
  case value(key: [UInt8], value: [UInt8])

  /// The option's name.
  public var key: [UInt8] {
    switch self {
    case .flag(let key), .value(let key, _): return key
    }
  }
}

/// The superblock options that a server asked for (OPTS), read by an allowlist.
public struct SuperblockOptions: Equatable, Sendable {
  /// What the kernel is given, in the server's order, each at most once: of numbers the last one.
  public private(set) var parameters: [SuperblockParameter] = []
  /// The flags among the words.
  public private(set) var flags: MountFlags = []
  /// Whether `blksize=` is among them, which only fuseblk knows.
  public private(set) var setsBlockSize = false

  /// The longest value that `fsconfig(2)` takes, in bytes.
  static let longestValue = 255

  /// Reads a list as the server sent it.
  /// - Throws: `EPERM` for `allow_other` without permission and for LSM contexts of users; `EINVAL`
  ///   for everything that is not on the list.
  public init(
    _ list: [UInt8], caller: Caller, configuration: FuseConfiguration
  ) throws(Refusal) {
    for word in try OptionList.words(ofServerList: list) {
      let (key, value) = OptionList.keyAndValue(word)
      if let value {
        try take(key: key, value: value, word: word, caller: caller)
      } else {
        try take(
          flag: word, mayAllowOther: caller.isRoot || configuration.userAllowOther)
      }
    }
  }

  private mutating func take(flag word: [UInt8], mayAllowOther: Bool) throws(Refusal) {
    if word == "default_permissions" || word == "allow_other" {
      guard word == "default_permissions" || mayAllowOther else {
        throw .allowOtherNotPermitted
      }
      if !parameters.contains(.flag(word)) { parameters.append(.flag(word)) }
      return
    }
    if let entry = MountFlagWord.find(word, in: MountFlagWord.restricting) {
      flags.formUnion(entry.sets)
      return
    }
    // `rw` and its kin ask for nothing: they take back neither the caller's words nor the server's.
    if MountFlagWord.find(word, in: MountFlagWord.relaxing) != nil { return }
    if MountFlagWord.find(word, in: MountFlagWord.privileged) != nil {
      throw .optionOnlyForCaller(word)
    }
    throw SuperblockOptions.isHelpers(word) ? .optionOfHelper(word) : .unknownOption(word)
  }

  private mutating func take(
    key: [UInt8], value: [UInt8], word: [UInt8], caller: Caller
  ) throws(Refusal) {
    guard !SuperblockOptions.isHelpers(key) else { throw .optionOfHelper(word) }
    let taken: [UInt8]
    if key == "max_read" {
      // Written anew: to the kernel, a leading 0 would make it octal.
      guard let size = decimal(value) else { throw .badOptionValue(word) }
      taken = digits(UInt64(size))
    } else if key == "blksize" {
      guard let size = decimal(value), BlockSize.isPossible(size) else {
        throw .badOptionValue(word)
      }
      setsBlockSize = true
      taken = digits(UInt64(size))
    } else if SuperblockOptions.securityContexts.hasWord(key) {
      guard caller.isRoot else { throw .securityContextNeedsRoot(word) }
      let context = OptionList.unquoted(value) ?? value
      guard SuperblockOptions.isSecurityContext(context) else { throw .badOptionValue(word) }
      taken = context
    } else {
      throw .unknownOption(word)
    }
    guard let index = parameters.firstIndex(where: { $0.key == key }) else {
      parameters.append(.value(key: key, value: taken))
      return
    }
    // libfuse's servers hand on what the caller wrote, and a caller may write a limit again. Of two
    // contexts the security module would have to choose.
    guard !SuperblockOptions.securityContexts.hasWord(key) else { throw .repeatedOption(word) }
    parameters[index] = .value(key: key, value: taken)
  }

  /// A context that stays one value for every reader: no quote, backslash, `=`, white space or
  /// control byte. Commas occur in it, between categories.
  private static func isSecurityContext(_ value: [UInt8]) -> Bool {
    !value.isEmpty && value.count <= longestValue
      && value.allSatisfy {
        $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
          && $0 != UInt8(ascii: "=")
      }
  }

  private static let securityContexts: StaticString = "context fscontext defcontext rootcontext"

  /// Whether the helper alone sets this option: with another value it would change whose mount it
  /// is, or which descriptor serves it.
  private static func isHelpers(_ key: [UInt8]) -> Bool { helpersOptions.hasWord(key) }

  private static let helpersOptions: StaticString =
    "fd rootmode user_id group_id source subtype"
}
