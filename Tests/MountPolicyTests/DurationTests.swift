// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import Testing

@Suite("Times for people")
struct DurationTests {
  @Test(
    arguments: [
      (0, "0.0 ms"), (49, "0.0 ms"), (50, "0.1 ms"), (449, "0.4 ms"), (1000, "1.0 ms"),
      (9949, "9.9 ms"), (9950, "10 ms"), (12_345, "12 ms"), (12_500, "13 ms"),
      (999_499, "999 ms"), (999_500, "1.0 s"), (1_000_000, "1.0 s"), (3_249_999, "3.2 s"),
      (3_250_000, "3.3 s"), (99_949_999, "99.9 s"), (99_950_000, "100 s"),
      (3_600_000_000, "3600 s"), (-1, "0.0 ms"), (.min, "0.0 ms"),
      (.max, "9223372036855 s"),
    ] as [(Int64, String)])
  func `A time has two or three digits and the unit that suits it`(
    microseconds: Int64, shown: String
  ) {
    #expect(text(duration(microseconds: microseconds)) == shown)
  }
}
