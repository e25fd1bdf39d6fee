// SPDX-License-Identifier: LGPL-2.1-or-later

// What the module needs of byte strings, without Unicode rules and without Foundation.

/// `value` in digits of `radix` (at most 16), without a prefix. What ships makes numbers into text by
/// this alone: interpolation would bring all of `String` along.
public func digits(_ value: UInt64, radix: UInt64 = 10) -> [UInt8] {
  var result: [UInt8] = []
  var rest = value
  repeat {
    let digit = UInt8(truncatingIfNeeded: rest % radix)
    result.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    rest /= radix
  } while rest > 0
  return result.reversed()
}

/// Reads one or more decimal digits and nothing else; `nil` for anything else and on overflow.
func decimal(_ bytes: some Collection<UInt8>) -> UInt32? { decimalNumber(bytes) }

/// The same for numbers of any size.
func decimalNumber<Number: FixedWidthInteger>(_ bytes: some Collection<UInt8>) -> Number? {
  guard !bytes.isEmpty else { return nil }
  var value: Number = 0
  for byte in bytes {
    guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
    let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
    let (sum, carry) = tenfold.addingReportingOverflow(Number(byte - UInt8(ascii: "0")))
    guard !overflow, !carry else { return nil }
    value = sum
  }
  return value
}

/// The indices of `names` in the order of their bytes; those of equal names in their own order.
///
/// The one place that sorts: what ships has a copy of the sorting algorithm for each.
func byteOrder(of names: [[UInt8]]) -> [Int] {
  names.indices.sorted {
    names[$0] == names[$1] ? $0 < $1 : names[$0].lexicographicallyPrecedes(names[$1])
  }
}

extension [UInt8] {
  /// Whether the bytes begin with `prefix`.
  func begins(with prefix: [UInt8]) -> Bool {
    count >= prefix.count && self[..<prefix.count].elementsEqual(prefix)
  }

  /// What follows `prefix`; `nil` when the bytes do not begin with it.
  func rest(after prefix: [UInt8]) -> [UInt8]? {
    begins(with: prefix) ? Array(self[prefix.count...]) : nil
  }

  /// Whether a byte is below 0x20 or 0x7f: what no name may hold.
  var holdsControlByte: Bool { contains { $0 < 0x20 || $0 == 0x7f } }
}
