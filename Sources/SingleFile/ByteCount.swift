// SPDX-License-Identifier: LGPL-2.1-or-later

/// Reads a number of bytes: decimal digits and at most one of the suffixes K, M, G and T, in either
/// case, for powers of 1024. `nil` for anything else, and for what does not fit.
func byteCount(_ text: [UInt8]) -> Int64? {
  var digits = text[...]
  var shift = 0
  if let last = digits.last, let suffix = shiftOfSuffix(last) {
    shift = suffix
    digits = digits.dropLast()
  }
  guard !digits.isEmpty else { return nil }
  var value: Int64 = 0
  for digit in digits {
    guard (0x30...0x39).contains(digit) else { return nil }
    let (product, overflow) = value.multipliedReportingOverflow(by: 10)
    let (sum, carry) = product.addingReportingOverflow(Int64(digit - 0x30))
    guard !overflow, !carry else { return nil }
    value = sum
  }
  let (result, overflow) = value.multipliedReportingOverflow(by: 1 << Int64(shift))
  return overflow ? nil : result
}

private func shiftOfSuffix(_ byte: UInt8) -> Int? {
  switch byte | 0x20 {
  case UInt8(ascii: "k"): return 10
  case UInt8(ascii: "m"): return 20
  case UInt8(ascii: "g"): return 30
  case UInt8(ascii: "t"): return 40
  default: return nil
  }
}
