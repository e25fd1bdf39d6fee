// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import Literals
internal import MountPolicy

/// Steps of a process that cannot speak to the caller, each with the time it took, on one line for
/// the monitor. Unless the caller asked for each step, nothing is measured and the line stays empty.
struct LastSteps {
  /// What was done.
  private(set) var line: [UInt8] = []
  private var watch: Stopwatch?

  /// Begins to measure if `isAsked`.
  init(isAsked: Bool) { watch = isAsked ? Stopwatch() : nil }

  /// Notes a step that has just ended.
  mutating func note(_ step: StaticString) {
    guard let time = watch?.lap() else { return }
    if !line.isEmpty { line += text(", ") }
    line += text(step) + text(" (") + duration(microseconds: time) + text(")")
  }
}
