// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// `bytes` for a terminal or a log: one line, printable, and unambiguous.
///
/// What comes from a server or from the command line may hold terminal escapes, line breaks, or
/// marks that reorder text on the screen. Control bytes, 0x7f and bytes that are no UTF-8 become
/// `\xNN`; C1 controls, marks that change direction, spaces and separators other than ASCII's space,
/// invisible characters and noncharacters become `\u{…}`; a backslash is doubled. The result has at most `limit` bytes, the last three of
/// which are dots when something was cut off.
public func escaped(_ bytes: [UInt8], limit: Int = 512) -> [UInt8] {
  let ellipsis = text("...")
  var result: [UInt8] = []
  // Where the result can be cut so that the dots still fit.
  var cut = 0
  var index = 0
  while index < bytes.count {
    let (unit, length) = escapedUnit(bytes, at: index)
    if result.count + unit.count > limit {
      result.removeLast(result.count - cut)
      return result + ellipsis.prefix(max(0, limit - cut))
    }
    result += unit
    index += length
    if result.count + ellipsis.count <= limit { cut = result.count }
  }
  return result
}

/// Whether `bytes` are UTF-8, and each character shows as what it is.
func isPrintable(_ bytes: [UInt8]) -> Bool {
  var index = 0
  while index < bytes.count {
    let byte = bytes[index]
    if byte < 0x80 {
      guard byte >= 0x20, byte != 0x7f else { return false }
      index += 1
    } else {
      guard let (scalar, length) = decodeScalar(bytes, at: index), !isUnsafeToPrint(scalar) else {
        return false
      }
      index += length
    }
  }
  return true
}

/// The escaped form of the character that begins at `index`, and how many bytes it has.
private func escapedUnit(_ bytes: [UInt8], at index: Int) -> (unit: [UInt8], length: Int) {
  let byte = bytes[index]
  if byte == UInt8(ascii: "\\") { return ([byte, byte], 1) }
  if byte >= 0x20, byte < 0x7f { return ([byte], 1) }
  guard byte >= 0x80, let (scalar, length) = decodeScalar(bytes, at: index) else {
    let hex = digits(UInt64(byte), radix: 16)
    return (text("\\x") + (byte < 0x10 ? text("0") : []) + hex, 1)
  }
  if isUnsafeToPrint(scalar) {
    return (text("\\u{") + digits(UInt64(scalar), radix: 16) + text("}"), length)
  }
  return (Array(bytes[index..<index + length]), length)
}

/// The scalar of the well-formed UTF-8 sequence at `index` (Unicode, table 3-7); `nil` for overlong
/// forms, surrogates, and what is cut short.
func decodeScalar(_ bytes: [UInt8], at index: Int) -> (scalar: UInt32, length: Int)? {
  let first = bytes[index]
  let length: Int
  let smallest: UInt32
  var scalar: UInt32
  switch first {
  case 0xc2...0xdf: (length, smallest, scalar) = (2, 0x80, UInt32(first & 0x1f))
  case 0xe0...0xef: (length, smallest, scalar) = (3, 0x800, UInt32(first & 0x0f))
  case 0xf0...0xf4: (length, smallest, scalar) = (4, 0x1_0000, UInt32(first & 0x07))
  default: return nil
  }
  guard bytes.count - index >= length else { return nil }
  for byte in bytes[(index + 1)..<(index + length)] {
    guard byte & 0xc0 == 0x80 else { return nil }
    scalar = scalar << 6 | UInt32(byte & 0x3f)
  }
  guard scalar >= smallest, scalar <= 0x10_ffff, !(0xd800...0xdfff).contains(scalar) else {
    return nil
  }
  return (scalar, length)
}

/// Whether a character acts on a terminal, or cannot be seen or told from another, instead of being
/// shown.
private func isUnsafeToPrint(_ scalar: UInt32) -> Bool {
  // Every plane ends in two noncharacters.
  if scalar & 0xfffe == 0xfffe { return true }
  var low = 0
  var high = unsafeRanges.count
  while low < high {
    let middle = low + (high - low) / 2
    if unsafeRanges[middle].last < scalar { low = middle + 1 } else { high = middle }
  }
  return low < unsafeRanges.count && unsafeRanges[low].first <= scalar
}

/// What no message holds, in order: control characters beyond ASCII; Unicode's
/// Default_Ignorable_Code_Point, which Bidi_Control is part of, with those of it that are not
/// assigned; the general categories Cf, Zl, Zp and Zs; noncharacters; and two that many fonts show
/// as nothing (U+2800, U+FFFC). Unicode 16; what a later one adds to the first lies in ranges that
/// are reserved for it and stand here.
private let unsafeRanges: [(first: UInt32, last: UInt32)] = [
  (0x80, 0xa0), (0xad, 0xad), (0x34f, 0x34f), (0x600, 0x605), (0x61c, 0x61c), (0x6dd, 0x6dd),
  (0x70f, 0x70f), (0x890, 0x891), (0x8e2, 0x8e2), (0x115f, 0x1160), (0x1680, 0x1680),
  (0x17b4, 0x17b5), (0x180b, 0x180f), (0x2000, 0x200f), (0x2028, 0x202f), (0x205f, 0x206f),
  (0x2800, 0x2800), (0x3000, 0x3000), (0x3164, 0x3164), (0xfdd0, 0xfdef), (0xfe00, 0xfe0f),
  (0xfeff, 0xfeff), (0xffa0, 0xffa0), (0xfff0, 0xfffc), (0x110bd, 0x110bd), (0x110cd, 0x110cd),
  (0x13430, 0x1343f), (0x1bca0, 0x1bca3), (0x1d173, 0x1d17a), (0xe0000, 0xe0fff),
]
