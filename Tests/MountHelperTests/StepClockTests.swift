// SPDX-License-Identifier: LGPL-2.1-or-later

import LinuxPrimitives
import Testing

@testable import MountHelper

/// The seconds from now until `deadline`, rounded up; `nil` for never.
private func seconds(until deadline: Deadline) -> Int32? {
  let milliseconds = deadline.pollTimeout
  return milliseconds < 0 ? nil : (milliseconds + 999) / 1000
}

@Suite("The clock of the steps")
struct StepClockTests {
  @Test(
    arguments: [
      (.paths, 300), (.connection, 90), (.hello, 90), (.command, 300), (.file, 300),
    ] as [(Step, UInt32)])
  func `A step has its own time, or the one that the caller asked for`(
    step: Step, time: UInt32
  ) {
    var clock = StepClock(timeout: nil)
    clock.begin(step)
    #expect(clock.seconds == time)
    // A slow machine may have used up some of it.
    #expect((Int32(time) - 20...Int32(time)).contains(seconds(until: clock.deadline) ?? -1))

    clock = StepClock(timeout: 40)
    clock.begin(step)
    #expect(clock.seconds == 40)
    #expect((20...40).contains(seconds(until: clock.deadline) ?? -1))
  }

  @Test func `The clock runs from the start, for the paths`() {
    let clock = StepClock(timeout: nil)
    #expect(clock.step == .paths)
    #expect((280...300).contains(seconds(until: clock.deadline) ?? -1))
  }

  @Test func `The longest timeout is kept`() {
    let clock = StepClock(timeout: maximumTimeout)
    #expect((86_380...86_400).contains(seconds(until: clock.deadline) ?? -1))
  }

  @Test func `A step that takes 5 seconds is told of once`() {
    var clock = StepClock(timeout: nil)
    #expect((0...5).contains(seconds(until: clock.notice) ?? -1))
    clock.noticeGiven()
    #expect(clock.notice == .never)
    clock.begin(.command)
    #expect((0...5).contains(seconds(until: clock.notice) ?? -1))
    clock.noticeGiven()
    clock.begin(.file)
    #expect(clock.notice != .never)
    clock.begin(.command)
    #expect(clock.notice == .never)
    clock.begin(.paths)
    #expect(clock.notice == .never)
  }

  @Test func `What the monitor does itself is not the step's time, but the whole run's`() {
    var clock = StepClock(timeout: 1)
    clock.begin(.command)
    let beginning = Deadline.after(milliseconds: 0)
    LinuxPrimitives.sleep(milliseconds: 1100)
    #expect(clock.deadline.hasPassed)
    clock.setAside(since: beginning)
    #expect(!clock.deadline.hasPassed)
    // All steps together end 12 s after the start.
    for _ in 0..<20 { clock.setAside(since: beginning) }
    #expect((5...12).contains(seconds(until: clock.deadline) ?? -1))
    #expect(clock.deadlineOfOwnWork <= clock.deadline)
  }

  @Test func `What the monitor does itself may take as long as a step`() {
    var clock = StepClock(timeout: nil)
    clock.begin(.hello)
    #expect((70...90).contains(seconds(until: clock.deadlineOfOwnWork) ?? -1))
    clock.begin(.command)
    #expect((280...300).contains(seconds(until: clock.deadlineOfOwnWork) ?? -1))
  }

  @Test func `Every step says what is waited for`() {
    let lines = Step.allCases.map { text($0.description) }
    #expect(Set(lines).count == Step.allCases.count)
    #expect(!lines.contains(""))
  }
}
