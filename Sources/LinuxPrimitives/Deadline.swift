// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

/// A point in time at which a wait gives up.
public struct Deadline: Equatable, Comparable, Sendable {
  /// Milliseconds on the monotonic clock; `Int64.max` is never.
  let milliseconds: Int64

  /// No end.
  public static let never = Deadline(milliseconds: .max)

  /// A point `seconds` from now. The clock is `CLOCK_MONOTONIC`, which nobody can set.
  public static func after(seconds: Int64) -> Deadline {
    let (milliseconds, overflow) = max(0, seconds).multipliedReportingOverflow(by: 1000)
    return overflow ? .never : after(milliseconds: milliseconds)
  }

  /// A point `milliseconds` from now; a negative time is over at once, one beyond the clock never.
  public static func after(milliseconds: Int64) -> Deadline {
    let (sum, overflow) = now().addingReportingOverflow(max(0, milliseconds))
    return overflow ? .never : Deadline(milliseconds: sum)
  }

  /// A point `milliseconds` after this one.
  public func later(byMilliseconds milliseconds: Int64) -> Deadline {
    let (sum, overflow) = self.milliseconds.addingReportingOverflow(max(0, milliseconds))
    return overflow ? .never : Deadline(milliseconds: sum)
  }

  /// The time until then for `poll(2)`: milliseconds, 0 when it is past, -1 for never.
  public var pollTimeout: Int32 {
    if self == .never { return -1 }
    return Int32(min(max(0, milliseconds - Deadline.now()), Int64(Int32.max)))
  }

  /// The milliseconds since then; 0 while it is still to come.
  public var millisecondsAgo: Int64 { max(0, Deadline.now() - milliseconds) }

  /// Whether the time has come.
  public var hasPassed: Bool { self != .never && milliseconds <= Deadline.now() }

  /// Earlier first.
  public static func < (a: Deadline, b: Deadline) -> Bool { a.milliseconds < b.milliseconds }

  private static func now() -> Int64 {
    var time = timespec()
    // clock_gettime fills in the structure it is given; CLOCK_MONOTONIC always exists.
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}
