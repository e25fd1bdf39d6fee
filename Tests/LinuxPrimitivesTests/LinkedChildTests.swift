// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import LinuxPrimitives
import TestSupport
import Testing

@Suite("A child and the line to it")
struct LinkedChildTests {
  private let patience = Patience(cleaningUpUntil: .after(seconds: 20))

  @Test func `Both hear each other`() throws {
    let child = try LinkedChild.fork { line in
      guard let packet = try? line.receive(limit: 8, until: .after(seconds: 20)),
        (try? line.send(packet.bytes + [4], until: .after(seconds: 20))) != nil
      else { return 1 }
      return 0
    }
    try child.line.send([1, 2, 3], until: .after(seconds: 20))
    let answer = try child.receive(limit: 8, patience)?.bytes
    #expect(answer == [1, 2, 3, 4])
    let status = try patience.finalStatus(of: child.process)
    #expect(status == 0)
  }

  @Test func `The end of the child is heard on the line`() throws {
    let child = try LinkedChild.fork { _ in 0 }
    let isSilent = try child.receive(limit: 8, patience) == nil
    #expect(isSilent)
    child.process.killAndReap()
  }

  @Test func `A line that is cut is at its end for the child, which can say nothing more`() throws {
    let child = try LinkedChild.fork { line in
      guard let packet = try? line.receive(limit: 8, until: .after(seconds: 20)) else {
        return (try? line.send([1], until: .after(seconds: 20))) == nil ? 0 : 1
      }
      return packet.bytes.isEmpty ? 2 : 3
    }
    child.cut()
    let status = try patience.finalStatus(of: child.process)
    #expect(status == 0)
  }

  @Test func `A child has its end, what it is to keep, and no other descriptor`() throws {
    let kept = try openFile(bytes("/dev/zero"))
    let other = try openFile(bytes("/dev/zero"))
    let numbers = (kept: kept.rawValue, other: other.rawValue)
    let child = try LinkedChild.fork(keeping: [numbers.kept]) { line in
      let open = Set((Int32(0)..<20_000).filter { clinux_fcntl($0, F_GETFD, 0) >= 0 })
      return open == [0, 1, 2, numbers.kept, line.descriptor.rawValue] ? 0 : 1
    }
    let status = try patience.finalStatus(of: child.process)
    #expect(status == 0)
    #expect(isOpen(kept.rawValue))
    #expect(isOpen(other.rawValue))
  }

  @Test func `A descriptor that is to be kept and is not open is refused`() throws {
    let child = try ChildProcess.fork {
      guard let free = (try? openFile(bytes("/dev/zero")))?.release() else { return 1 }
      close(free)
      // What keepOnly opens takes this number, the lowest that is free.
      return keepOnly([free]) ? 2 : 0
    }
    let status = try patience.finalStatus(of: child)
    #expect(status == 0)
  }
}
