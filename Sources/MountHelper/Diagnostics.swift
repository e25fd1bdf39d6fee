// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
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

  /// Whether each step is told.
  var isVerbose = false
  /// The last line, whether anybody could read it or not.
  private(set) var lastLine: [UInt8] = []
  private var reports = 0
  private var withheld: [UInt8]?
  private var isUnread = false

  init() {}

  /// Prints one line: the program's name, and what happened and why.
  ///
  /// A terminal that is gone is no reason to fail, and a pipe that nobody reads is none to wait for
  /// ever: such a line is lost. Only a file is believed to take what poll(2) says it takes.
  mutating func report(_ line: [UInt8]) {
    lastLine = line
    let patience = Deadline.after(milliseconds: isUnread ? 0 : Self.readerTimeout)
    let line =
      Array("fuservicemount3: ".utf8) + escaped(line, limit: Self.limit) + [UInt8(ascii: "\n")]
    do throws(Errno) {
      try writeAll(line, to: 2, until: patience)
    } catch {
      if error == .timedOut { isUnread = true }
    }
  }

  /// Prints one line if the caller asked for each step.
  mutating func explain(_ line: [UInt8]) {
    if isVerbose { report(line) }
  }

  /// Prints a line of the worker's, up to a bound.
  mutating func relay(_ line: [UInt8]) {
    reports += 1
    guard reports >= Self.maximumReports else { return report(line) }
    if reports == Self.maximumReports { report(Array("more messages are not shown".utf8)) }
    withheld = line
  }

  /// Prints the last line that the bound withheld. A worker's last one says why there is no mount,
  /// and no number of lines before it may hide that.
  mutating func reportWithheld() {
    if let line = withheld.take() { report(line) }
  }
}

/// `subject: why`, as every line has it.
func describe(_ subject: [UInt8], _ error: Errno, advice: StaticString = "") -> [UInt8] {
  var line = subject + Array(": ".utf8) + error.message
  if advice.utf8CodeUnitCount > 0 { line += Array("; ".utf8) + text(advice) }
  return line
}

/// The bytes of a text of the program's own.
func text(_ literal: StaticString) -> [UInt8] {
  // A literal's bytes live as long as the program.
  unsafe Array(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
}
