// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

/// A child of this process.
public struct ChildProcess: ~Copyable, Sendable {
  /// The process id; valid until the child has been reaped.
  public let identifier: Int32
  /// A descriptor that becomes readable when the child ends (a pidfd, kernel 5.3).
  public let descriptor: FileDescriptor

  /// How a child ended.
  public enum Ending: Equatable, Sendable {
    /// It exited with this status.
    case exited(Int32)
    /// A signal ended it.
    case killed
  }

  /// Starts a child that runs `body` and exits with its result.
  ///
  /// The child dies with this process: `PR_SET_PDEATHSIG` of `prctl(2)`, which a change of ids
  /// erases, so `body` calls `dieWithParent(_:)` again after one.
  ///
  /// The corresponding system call is `clone(2)` with `CLONE_PIDFD`.
  public static func fork(_ body: () -> Int32) throws(Errno) -> ChildProcess {
    let parent = getpid()
    var descriptor: Int32 = -1
    // The parent finds the child's descriptor in the variable.
    let result = unsafe clinux_fork(&descriptor)
    if result == 0 {
      dieWithParent(parent)
      _exit(body())
    }
    guard result > 0 else { throw .last }
    return ChildProcess(identifier: result, descriptor: FileDescriptor(owning: descriptor))
  }

  /// Ends the child by `SIGKILL`. It may take time, or never happen while a hostile file system
  /// holds it. A child that has been reaped already is not mistaken for another process.
  ///
  /// The corresponding system call is `pidfd_send_signal(2)`.
  public func kill() { _ = clinux_pidfd_send_signal(descriptor.rawValue, SIGKILL) }

  /// Takes the ending of a child whose descriptor is readable, or `nil` when it runs on.
  ///
  /// The corresponding system call is `waitpid(2)` with `WNOHANG`.
  public func reap() throws(Errno) -> Ending? {
    var status: Int32 = 0
    let identifier = identifier
    let result = try retryingOnInterrupt {
      // waitpid fills in the status it is given.
      Int(unsafe waitpid(identifier, &status, WNOHANG))
    }
    guard result != 0 else { return nil }
    return clinux_exited(status) != 0 ? .exited(clinux_exit_status(status)) : .killed
  }
}

/// Makes the kernel end this process when its parent `parent` ends, and ends it now when that has
/// happened already.
///
/// The corresponding system call is `prctl(2)` with `PR_SET_PDEATHSIG`.
public func dieWithParent(_ parent: Int32) {
  _ = clinux_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL), 0, 0, 0)
  // A parent outside of this process's pid namespace has the number 0.
  let now = getppid()
  if now != parent && now != 0 { _exit(1) }
}

/// Takes back `dieWithParent(_:)`.
///
/// The corresponding system call is `prctl(2)` with `PR_SET_PDEATHSIG`.
public func outliveParent() { _ = clinux_prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) }

/// The id of this process's parent.
public func parentProcess() -> Int32 { getppid() }
