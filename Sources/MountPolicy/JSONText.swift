// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// The members of a JSON object (RFC 8259) that hold `value` under `name`.
///
/// JSON has characters, and what the system names has bytes. A byte that is no UTF-8 becomes U+FFFD,
/// and then a second member, `name` with `_hex` behind it, has all bytes in hexadecimal. `name` is
/// plain ASCII.
func jsonMembers(_ name: [UInt8], _ value: [UInt8]) -> [[UInt8]] {
  let (string, isWhole) = jsonString(value)
  let member = jsonMember(name, string)
  if isWhole { return [member] }
  var hex = text("\"")
  for byte in value { hex += padded(UInt64(byte), to: 2) }
  return [member, jsonMember(name + text("_hex"), hex + text("\""))]
}

/// A member with a value that is JSON already.
func jsonMember(_ name: [UInt8], _ value: [UInt8]) -> [UInt8] {
  text("\"") + name + text("\": ") + value
}

/// `bytes` as a JSON string, and whether it holds all that they say.
///
/// Only printable ASCII stands in it as it is, so that it does no more to a terminal than any other
/// line.
private func jsonString(_ bytes: [UInt8]) -> (string: [UInt8], isWhole: Bool) {
  var result = text("\"")
  var isWhole = true
  var index = 0
  while index < bytes.count {
    let byte = bytes[index]
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      result += [UInt8(ascii: "\\"), byte]
      index += 1
    case 0x20..<0x7f:
      result.append(byte)
      index += 1
    case 0..<0x80:
      result += jsonEscape(UInt32(byte))
      index += 1
    default:
      let found = decodeScalar(bytes, at: index)
      isWhole = isWhole && found != nil
      result += jsonEscape(found?.scalar ?? 0xfffd)
      index += found?.length ?? 1
    }
  }
  return (result + text("\""), isWhole)
}

/// `\uXXXX`, twice for what lies beyond 16 bits.
private func jsonEscape(_ scalar: UInt32) -> [UInt8] {
  guard scalar > 0xffff else { return text("\\u") + padded(UInt64(scalar), to: 4) }
  let rest = scalar - 0x1_0000
  return jsonEscape(0xd800 + (rest >> 10)) + jsonEscape(0xdc00 + (rest & 0x3ff))
}

/// `value` in at least `count` hexadecimal digits.
private func padded(_ value: UInt64, to count: Int) -> [UInt8] {
  let hex = digits(value, radix: 16)
  return [UInt8](repeating: UInt8(ascii: "0"), count: max(0, count - hex.count)) + hex
}
