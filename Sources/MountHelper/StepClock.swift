// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives

/// How long the current step may take, and when the caller is told what is waited for.
struct StepClock {
  /// How long a step takes before a terminal is told, in seconds.
  private static let noticeAfter: Int64 = 5

  private let timeout: UInt32?
  private(set) var step = Step.mountPoint
  private(set) var deadline: Deadline
  private(set) var notice: Deadline
  private var told: [Step] = []

  /// A clock that gives every step `timeout` seconds, or its own time when that is `nil`.
  init(timeout: UInt32?) {
    self.timeout = timeout
    deadline = .after(seconds: Int64(timeout ?? Step.mountPoint.defaultTimeout))
    notice = .after(seconds: Self.noticeAfter)
  }

  /// The seconds that the current step may take.
  var seconds: UInt32 { timeout ?? step.defaultTimeout }

  /// Begins a step.
  mutating func begin(_ next: Step) {
    step = next
    deadline = .after(seconds: Int64(seconds))
    notice = told.contains(next) ? .never : .after(seconds: Self.noticeAfter)
  }

  /// Notes that the caller was told of this step; each is told once.
  mutating func noticeGiven() {
    told.append(step)
    notice = .never
  }
}
