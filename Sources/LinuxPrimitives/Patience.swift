// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import Literals

/// How long this process is willing to wait for a child: until a point in time, and not beyond a
/// signal that asks it to end.
public struct Patience: Sendable {
  /// When the wait gives up.
  public let deadline: Deadline
  private let interruption: Int32?

  private init(deadline: Deadline, interruption: Int32?) {
    self.deadline = deadline
    self.interruption = interruption
  }

  /// Patience until `deadline`, or until one of the signals comes.
  public init(until deadline: Deadline, signals: borrowing SignalDescriptor) {
    self.init(until: deadline, interruptedBy: signals.descriptor.rawValue)
  }

  /// Patience until `deadline`, or until the descriptor `interruption` becomes readable.
  public init(until deadline: Deadline, interruptedBy interruption: Int32) {
    self.deadline = deadline
    self.interruption = interruption
  }

  /// The same patience for a little longer, to hear from a child that has this one.
  public func extended(byMilliseconds milliseconds: Int64) -> Patience {
    Patience(deadline: deadline.later(byMilliseconds: milliseconds), interruption: interruption)
  }

  /// Whether patience is at its end.
  public var isOver: Bool {
    if deadline.hasPassed { return true }
    guard let interruption else { return false }
    let now = Deadline.after(milliseconds: 0)
    return (try? wait(for: [interruption], until: now))?.first ?? true
  }

  /// Patience for putting things away: until `deadline`, whatever signals come.
  public init(cleaningUpUntil deadline: Deadline) {
    self.deadline = deadline
    interruption = nil
  }

  /// Runs `body` in a child that has only the descriptors `keeping`, and standard input, output and
  /// error on `/dev/null`, and returns the status with which it exits.
  ///
  /// For calls that can hold a process for ever. A child that is late is killed; one that not even
  /// `SIGKILL` reaches is abandoned, and it has none of the caller's descriptors to keep open.
  ///
  /// - Throws: `ETIMEDOUT` when it is late, `ECANCELED` when a signal came, `EIO` when something
  ///   else ended it, and what `fork(2)` says.
  public func runInChild(
    keeping descriptors: [Int32], _ body: () -> Int32
  ) throws(Errno) -> Int32 {
    try finalStatus(of: try ChildProcess.fork(keeping: descriptors, body))
  }

  /// Waits for the end of `child` as `status(of:)` does, and kills it when that does not come in time.
  public func finalStatus(of child: borrowing ChildProcess) throws(Errno) -> Int32 {
    do throws(Errno) {
      return try status(of: child)
    } catch {
      child.killAndReap()
      throw error
    }
  }

  /// Waits until `descriptor` is readable, or its other end gone.
  ///
  /// - Throws: `ETIMEDOUT` when it is late, `ECANCELED` when a signal came, `EIO` when waiting fails.
  ///
  /// The corresponding system call is `poll(2)`.
  public func waitUntilReadable(_ descriptor: borrowing FileDescriptor) throws(Errno) {
    let descriptors = [descriptor.rawValue] + (interruption.map { [$0] } ?? [])
    guard let ready = try? wait(for: descriptors, until: deadline) else { throw .inputOutput }
    guard ready[0] else { throw ready.contains(true) ? .canceled : .timedOut }
  }

  /// Waits for the end of `child` and returns the status with which it exits.
  ///
  /// - Throws: as `runInChild(keeping:_:)`; after `ETIMEDOUT` and `ECANCELED` the child runs on.
  ///   Whatever keeps this process from learning the status is `EIO` too: the child may have done
  ///   its work.
  public func status(of child: borrowing ChildProcess) throws(Errno) -> Int32 {
    try waitUntilReadable(child.descriptor)
    guard case .exited(let status) = try? child.reap() else { throw .inputOutput }
    return status
  }
}

extension ChildProcess {
  /// Starts a child that has only the descriptors `keeping`, and standard input, output and error on
  /// `/dev/null`; see `fork(_:)`.
  public static func fork(
    keeping descriptors: [Int32], _ body: () -> Int32
  ) throws(Errno) -> ChildProcess {
    try fork {
      unblockAllSignals()
      guard keepOnly(descriptors) else { return Errno.badFileDescriptor.rawValue }
      return body()
    }
  }

  /// Kills the child and waits a second for its end. Returns whether it ended; if not, it is
  /// abandoned.
  @discardableResult public func killAndReap() -> Bool {
    kill()
    let ready = try? wait(for: [descriptor.rawValue], until: .after(seconds: 1))
    guard ready?.first == true else { return false }
    return (try? reap()) != nil
  }
}

/// Closes every descriptor but `descriptors` and puts 0, 1 and 2 on `/dev/null`.
///
/// The corresponding system calls are `close_range(2)` and `dup2(2)`.
public func keepOnly(_ descriptors: [Int32]) -> Bool {
  guard let opened = try? openFile(text("/dev/null"), .readWrite) else { return false }
  // Closed with the others, where it is none of these three.
  let null = opened.release()
  // One that is to stay was not open.
  guard !descriptors.contains(null) else { return false }
  for standard in Int32(0)...2 where !descriptors.contains(standard) {
    guard dup2(null, standard) == standard else { return false }
  }
  var first: Int32 = 3
  while let kept = descriptors.filter({ $0 >= first }).min() {
    if kept > first, !closeRange(from: first, to: kept - 1) { return false }
    first = kept + 1
  }
  return closeRange(from: first, to: Int32.max)
}

/// Closes the descriptors from `first` to `last`, open or not. Returns whether that can be relied
/// on.
///
/// The corresponding system call is `close_range(2)` (kernel 5.9); before it, one `close(2)` for
/// each number that the process may have.
public func closeRange(from first: Int32, to last: Int32) -> Bool {
  if clinux_close_range(UInt32(first), UInt32(last)) == 0 { return true }
  guard Errno.last == .notImplemented else { return false }
  var limit = rlimit()
  // getrlimit fills in the structure. A limit lowered after a descriptor was opened does not close
  // it, so the hard limit, and at least the kernel's default for it, is walked.
  guard unsafe clinux_getrlimit(clinux_RLIMIT_NOFILE, &limit) == 0 else { return false }
  let end = min(Int64(last), max(Int64(clamping: limit.rlim_max), 4096), 1 << 20)
  var number = Int64(first)
  while number <= end {
    _ = close(Int32(number))
    number += 1
  }
  return true
}
