// SPDX-License-Identifier: LGPL-2.1-or-later

import MountProtocol
import Testing

@testable import MountPolicy

@Suite("Plans in words")
struct PlanWordsTests {
  private func request(
    _ flags: UInt32, path: String = "disk.img", blockDevice: Bool = false, blockSize: UInt32 = 0
  ) throws -> String {
    let rules = OpenRules(
      namedFiles: NamedFiles(operands: [bytes(path)], optionValues: []), readOnly: false,
      caller: user)
    let request = OpenRequest(path: bytes(path), openFlags: flags, blockSize: blockSize)
    return text(try rules.judge(request, blockDevice: blockDevice).words)
  }

  @Test(
    arguments: [
      (0, "read-only"), (1, "write-only"), (2, "read-write"), (0o200, "read-only"),
      (0o102, "read-write, created if it is missing"),
    ] as [(UInt32, String)])
  func `A request for a file says how the server wants it`(flags: UInt32, words: String) throws {
    #expect(try request(flags) == "'disk.img', \(words)")
  }

  @Test func `A request for a block device says so`() throws {
    #expect(try request(0, blockDevice: true) == "'disk.img', read-only, a block device")
    #expect(
      try request(2, blockDevice: true, blockSize: 512)
        == "'disk.img', read-write, a block device, block size 512")
  }

  @Test func `A long path is shortened, so that the rest is seen`() throws {
    let words = try request(2, path: String(repeating: "p", count: 4095))
    #expect(words.hasSuffix("p...', read-write"))
    #expect(words.utf8.count < 200)
  }

  @Test func `A mount says type, source, options, flags and what is recorded`() {
    var plan = MountPlan(
      subtype: bytes("ext4"), source: bytes("disk.img"), fuseblk: false, flags: [],
      parameters: [], userspaceWords: [])
    #expect(
      text(plan.words)
        == "type fuse.ext4, source 'disk.img', options none, flags none, to be recorded none")
    plan.fuseblk = true
    plan.flags = [.readOnly, .noSetID]
    plan.parameters = [
      .flag(bytes("allow_other")), .value(key: bytes("blksize"), value: bytes("512")),
    ]
    plan.userspaceWords = list("x-a", "x-b=c")
    #expect(
      text(plan.words)
        == "type fuseblk.ext4, source 'disk.img', options allow_other,blksize=512, "
        + "flags ro,nosuid, to be recorded x-a,x-b=c")
  }

  @Test func `However long its parts are, a mount's line shows all of them`() {
    let long = [UInt8](repeating: 0x61, count: 4095)
    let plan = MountPlan(
      subtype: bytes("ext4"), source: long, fuseblk: false, flags: MountFlags.serverMayAsk,
      parameters: [.value(key: bytes("context"), value: long)], userspaceWords: [long])
    #expect(plan.words.count < 1000)
    #expect(text(plan.words).contains("aaa...', options context=aaa"))
    #expect(text(plan.words).hasSuffix("aaa..."))
  }
}
