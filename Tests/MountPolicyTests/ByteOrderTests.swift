// SPDX-License-Identifier: LGPL-2.1-or-later

import Testing

@testable import MountPolicy

@Suite("The order of names")
struct ByteOrderTests {
  @Test(arguments: 0..<40)
  func `Names come in the order of their bytes, equal ones in their own`(count: Int) {
    var generator = SystemRandomNumberGenerator()
    // Few letters and short names, so that there are equal ones and beginnings of others.
    let names: [[UInt8]] = (0..<count).map { _ in
      (0..<Int.random(in: 0...3, using: &generator)).map { _ in
        [0, 0x61, 0x62, 0xff].randomElement(using: &generator) ?? 0
      }
    }
    let expected = names.indices.sorted {
      names[$0] == names[$1] ? $0 < $1 : names[$0].lexicographicallyPrecedes(names[$1])
    }
    #expect(byteOrder(of: names) == expected, "\(names)")
  }
}
