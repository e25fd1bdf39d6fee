// SPDX-License-Identifier: LGPL-2.1-or-later

import MountProtocol
import Testing

@Suite("Hello")
struct HelloTests {
  @Test(arguments: [HelloFlags(), .allowOther, .fuseblk, .known])
  func `A hello reads back as it was written`(flags: HelloFlags) {
    let hello = Hello(flags: flags)
    #expect(Hello(decoding: hello.encoded()) == hello)
  }
}
