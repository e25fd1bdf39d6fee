// SPDX-License-Identifier: LGPL-2.1-or-later

import MountProtocol

extension FuzzTarget {
  /// The input is the memory file with the command line, as a server receives it from a helper that
  /// it does not trust.
  public static let arguments = FuzzTarget(name: "arguments") { (bytes) throws(BrokenPromise) in
    if let arguments = try? ArgumentsFile.decode(bytes) {
      let total = arguments.reduce(0) { $0 + $1.count + 1 }
      try promise(total <= bytes.count, "\(total) bytes come out of \(bytes.count)")
      for (index, argument) in arguments.enumerated() {
        try promise(
          argument == element(index, of: bytes), "element \(index) reads as \(shown(argument))")
      }
      try promiseRoundTrip(arguments)
    }
    var input = FuzzInput(bytes)
    try promiseRoundTrip(input.fields())
  }

  private static func promiseRoundTrip(_ arguments: [[UInt8]]) throws(BrokenPromise) {
    let again = try? ArgumentsFile.decode(ArgumentsFile.encode(arguments))
    try promise(again == arguments, "\(arguments.map(shown)) reads back as something else")
  }

  /// An element as a C program finds it: by its place in the table, up to the first NUL. Slicing
  /// traps where the table leads out of the file.
  private static func element(_ index: Int, of bytes: [UInt8]) -> [UInt8] {
    let entry = bytes[(8 + 8 * index)..<(12 + 8 * index)]
    let start = entry.reduce(0) { $0 << 8 | Int($1) }
    return Array(bytes[start...].prefix { $0 != 0 })
  }
}
