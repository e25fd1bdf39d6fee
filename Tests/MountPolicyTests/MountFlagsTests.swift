// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation
import MountPolicy
import MountProtocol
import Testing

@Suite("Mount flags")
struct MountFlagsTests {
  private static let table:
    [(flag: MountFlags, bit: UInt32, word: String, attribute: UInt64, ofSuperblock: Bool)] = [
      (.readOnly, 1, "ro", 0x1, true), (.noSetID, 2, "nosuid", 0x2, false),
      (.noDevices, 4, "nodev", 0x4, false), (.noExecution, 8, "noexec", 0x8, false),
      (.synchronous, 16, "sync", 0, true), (.synchronousDirectories, 128, "dirsync", 0, true),
      (.noAccessTime, 1024, "noatime", 0x10, false),
      (.noDirectoryAccessTime, 2048, "nodiratime", 0x80, false),
      (.relativeAccessTime, 1 << 21, "relatime", 0, false),
      (.strictAccessTime, 1 << 24, "strictatime", 0x20, false),
      (.noSymbolicLinks, 256, "nosymfollow", 0x20_0000, false),
    ]

  @Test func `Each flag has its number, word, attribute and place`() {
    for row in MountFlagsTests.table {
      #expect(row.flag.rawValue == row.bit)
      #expect(row.flag.words == list(row.word))
      #expect(row.flag.mountAttributes == row.attribute)
      #expect(row.flag.superblockWords == (row.ofSuperblock ? list(row.word) : []))
      #expect(row.flag.mountSyscallFlags == UInt(row.bit))
    }
  }

  @Test func `The allowlist is these flags and no other`() {
    let union = MountFlagsTests.table.reduce(0) { $0 | $1.bit }
    #expect(MountFlags.serverMayAsk.rawValue == union)
    #expect(MountFlags.serverMayAsk.rawValue.nonzeroBitCount == MountFlagsTests.table.count)
  }

  @Test func `No flags are no words and no attributes`() {
    #expect(MountFlags().words.isEmpty)
    #expect(MountFlags().superblockWords.isEmpty)
    #expect(MountFlags().mountAttributes == 0)
  }

  @Test func `Of several access times the attributes hold the one that mount follows`() {
    let all: MountFlags = [.noAccessTime, .relativeAccessTime, .strictAccessTime]
    #expect(all.mountAttributes == 0x20)
    #expect(all.subtracting(.strictAccessTime).mountAttributes == 0x10)
    #expect(MountFlags([.readOnly, .noSetID, .synchronous]).superblockWords == list("ro", "sync"))
  }

  @Test func `The numbers are those of the headers`() {
    #expect(MountFlags.readOnly.rawValue == UInt32(MS_RDONLY))
    #expect(MountFlags.noSetID.rawValue == UInt32(MS_NOSUID))
    #expect(MountFlags.noDevices.rawValue == UInt32(MS_NODEV))
    #expect(MountFlags.noExecution.rawValue == UInt32(MS_NOEXEC))
    #expect(MountFlags.synchronous.rawValue == UInt32(MS_SYNCHRONOUS))
    #expect(MountFlags.synchronousDirectories.rawValue == UInt32(MS_DIRSYNC))
    #expect(MountFlags.noSymbolicLinks.rawValue == UInt32(MS_NOSYMFOLLOW))
    #expect(MountFlags.noAccessTime.rawValue == UInt32(MS_NOATIME))
    #expect(MountFlags.noDirectoryAccessTime.rawValue == UInt32(MS_NODIRATIME))
    #expect(MountFlags.relativeAccessTime.rawValue == UInt32(MS_RELATIME))
    #expect(MountFlags.strictAccessTime.rawValue == UInt32(MS_STRICTATIME))
  }
}
