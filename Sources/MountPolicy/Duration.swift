// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// A time for people, with two or three digits: `0.4 ms`, `12 ms`, `3.2 s`, `150 s`. A negative one
/// is none.
public func duration(microseconds: Int64) -> [UInt8] {
  let time = UInt64(max(0, microseconds))
  // What rounding makes longer is told in the next unit.
  if time < 9950 { return tenths((time + 50) / 100) + text(" ms") }
  if time < 999_500 { return digits((time + 500) / 1000) + text(" ms") }
  if time < 99_950_000 { return tenths((time + 50_000) / 100_000) + text(" s") }
  return digits((time + 500_000) / 1_000_000) + text(" s")
}

private func tenths(_ value: UInt64) -> [UInt8] {
  digits(value / 10) + text(".") + digits(value % 10)
}
