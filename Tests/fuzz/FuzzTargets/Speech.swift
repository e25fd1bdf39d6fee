// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy

/// A line about hostile input, as the helper shows it: it says something, and shows it safely.
func promiseIsShownSafely(_ line: [UInt8]) throws(BrokenPromise) {
  try promise(!line.isEmpty, "an explanation says nothing")
  try promiseIsSafe(escaped(line, limit: 1024), limit: 1024)
}

/// Text for a terminal: one line of valid UTF-8, nothing in it that acts on the terminal, and not
/// more than `limit` bytes.
func promiseIsSafe(_ text: [UInt8], limit: Int) throws(BrokenPromise) {
  try promise(text.count <= limit, "\(text.count) bytes where \(limit) are allowed")
  // Most text is plain, and the properties of characters are slow to look up.
  if text.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return }
  guard let string = String(validating: text, as: UTF8.self) else {
    throw BrokenPromise(description: "\(shown(text)) is no UTF-8")
  }
  for scalar in string.unicodeScalars {
    let acts: Bool
    switch scalar.properties.generalCategory {
    case .control, .surrogate, .format, .lineSeparator, .paragraphSeparator: acts = true
    case .spaceSeparator: acts = scalar != " "
    default:
      acts =
        scalar.properties.isBidiControl || scalar.properties.isDefaultIgnorableCodePoint
        || scalar.properties.isNoncharacterCodePoint
    }
    try promise(!acts, "\(shown(text)) holds U+\(String(scalar.value, radix: 16))")
  }
}

/// Escaping for a terminal: safe at any limit, and unambiguous when nothing was cut.
func promiseEscapes(_ bytes: [UInt8], limit: Int) throws(BrokenPromise) {
  try promiseIsSafe(escaped(bytes, limit: limit), limit: limit)
  // No byte becomes more than four, and no character more than twice its bytes and four.
  let whole = escaped(bytes, limit: 10 * bytes.count)
  try promiseIsSafe(whole, limit: 10 * bytes.count)
  try promise(unescaped(whole) == bytes, "\(shown(bytes)) is shown as \(shown(whole))")
}

/// What `escaped(_:limit:)` was given.
private func unescaped(_ text: [UInt8]) -> [UInt8]? {
  var result: [UInt8] = []
  var rest = text[...]
  while let byte = rest.popFirst() {
    guard byte == UInt8(ascii: "\\") else {
      result.append(byte)
      continue
    }
    switch rest.popFirst() {
    case UInt8(ascii: "\\"):
      result.append(byte)
    case UInt8(ascii: "x"):
      guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return nil
      }
      result.append(value)
      rest = rest.dropFirst(2)
    case UInt8(ascii: "u"):
      let digits = rest.dropFirst().prefix { $0 != UInt8(ascii: "}") }
      guard let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
        let scalar = Unicode.Scalar(value)
      else { return nil }
      result += Array(String(scalar).utf8)
      rest = rest.dropFirst(digits.count + 2)
    default:
      return nil
    }
  }
  return result
}
