// SPDX-License-Identifier: LGPL-2.1-or-later

internal import FuseService

/// A word of `-o` that sets or clears one of the mount's flags.
struct FlagWord {
  /// The word.
  let word: String
  /// The flag.
  let flag: FuseMountFlags
  /// Whether the word sets it.
  let sets: Bool
}

/// The words that libfuse's servers turn into flags of DOIT, and their opposites.
var flagWords: [FlagWord] {
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
func isSuperblockWord(_ word: [UInt8]) -> Bool {
  if equals(word, "default_permissions") { return true }
  return ["blksize=", "context=", "fscontext=", "defcontext=", "rootcontext="].contains {
    word.starts(with: $0.utf8)
  }
}

/// Whether a word is for the mount table only: what other programs made up for themselves, and the
/// user that mount.fuse3 names.
func isUserspaceWord(_ word: [UInt8]) -> Bool {
  word.starts(with: "x-".utf8) || word.starts(with: "user=".utf8)
}
