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
public func decimal(_ bytes: some Collection<UInt8>) -> UInt32? { decimalNumber(bytes) }

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
/// The one place that sorts, by a heap: the library's way to sort would be 4 kB of this program.
func byteOrder(of names: [[UInt8]]) -> [Int] {
  var order = Array(names.indices)

  func precedes(_ one: Int, _ other: Int) -> Bool {
    names[one] == names[other]
      ? one < other : names[one].lexicographicallyPrecedes(names[other])
  }

  /// Lets what is at `start` sink until nothing below it, before `end`, comes later.
  func sink(from start: Int, before end: Int) {
    var parent = start
    while 2 * parent + 1 < end {
      var child = 2 * parent + 1
      if child + 1 < end, precedes(order[child], order[child + 1]) { child += 1 }
      guard precedes(order[parent], order[child]) else { return }
      order.swapAt(parent, child)
      parent = child
    }
  }

  for start in (0..<order.count / 2).reversed() { sink(from: start, before: order.count) }
  for end in (1..<max(1, order.count)).reversed() {
    order.swapAt(0, end)
    sink(from: 0, before: end)
  }
  return order
}

extension [UInt8] {
  /// What follows `prefix`; `nil` when the bytes do not begin with it.
  func rest(after prefix: [UInt8]) -> [UInt8]? {
    starts(with: prefix) ? Array(self[prefix.count...]) : nil
  }

  /// Whether a byte is below 0x20 or 0x7f: what no name may hold.
  var holdsControlByte: Bool { contains { $0 < 0x20 || $0 == 0x7f } }
}
