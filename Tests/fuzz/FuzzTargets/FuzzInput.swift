// SPDX-License-Identifier: LGPL-2.1-or-later

/// Takes an input apart. What is not there reads as 0 or as empty, so that every input means
/// something.
struct FuzzInput {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  /// The next byte.
  mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

  /// Whether nothing is left.
  var isAtEnd: Bool { rest.isEmpty }

  /// The next bytes, at most so many.
  mutating func bytes(_ count: Int) -> [UInt8] {
    let bytes = rest.prefix(count)
    rest = rest.dropFirst(count)
    return Array(bytes)
  }

  /// The next four bytes, big-endian.
  mutating func integer() -> UInt32 {
    (0..<4).reduce(0) { value, _ in value << 8 | UInt32(byte()) }
  }

  /// The next record, which is its length in two bytes and then so many bytes, or as many as there
  /// are; `nil` at the end.
  mutating func record() -> [UInt8]? {
    guard !isAtEnd else { return nil }
    let length = Int(byte()) << 8 | Int(byte())
    return bytes(length)
  }

  /// The next field, which ends at a NUL or at the end.
  mutating func field() -> [UInt8] {
    let field = rest.prefix { $0 != 0 }
    rest = rest.dropFirst(field.count + 1)
    return Array(field)
  }

  /// All further fields.
  mutating func fields() -> [[UInt8]] {
    var fields: [[UInt8]] = []
    while !isAtEnd { fields.append(field()) }
    return fields
  }
}
