// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import Testing

@Suite("What is recorded of a mount, on its way to the companion")
struct MountRecordTests {
  private func record(_ words: [String], source: String = "disk.img") -> MountRecord {
    MountRecord(
      source: bytes(source), target: bytes("/mnt/a b"), type: bytes("fuse.demo"),
      words: words.map { bytes($0) })
  }

  @Test func `It is what it was before it was sent`() throws {
    for words in [["x-a"], ["x-a=1", "user=alice"], ["x-ä\n", " "]] {
      let record = record(words)
      #expect(MountRecord(decoding: try #require(record.encoded())) == record)
    }
  }

  @Test func `What could not be read back is not sent`() {
    #expect(record([]).encoded() == nil)
    #expect(record([""]).encoded() == nil)
    #expect(record(["x-a"], source: "").encoded() == nil)
    #expect(record(["x-a\0b"]).encoded() == nil)
    #expect(record([String(repeating: "x", count: MountRecord.maximumSize)]).encoded() == nil)
  }

  @Test func `A part of it is none, or says the same again`() throws {
    let whole = try #require(record(["x-a=1", "x-b"]).encoded())
    for count in 0..<whole.count {
      guard let read = MountRecord(decoding: Array(whole.prefix(count))) else { continue }
      #expect(read.encoded() == Array(whole.prefix(count)))
    }
    #expect(MountRecord(decoding: []) == nil)
    #expect(MountRecord(decoding: [0]) == nil)
    #expect(MountRecord(decoding: bytes("a\0b\0c\0\0")) == nil)
    #expect(MountRecord(decoding: bytes("a\0b\0c\0d")) == nil)
  }
}
