// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation
import LinuxPrimitives
import Testing

/// The value of `key` in what `/proc` tells of a descriptor (proc_pid_fdinfo(5)).
private func descriptorFact(_ key: String, _ number: Int32) throws -> UInt64? {
  let content = try openFile(bytes("/proc/self/fdinfo/\(number)")).readToEnd(limit: 4096)
  let line = text(content).split(separator: "\n").first { $0.hasPrefix("\(key):") }
  return line.flatMap { UInt64($0.dropFirst(key.count + 1).filter { !$0.isWhitespace }) }
}

/// The parent of each mount, by id.
private func parents() throws -> [UInt64: UInt64] {
  let content = try openFile(bytes("/proc/self/mountinfo")).readToEnd(limit: 1 << 24)
  var parents: [UInt64: UInt64] = [:]
  for line in text(content).split(separator: "\n") {
    let words = line.split(separator: " ")
    guard words.count > 1, let identifier = UInt64(words[0]) else { continue }
    parents[identifier] = UInt64(words[1])
  }
  return parents
}

@Suite("Which mount a descriptor lies on")
struct MountIdentityTests {
  @Test(arguments: ["/", "/proc", "/proc/self/status", "/dev", "/dev/null", "/tmp"])
  func `A mount's id is the one that the kernel tells of the descriptor`(path: String) throws {
    let file = try openFile(bytes(path), .path)
    let told = try descriptorFact("mnt_id", file.rawValue)
    #expect(told != nil)
    #expect(try file.mountID() == told)
  }

  @Test(arguments: ["/proc", "/proc/self/status", "/dev", "/dev/null"])
  func `A mount's parent is the one in the table, where the kernel tells it`(path: String) throws {
    let file = try openFile(bytes(path), .path)
    do throws(Errno) {
      let parent = try file.parentMountID()
      let identifier = try file.mountID()
      let told = try? parents()[identifier]
      #expect(told == parent)
    } catch {
      #expect(error == .notImplemented)
    }
  }

  @Test func `The number of mounts is no less than the table has`() throws {
    do throws(Errno) {
      // The kernel counts those as well that a change of the root directory hides from the table.
      let number = try MountNamespace().numberOfMounts()
      let inTable = (try? parents().count) ?? 0
      #expect(inTable > 0 && number >= inTable)
      #expect(number < 1 << 20)
    } catch {
      #expect(error == .notTypewriter)
    }
  }

  @Test func `Mounts are fewer than a bound that the table is below`() throws {
    do throws(Errno) {
      let belowMany = try mountsAreFewer(than: 1 << 16)
      let belowOne = try mountsAreFewer(than: 1)
      #expect(belowMany)
      #expect(!belowOne)
    } catch {
      #expect(error == .notImplemented)
    }
    #expect(try !mountsAreFewer(than: 0))
    #expect(try !mountsAreFewer(than: 0, withMagic: 1, limit: 1 << 16))
    #expect(try !mountsAreFewer(than: -1))
  }

  @Test func `Mounts of one kind of file system are counted, where the kernel tells`() throws {
    do throws(Errno) {
      let proc: UInt64 = 0x9fa0
      let belowMany = try mountsAreFewer(than: 1 << 16, withMagic: proc, limit: 1 << 16)
      let belowOne = try mountsAreFewer(than: 1, withMagic: proc, limit: 1 << 16)
      let belowOneOfNone = try mountsAreFewer(than: 1, withMagic: 1, limit: 1 << 16)
      #expect(belowMany)
      #expect(!belowOne)
      #expect(belowOneOfNone)
      #expect(throws: Errno.overflow) {
        try mountsAreFewer(than: 1 << 16, withMagic: proc, limit: 1)
      }
    } catch {
      #expect(error == .notImplemented)
    }
  }
}
