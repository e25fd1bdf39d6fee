// SPDX-License-Identifier: LGPL-2.1-or-later

// Plans in words, for a caller who asked for each step. Bytes from outside stand in them as they are,
// long ones shortened.

extension OpenPlan {
  /// The file, and how the server wants it.
  public var words: [UInt8] {
    var words = ascii("'") + Refusal.shortened(path) + ascii("', ")
    switch HostOpenFlags(rawValue: openFlags).intersection(.accessMode).rawValue {
    case 0: words += ascii("read-only")
    case 1: words += ascii("write-only")
    default: words += ascii("read-write")
    }
    if creates { words += ascii(", created if it is missing") }
    if wantsBlockDevice { words += ascii(", a block device") }
    if blockSize != 0 { words += ascii(", block size ") + digits(UInt64(blockSize)) }
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
      case .value(let key, let value): options.append(key + ascii("=") + value)
      }
    }
    return ascii("type ") + mountType + ascii(", source '") + Refusal.shortened(source)
      + ascii("', options ") + list(options) + ascii(", flags ") + list(flags.words)
      + ascii(", to be recorded ") + list(userspaceWords)
  }

  private func list(_ words: [[UInt8]]) -> [UInt8] {
    guard let first = words.first else { return ascii("none") }
    return Refusal.shortened(words.dropFirst().reduce(first) { $0 + ascii(",") + $1 })
  }
}
