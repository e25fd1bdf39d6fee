// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import Testing

@Suite("Which mounts go where there are too many")
struct MountStandingTests {
  @Test(
    arguments: [
      (7, [7], 1, .fits), (7, [7], 2, .fits), (7, [7], 0, .surplus),
      (7, [7, 9], 2, .fits), (7, [7, 9], 1, .undecided), (9, [7, 9], 1, .surplus),
      (9, [9, 7], 1, .surplus), (7, [9, 7], 1, .undecided),
      (5, [3, 5, 7, 9], 2, .undecided), (7, [3, 5, 7, 9], 2, .surplus),
      (5, [9, 7, 5, 3], 4, .fits), (5, [9, 7, 5, 3], 3, .undecided),
      // It was taken away meanwhile.
      (4, [3, 5], 2, .fits), (4, [3, 5], 1, .surplus), (2, [3, 5], 1, .undecided),
    ] as [(UInt64, [UInt64], Int, MountStanding)])
  func `There are not too many, or those with the latest ids go`(
    own: UInt64, mounts: [UInt64], maximum: Int, expected: MountStanding
  ) {
    #expect(MountStanding(of: own, among: mounts, maximum: maximum) == expected)
  }

  @Test func `As many go at once as are too many, whatever the order and the limit`() {
    for set in 0..<256 {
      let ids = (0..<8).filter { set >> $0 & 1 == 1 }.map { UInt64($0) }
      for (mounts, maximum) in (0...9).flatMap({ [(ids, $0), (ids.reversed(), $0)] }) {
        let standings = mounts.map { MountStanding(of: $0, among: mounts, maximum: maximum) }
        #expect(standings.count { $0 == .surplus } == max(0, mounts.count - maximum))
        #expect(standings.allSatisfy { ($0 == .fits) == (mounts.count <= maximum) })
      }
    }
  }
}
