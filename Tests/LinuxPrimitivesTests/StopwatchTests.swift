// SPDX-License-Identifier: LGPL-2.1-or-later

import LinuxPrimitives
import Testing

@Suite("A stopwatch")
struct StopwatchTests {
  @Test func `A lap begins where the one before ended, and all of them are the total`() {
    let before = ContinuousClock.now
    var watch = Stopwatch()
    LinuxPrimitives.sleep(milliseconds: 30)
    let long = watch.lap()
    let short = watch.lap()
    LinuxPrimitives.sleep(milliseconds: 10)
    let total = watch.total
    let most = (ContinuousClock.now - before) / .microseconds(1)
    #expect(long >= 30_000)
    #expect(short >= 0)
    #expect(total >= long + short + 10_000)
    #expect(Double(total) <= most)
  }
}
