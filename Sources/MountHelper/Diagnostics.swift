// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import Literals
internal import MountPolicy

/// Lines for the caller's terminal. Whatever stands in them, from the command line or from a server,
/// is escaped here and nowhere else.
struct Diagnostics {
  /// The longest line, in bytes; longer ones are cut.
  private static let limit = 1024
  /// How many lines a worker may have printed; a server could ask for no end of them.
  private static let maximumReports = 100

  /// How long a line waits for a reader, in milliseconds. After one that waited in vain none waits.
  private static let readerTimeout: Int64 = 1000

  /// Runs when each step is told.
  private var watch: Stopwatch?
  /// The last line that was no step, whether anybody could read it or not.
  private(set) var lastLine: [UInt8] = []
  private var reports = 0
  private var withheld: [UInt8]?
  private var isUnread = false

  /// For a caller who, with `isVerbose`, wants to hear of each step.
  init(isVerbose: Bool = false) { watch = isVerbose ? Stopwatch() : nil }

  /// Whether each step is told.
  var isVerbose: Bool { watch != nil }

  /// Prints one line: the program's name, and what happened and why.
  ///
  /// A terminal that is gone is no reason to fail, and a pipe that nobody reads is none to wait for
  /// ever: such a line is lost. Only a file is believed to take what poll(2) says it takes.
  mutating func report(_ line: [UInt8]) {
    lastLine = line
    show(line)
  }

  /// `time` stands behind the line also where that is cut.
  private mutating func show(_ line: [UInt8], time: [UInt8] = []) {
    let patience = Deadline.after(milliseconds: isUnread ? 0 : Self.readerTimeout)
    let line =
      text("fuservicemount3: ") + escaped(line, limit: Self.limit) + time
      + [UInt8(ascii: "\n")]
    do throws(Errno) {
      try writeAll(line, to: 2, until: patience)
    } catch {
      if error == .timedOut { isUnread = true }
    }
  }

  /// Prints one line if the caller asked for each step.
  mutating func explain(_ line: @autoclosure () -> [UInt8]) {
    if isVerbose { show(line()) }
  }

  /// Prints a step that has just ended if the caller asked for each, with the time since the last
  /// one.
  mutating func tell(_ step: @autoclosure () -> [UInt8]) {
    if let time = lap() { show(step(), time: time) }
  }

  /// Prints how it all ended if the caller asked for each step, with the time since the beginning.
  mutating func tellEnd(_ outcome: @autoclosure () -> [UInt8]) {
    guard let total = watch?.total else { return }
    show(outcome(), time: text(" (") + duration(microseconds: total) + text(" in all)"))
  }

  /// Prints a line of the worker's, up to a bound.
  mutating func relay(_ line: [UInt8]) {
    if admits(line) { report(line) }
  }

  /// Prints a step of the worker's if the caller asked for each, up to the same bound.
  mutating func relayStep(_ step: [UInt8]) {
    guard let time = lap() else { return }
    if admits(step) { show(step, time: time) }
  }

  private mutating func lap() -> [UInt8]? {
    guard let time = watch?.lap() else { return nil }
    return text(" (") + duration(microseconds: time) + text(")")
  }

  private mutating func admits(_ line: [UInt8]) -> Bool {
    reports += 1
    guard reports >= Self.maximumReports else { return true }
    if reports == Self.maximumReports { report(text("more messages are not shown")) }
    withheld = line
    return false
  }

  /// Prints the last line that the bound withheld. A worker's last one says why there is no mount,
  /// and no number of lines before it may hide that.
  mutating func reportWithheld() {
    if let line = withheld.take() { report(line) }
  }
}

/// `subject: why`, as every line has it.
func describe(_ subject: [UInt8], _ error: Errno, advice: StaticString = "") -> [UInt8] {
  var line = subject + text(": ") + error.message
  if advice.utf8CodeUnitCount > 0 { line += text("; ") + text(advice) }
  return line
}
