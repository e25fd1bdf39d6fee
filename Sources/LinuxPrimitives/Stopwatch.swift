// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

/// Tells how long something takes, by `CLOCK_MONOTONIC`, which nobody can set.
///
/// The corresponding system call is `clock_gettime(2)`, which asks the kernel nothing on most
/// machines (vdso(7)).
public struct Stopwatch: Sendable {
  private let start: Int64
  private var lapStart: Int64

  /// A watch that runs from now on.
  public init() {
    start = Self.now()
    lapStart = start
  }

  /// The microseconds since the last lap or, for the first, the start.
  public mutating func lap() -> Int64 {
    let now = Self.now()
    defer { lapStart = now }
    return now - lapStart
  }

  /// The microseconds since the start.
  public var total: Int64 { Self.now() - start }

  private static func now() -> Int64 {
    var time = timespec()
    // clock_gettime fills in the structure it is given; CLOCK_MONOTONIC always exists.
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }
}
