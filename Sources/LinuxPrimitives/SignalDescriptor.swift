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

/// Puts right what a caller can have made of signals, and lets every one through; `SIGPIPE` is ignored,
/// because a peer that goes away is an error to report, not an end.
///
/// A handler does not survive `execve(2)`; being ignored does. Only two signals have to be there for
/// this program to work: with `SIGCHLD` ignored there is no child to wait for (wait(2)), with `SIGALRM`
/// no end of a process that bounds itself (setitimer(2)). To ignore the others takes nothing away: the
/// ones that end the helper are blocked and read from a descriptor, and what is blocked the kernel
/// keeps even if it is ignored (`sig_ignored` in kernel/signal.c).
///
/// The corresponding system calls are `sigaction(2)` and `sigprocmask(2)`.
public func resetSignals() {
  _ = clinux_default_signal(SIGCHLD)
  _ = clinux_default_signal(SIGALRM)
  _ = clinux_ignore_signal(SIGPIPE)
  unblockAllSignals()
}

private func endingSignals() -> sigset_t {
  var set = sigset_t()
  // Both only fill in the set.
  _ = unsafe sigemptyset(&set)
  for number in Int32(1)...64 where endsProcess(number) { unsafe clinux_add_signal(&set, number) }
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
