// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

/// The signals that ask the helper to end, as a descriptor: blocked for the process and read in its
/// loop, so that they come at a point where everything can be put away. Every signal is one of them
/// that would end the process and can be kept from it.
public struct SignalDescriptor: ~Copyable, Sendable {
  /// Becomes readable when one of the signals came.
  public let descriptor: FileDescriptor

  /// Blocks the ending signals and takes them by descriptor.
  ///
  /// The corresponding system calls are `sigprocmask(2)` and `signalfd(2)`.
  public init() throws(Errno) {
    var set = endingSignals()
    // Both calls read the set they are given.
    guard unsafe sigprocmask(SIG_BLOCK, &set, nil) == 0 else { throw .last }
    let result = unsafe signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
    guard result >= 0 else { throw .last }
    descriptor = FileDescriptor(owning: result)
  }
}

/// Lets every signal through again, as a child that works for the monitor needs it.
public func unblockAllSignals() {
  var set = sigset_t()
  // sigemptyset fills in the set, sigprocmask reads it; neither fails with these arguments.
  _ = unsafe sigemptyset(&set)
  _ = unsafe sigprocmask(SIG_SETMASK, &set, nil)
}

/// Puts every signal to its default disposition and lets it through; `SIGPIPE` is ignored, because
/// a peer that goes away is an error to report, not an end.
///
/// The corresponding system calls are `sigaction(2)` and `sigprocmask(2)`.
public func resetSignals() {
  // Signals 32 and 33 belong to the C library, SIGKILL and SIGSTOP to the kernel: those fail.
  for number in Int32(1)...64 where number != SIGPIPE { _ = clinux_default_signal(number) }
  _ = clinux_ignore_signal(SIGPIPE)
  unblockAllSignals()
}

private func endingSignals() -> sigset_t {
  var set = sigset_t()
  // These only fill in the set. Signals 32 and 33 belong to the C library: adding them fails.
  _ = unsafe sigemptyset(&set)
  for number in Int32(1)...64 where endsProcess(number) { _ = unsafe sigaddset(&set, number) }
  return set
}

/// Whether a signal ends a process by default (signal(7)). A fault of the process's own ends it all
/// the same: the kernel does not keep back a SIGSEGV that an instruction raised.
private func endsProcess(_ signal: Int32) -> Bool {
  let others = [
    SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD, SIGURG, SIGWINCH, SIGPIPE,
  ]
  return !others.contains(signal)
}
