// SPDX-License-Identifier: LGPL-2.1-or-later

extension FuseMountFlags {
  /// Sets or clears what a word of `-o` stands for, such as `ro` or `dev`.
  ///
  /// - Returns: `false` when the word stands for no flag.
  public mutating func apply(_ word: [UInt8]) -> Bool {
    guard let found = flagWords.first(where: { word.elementsEqual($0.word.utf8) }) else {
      return false
    }
    if found.sets { insert(found.flag) } else { remove(found.flag) }
    return true
  }
}

/// A word of `-o` that sets or clears one of the mount's flags.
private struct FlagWord {
  let word: String
  let flag: FuseMountFlags
  let sets: Bool
}

/// The words that libfuse's servers turn into flags of DOIT, and their opposites.
private var flagWords: [FlagWord] {
  [
    FlagWord(word: "ro", flag: .readOnly, sets: true),
    FlagWord(word: "rw", flag: .readOnly, sets: false),
    FlagWord(word: "nosuid", flag: .noSetId, sets: true),
    FlagWord(word: "suid", flag: .noSetId, sets: false),
    FlagWord(word: "nodev", flag: .noDevices, sets: true),
    FlagWord(word: "dev", flag: .noDevices, sets: false),
    FlagWord(word: "noexec", flag: .noExecute, sets: true),
    FlagWord(word: "exec", flag: .noExecute, sets: false),
    FlagWord(word: "sync", flag: .synchronous, sets: true),
    FlagWord(word: "nosync", flag: .synchronous, sets: false),
    FlagWord(word: "async", flag: .synchronous, sets: false),
    FlagWord(word: "dirsync", flag: .synchronousDirectories, sets: true),
    FlagWord(word: "nosymfollow", flag: .noSymbolicLinks, sets: true),
    FlagWord(word: "symfollow", flag: .noSymbolicLinks, sets: false),
    FlagWord(word: "noatime", flag: .noAccessTimes, sets: true),
    FlagWord(word: "atime", flag: .noAccessTimes, sets: false),
    FlagWord(word: "nodiratime", flag: .noDirectoryAccessTimes, sets: true),
    FlagWord(word: "diratime", flag: .noDirectoryAccessTimes, sets: false),
    FlagWord(word: "relatime", flag: .relativeAccessTimes, sets: true),
    FlagWord(word: "norelatime", flag: .relativeAccessTimes, sets: false),
    FlagWord(word: "strictatime", flag: .strictAccessTimes, sets: true),
    FlagWord(word: "nostrictatime", flag: .strictAccessTimes, sets: false),
  ]
}

/// Whether a word is an option of FUSE's superblock that is handed on as it is. The helper decides
/// who may use it.
public func isSuperblockWord(_ word: [UInt8]) -> Bool {
  if word.elementsEqual("default_permissions".utf8) { return true }
  return ["blksize=", "context=", "fscontext=", "defcontext=", "rootcontext="].contains {
    word.starts(with: $0.utf8)
  }
}

/// Whether a word is for the mount table only: what other programs made up for themselves, and the
/// user that mount.fuse3 names.
public func isUserspaceWord(_ word: [UInt8]) -> Bool {
  word.starts(with: "x-".utf8) || word.starts(with: "user=".utf8)
}
