// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import LinuxPrimitives
import TestSupport
import Testing

/// Waits for ever, as a process does that a hostile file system holds.
private func hang() -> Int32 {
  while true { sleep(milliseconds: 60_000) }
}

@Suite("Children", .serialized)
struct ChildProcessTests {
  @Test(arguments: [0, 1, 7, 127, 255] as [Int32])
  func `A child exits with the result of its work`(status: Int32) throws {
    var ending: ChildProcess.Ending?
    let child = try ChildProcess.fork { status }
    let ready = try wait(for: [child.descriptor.rawValue], until: patient)
    #expect(ready == [true])
    ending = try child.reap()
    #expect(ending == .exited(status))
    // There is nothing to reap a second time.
    let error = errno { () throws(Errno) in try child.reap() }
    #expect(error == .noChildProcess)
  }

  @Test func `A child that runs has no ending yet, and a killed one was killed`() throws {
    var ending: ChildProcess.Ending?
    let child = try ChildProcess.fork { hang() }
    let identifier = child.identifier
    #expect(identifier > 0)
    #expect(isCloseOnExec(child.descriptor.rawValue))
    ending = try child.reap()
    #expect(ending == nil)
    let early = try wait(for: [child.descriptor.rawValue], until: soon)
    #expect(early == [false])
    child.kill()
    let ready = try wait(for: [child.descriptor.rawValue], until: patient)
    #expect(ready == [true])
    ending = try child.reap()
    #expect(ending == .killed)
  }

  @Test func `A child is killed and reaped at once, running or ended`() throws {
    let running = try ChildProcess.fork { hang() }
    let isGone = running.killAndReap()
    #expect(isGone)
    let ended = try ChildProcess.fork { 3 }
    _ = try wait(for: [ended.descriptor.rawValue], until: patient)
    let isReaped = ended.killAndReap()
    #expect(isReaped)
    let error = errno { () throws(Errno) in try ended.reap() }
    #expect(error == .noChildProcess)
  }

  @Test func `A child knows its parent and dies with it`() throws {
    let witness = try Witness()
    let process = getpid()
    var ending: ChildProcess.Ending?
    let child = try ChildProcess.fork {
      guard parentProcess() == process, (try? ChildProcess.fork { hang() }) != nil else { return 1 }
      return 0
    }
    witness.close()
    _ = try wait(for: [child.descriptor.rawValue], until: patient)
    ending = try child.reap()
    #expect(ending == .exited(0))
    // The grandchild held the last descriptor.
    let isClosed = witness.isClosed(by: patient)
    #expect(isClosed)
  }
}

@Suite("Patience with children", .serialized)
struct PatienceTests {
  /// Runs `body` in a child, with patience until `deadline` and after `prepare`.
  private func run(
    keeping descriptors: [Int32] = [], until deadline: Deadline = patient,
    after prepare: () -> Void = {}, _ body: () -> Int32
  ) throws -> Result<Int32, Errno> {
    let signals = try SignalDescriptor()
    defer {
      // A signal that is still pending would end the process once it is let through.
      _ = try? signals.descriptor.read(128)
      unblockAllSignals()
    }
    prepare()
    let patience = Patience(until: deadline, signals: signals)
    do throws(Errno) {
      return .success(try patience.runInChild(keeping: descriptors, body))
    } catch {
      return .failure(error)
    }
  }

  @Test(arguments: [0, 1, 13, 38, 255] as [Int32])
  func `The status of the child is the result`(status: Int32) throws {
    #expect(try run { status } == .success(status))
  }

  @Test func `A child that is late is killed`() throws {
    let witness = try Witness()
    let result = try run(keeping: [witness.number], until: soon) { hang() }
    #expect(result == .failure(.timedOut))
    witness.close()
    let isClosed = witness.isClosed(by: patient)
    #expect(isClosed)
  }

  @Test(arguments: [
    SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1, SIGXCPU, SIGSEGV, SIGABRT, 34, 64,
  ])
  func `A signal that asks to end cancels the wait`(signal: Int32) throws {
    let witness = try Witness()
    let result = try run(keeping: [witness.number], after: { raise(signal) }) { hang() }
    #expect(result == .failure(.canceled))
    witness.close()
    let isClosed = witness.isClosed(by: patient)
    #expect(isClosed)
  }

  @Test func `A child that something else ended is an error`() throws {
    let result = try run {
      _ = kill(getpid(), SIGKILL)
      return 0
    }
    #expect(result == .failure(.inputOutput))
  }

  @Test func `The child has the descriptors that it keeps and no others`() throws {
    let first = try memoryFile([])
    let second = try memoryFile([])
    // Far above the others, and given in no order.
    let high = FileDescriptor(owning: clinux_fcntl(second.rawValue, F_DUPFD_CLOEXEC, 500))
    for kept in [
      [], [first.rawValue], [second.rawValue, first.rawValue], [first.rawValue, first.rawValue],
      [high.rawValue, first.rawValue],
    ] {
      let result = try run(keeping: kept) {
        var open: Int32 = 0
        for number in Int32(3)..<2048 where isOpen(number) {
          guard kept.contains(number) else { return 200 }
          open += 1
        }
        return open
      }
      #expect(result == .success(Int32(Set(kept).count)), "\(kept)")
    }
  }

  @Test func `The child's standard descriptors lead nowhere`() throws {
    let result = try run {
      for number in Int32(0)...2 {
        guard let copy = try? duplicateDescriptor(number), let status = try? copy.status(),
          status.isCharacterDevice(major: 1, minor: 3)
        else { return 10 + number }
      }
      return 0
    }
    #expect(result == .success(0))
  }

  @Test func `Signals reach the child that are blocked here`() throws {
    let result = try run {
      var blocked = sigset_t()
      sigprocmask(SIG_BLOCK, nil, &blocked)
      return [SIGTERM, SIGINT, SIGHUP, SIGQUIT].contains { sigismember(&blocked, $0) == 1 } ? 1 : 0
    }
    #expect(result == .success(0))
  }

  @Test func `Signals are put right, but a broken pipe stays an error`() throws {
    let result = try run {
      clinux_ignore_signal(SIGALRM)
      resetSignals()
      // With SIGPIPE at its default this would end the child.
      _ = raise(SIGPIPE)
      _ = raise(SIGALRM)
      return 1
    }
    #expect(result == .failure(.inputOutput))
  }
}
