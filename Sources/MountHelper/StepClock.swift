// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives

/// How long the current step may take, and when the caller is told what is waited for.
///
/// A step's time is the worker's and, through it, the server's. What the monitor does meanwhile because
/// it was asked, making the superblock for one, has as long again and is not counted: a server that
/// takes its time before DOIT, and then some more to answer the kernel, is late with neither. Only the
/// whole run counts everything, so no number of such requests adds up to more.
struct StepClock {
  /// How long a step takes before a terminal is told, in seconds.
  private static let noticeAfter: Int64 = 5
  /// How many times the time of one step all of them may take: a server that makes a little progress
  /// just before each step's end would otherwise have thousands of them.
  private static let stepsInAll: Int64 = 12

  private let timeout: UInt32?
  private(set) var step = Step.paths
  private var endOfStep: Deadline
  private let end: Deadline
  private(set) var notice: Deadline
  private var told: [Step] = []

  /// A clock that gives every step `timeout` seconds, or its own time when that is `nil`.
  init(timeout: UInt32?) {
    self.timeout = timeout
    let seconds = Int64(timeout ?? Step.paths.defaultTimeout)
    endOfStep = .after(seconds: seconds)
    end = .after(seconds: seconds * Self.stepsInAll)
    notice = .after(seconds: Self.noticeAfter)
  }

  /// When the step is late, or the whole run.
  var deadline: Deadline { min(endOfStep, end) }

  /// Whether it is the whole run that took too long, not the current step.
  var isWholeRunLate: Bool { end.hasPassed }

  /// The seconds that the current step may take.
  var seconds: UInt32 { timeout ?? step.defaultTimeout }

  /// Begins a step.
  mutating func begin(_ next: Step) {
    step = next
    endOfStep = .after(seconds: Int64(seconds))
    notice = told.contains(next) ? .never : .after(seconds: Self.noticeAfter)
  }

  /// Until when something may take that this process does because the worker asked for it.
  var deadlineOfOwnWork: Deadline { min(.after(seconds: Int64(seconds)), end) }

  /// Takes the time since `beginning`, which this process needed for something of its own, out of the
  /// current step's.
  mutating func setAside(since beginning: Deadline) {
    endOfStep = endOfStep.later(byMilliseconds: beginning.millisecondsAgo)
  }

  /// Notes that the caller was told of this step; each is told once.
  mutating func noticeGiven() {
    told.append(step)
    notice = .never
  }
}
