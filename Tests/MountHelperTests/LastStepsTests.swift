// SPDX-License-Identifier: LGPL-2.1-or-later

import Testing

@testable import MountHelper

@Suite("The steps of a process that cannot speak to the caller")
struct LastStepsTests {
  @Test func `Steps stand on one line, each with its time`() {
    var steps = LastSteps(isAsked: true)
    #expect(steps.line.isEmpty)
    steps.note("recorded")
    steps.note("attached")
    let line = text(steps.line)
    #expect(
      line.wholeMatch(of: /recorded \(\d[\d.]* ms\), attached \(\d[\d.]* ms\)/) != nil, "\(line)")
  }

  @Test func `Of a caller who did not ask nothing is noted`() {
    var steps = LastSteps(isAsked: false)
    steps.note("recorded")
    #expect(steps.line.isEmpty)
  }
}
