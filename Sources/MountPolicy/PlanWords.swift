// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

// Plans in words, for a caller who asked for each step. Bytes from outside stand in them as they are,
// long ones shortened.

extension OpenPlan {
  /// The file, and how the server wants it.
  public var words: [UInt8] {
    var words = text("'") + Refusal.shortened(path) + text("', ")
    switch HostOpenFlags(rawValue: openFlags).intersection(.accessMode).rawValue {
    case 0: words += text("read-only")
    case 1: words += text("write-only")
    default: words += text("read-write")
    }
    if creates { words += text(", created if it is missing") }
    if wantsBlockDevice { words += text(", a block device") }
    if blockSize != 0 { words += text(", block size ") + digits(UInt64(blockSize)) }
    return words
  }
}

extension MountPlan {
  /// What is to be mounted.
  public var words: [UInt8] {
    var options: [[UInt8]] = []
    for parameter in parameters {
      switch parameter {
      case .flag(let key): options.append(key)
      case .value(let key, let value): options.append(key + text("=") + value)
      }
    }
    return text("type ") + mountType + text(", source '") + Refusal.shortened(source)
      + text("', options ") + list(options) + text(", flags ") + list(flags.words)
      + text(", to be recorded ") + list(userspaceWords)
  }

  private func list(_ words: [[UInt8]]) -> [UInt8] {
    guard let first = words.first else { return text("none") }
    return Refusal.shortened(words.dropFirst().reduce(first) { $0 + text(",") + $1 })
  }
}
