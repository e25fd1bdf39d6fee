// SPDX-License-Identifier: LGPL-2.1-or-later

import FuzzTargets

@c(LLVMFuzzerTestOneInput)
func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  FuzzTarget.packets.run(start, count)
}
