// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation
import LinuxPrimitives
import Testing

@testable import MountHelper

/// The status with which a child that runs `body` exits; `nil` when a signal ends it.
///
/// The test's process has threads, and one of them may hold a lock in the moment of the fork, the one
/// of setenv(3) for one, which nobody gives back in the child (fork(2)). A child that hangs says
/// nothing, and another one is asked; what the program itself does has one thread, and no wait.
private func statusInChild(_ body: () -> Int32) throws -> Int32? {
  for _ in 0..<3 {
    let child = try ChildProcess.fork(body)
    do throws(Errno) {
      return try Patience(cleaningUpUntil: .after(seconds: 20)).status(of: child)
    } catch {
      if error == .inputOutput { return nil }
      guard error == .timedOut else { throw error }
      child.killAndReap()
    }
  }
  throw Errno.timedOut
}

/// Whether `body` holds in a child, which it may leave in any state.
private func holdsInChild(_ body: () -> Bool) throws -> Bool {
  try statusInChild { body() ? 0 : 1 } == 0
}

/// Whether a descriptor is open on the null device, 1:3.
private func isNull(_ number: Int32) -> Bool {
  var status = stat()
  return fstat(number, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR
    && status.st_rdev == 0x103
}

/// What a caller can hand over. Some of it the C library and libmount see to as well in a set-id
/// start, so that the whole program would not show what is missing here.
@Suite("Putting right what a process inherits", .serialized)
struct CleanStartTests {
  @Test func `The environment is empty`() throws {
    let holds = try holdsInChild {
      setenv("LIBMOUNT_UTAB", "/tmp/evil", 1)
      guard (try? startClean()) != nil else { return false }
      return getenv("LIBMOUNT_UTAB") == nil && getenv("PATH") == nil
    }
    #expect(holds)
  }

  @Test func `Closed standard descriptors are open on the null device`() throws {
    let holds = try holdsInChild {
      for number in Int32(0)...2 { close(number) }
      guard (try? startClean()) != nil else { return false }
      return isNull(0) && isNull(1) && isNull(2)
    }
    #expect(holds)
  }

  @Test func `All other descriptors are closed`() throws {
    let holds = try holdsInChild {
      let inherited = open("/dev/null", O_RDONLY)
      let far = fcntl(inherited, F_DUPFD, 700)
      guard inherited >= 3, far >= 700, (try? startClean()) != nil else { return false }
      return fcntl(inherited, F_GETFD) == -1 && fcntl(far, F_GETFD) == -1
    }
    #expect(holds)
  }

  @Test func `Ignored and blocked signals are neither`() throws {
    let status = try statusInChild {
      signal(SIGALRM, SIG_IGN)
      var all = sigset_t()
      sigfillset(&all)
      sigprocmask(SIG_SETMASK, &all, nil)
      guard (try? startClean()) != nil else { return 1 }
      raise(SIGALRM)
      return 0
    }
    #expect(status == nil)
  }

  @Test func `The file creation mask is ours, and the caller's is remembered`() throws {
    let holds = try holdsInChild {
      umask(0o735)
      guard let conditions = try? startClean() else { return false }
      return umask(0) == 0o022 && conditions.umask == 0o735
    }
    #expect(holds)
  }
}
