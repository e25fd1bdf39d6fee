// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What libFuzzer calls. One program serves all targets, because linking it takes longer than anything
// else; the name by which it is called tells which of them it runs.

import FuzzTargets

private let target: FuzzTarget? = FuzzTarget.all.first { target in
  CommandLine.arguments.first?.split(separator: "/").last.map { $0 == target.name } ?? false
}

@c(LLVMFuzzerTestOneInput)
func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let target else { fatalError("no target has the name of this program") }
  return target.run(start, count)
}
