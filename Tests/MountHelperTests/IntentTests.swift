// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import TestSupport
import Testing

@testable import MountHelper

/// A loop device to write to.
let loop: Intent = {
  guard let plan = LoopPlan(openFlags: HostOpenFlags.readWrite.rawValue, blockSize: 512) else {
    fatalError("the plan is possible")
  }
  return .attachLoopDevice(plan)
}()

/// One of each kind, with the values that are likely to go wrong.
let intents: [Intent] = formatIntents + stepIntents + otherIntents

private let formatIntents: [Intent] = MountPointFormat.allCases.map {
  Intent.mountPoint($0)
}

private let stepIntents: [Intent] =
  Step.allCases.map { Intent.awaiting($0) } + WorkerFailure.allCases.map { Intent.failed($0) }

private let otherIntents: [Intent] =
  [
    .userName([]), .userName(bytes("root")), .fuseDevice, .readOnlyClone, .complete,
    .report([]), .report(bytes("a line")), .report([0, 0xff, 0x0a]),
    .explain([]), .explain(bytes("a line")),
    .setBlockSize(0), .setBlockSize(512), .setBlockSize(.max), loop,
    .mount(MountRequest(source: [])),
    .mount(MountRequest(source: bytes("ext4"), flags: 6)),
    .mount(MountRequest(source: [], superblockOptions: [], userspaceOptions: [])),
    .mount(
      MountRequest(
        fuseblk: true, source: bytes("/dev/sdb1"), superblockOptions: bytes("blksize=512"),
        flags: .max)),
    .mount(MountRequest(source: [0, 0], userspaceOptions: bytes("x-a"), flags: 1)),
  ]

@Suite("Intents between worker and monitor")
struct IntentTests {
  private func expectCanonical(_ bytes: [UInt8]) {
    guard let intent = Intent(decoding: bytes), intent.encoded() != bytes else { return }
    Issue.record("\(bytes) reads as \(intent), which is written otherwise")
  }

  @Test(arguments: intents)
  func `An intent reads back as it was written`(intent: Intent) {
    #expect(Intent(decoding: intent.encoded()) == intent)
  }

  @Test func `No two intents are written alike`() {
    #expect(Set(intents.map { $0.encoded() }).count == intents.count)
  }

  @Test(arguments: intents)
  func `A prefix of an intent is none, or a shorter line`(intent: Intent) {
    let encoded = intent.encoded()
    for length in 0..<encoded.count {
      let prefix = Array(encoded.prefix(length))
      switch Intent(decoding: prefix) {
      case nil: break
      case .report?, .explain?, .userName?: expectCanonical(prefix)
      case let other?: Issue.record("\(prefix) of \(intent) reads as \(other)")
      }
    }
  }

  @Test(arguments: intents)
  func `A byte more makes an intent none, or a longer line`(intent: Intent) {
    let longer = intent.encoded() + [0]
    switch intent {
    case .report(let line): #expect(Intent(decoding: longer) == .report(line + [0]))
    case .explain(let line): #expect(Intent(decoding: longer) == .explain(line + [0]))
    case .userName(let name): #expect(Intent(decoding: longer) == .userName(name + [0]))
    default: #expect(Intent(decoding: longer) == nil)
    }
  }

  @Test(arguments: intents)
  func `An intent with one bit changed is none, or another that is written so`(intent: Intent) {
    let encoded = intent.encoded()
    for position in encoded.indices {
      for bit in 0..<8 {
        var changed = encoded
        changed[position] ^= 1 << bit
        expectCanonical(changed)
        if Intent(decoding: changed) == intent {
          Issue.record("bit \(bit) of byte \(position) of \(intent) is not read")
        }
      }
    }
  }

  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func `Random bytes are none, or an intent that is written so`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<20_000 {
      let length = Int.random(in: 0..<32, using: &generator)
      var noise = (0..<length).map { _ -> UInt8 in
        Bool.random(using: &generator) ? 0 : UInt8.random(in: 0...2, using: &generator)
      }
      if !noise.isEmpty { noise[0] = UInt8.random(in: 0...12, using: &generator) }
      expectCanonical(noise)
    }
  }

  @Test(
    arguments: [
      // A length beyond the packet, up to the largest that can be written.
      [10, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff], [10, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 1],
      // No source; an absent string with a length; a flag that is neither 0 nor 1.
      [10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      [10, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x61, 0, 0, 0, 0, 0],
      [10, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      [10, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      [], [0], [13], [255], [1], [1, 2], [2, 0], [3, 6], [7, 0], [8, 0, 0, 0], [9, 0, 0, 0, 2],
      // A loop device to append to, with access mode 3, with a block size that is none.
      [9, 0, 0, 4, 2, 0, 0, 0, 0], [9, 0, 0, 0, 3, 0, 0, 0, 0], [9, 0, 0, 0, 2, 0, 0, 0, 1],
      [11, 0], [12, 2],
    ] as [[UInt8]])
  func `What is no intent is refused`(bytes: [UInt8]) {
    #expect(Intent(decoding: bytes) == nil)
  }

  @Test func `The largest request that a session lets through is no larger than an intent may be`()
  {
    // NAME has at most 4095 bytes; OPTS and MTAB fill their packets.
    let option = [UInt8](repeating: 0x61, count: ProtocolLimits.packetSize - 5)
    let request = MountRequest(
      source: [UInt8](repeating: 0x61, count: SourceName.maximumLength),
      superblockOptions: option, userspaceOptions: option, flags: .max)
    let encoded = Intent.mount(request).encoded()
    #expect(encoded.count <= Intent.maximumSize)
    #expect(Intent(decoding: encoded) == .mount(request))
  }

  @Test func `A mount point's format is written as the kernel wants it`() {
    #expect(MountPointFormat.directory.rootMode == 0o040000)
    #expect(MountPointFormat.regularFile.rootMode == 0o100000)
  }

  @Test(arguments: [nil, 1, 22, 0x8000_0000, .max] as [UInt32?])
  func `An answer reads back as it was written`(number: UInt32?) {
    let answer = IntentAnswer(error: number.map { ErrorNumber(rawValue: $0) })
    #expect(IntentAnswer(decoding: answer.encoded()) == answer)
    for length in 0..<4 {
      #expect(IntentAnswer(decoding: Array(answer.encoded().prefix(length))) == nil)
    }
    #expect(IntentAnswer(decoding: answer.encoded() + [0]) == nil)
  }

  @Test func `Every bit of an answer counts`() {
    let answer = IntentAnswer(error: .permissionDenied).encoded()
    for bit in 0..<32 {
      var changed = answer
      changed[bit / 8] ^= 1 << (bit % 8)
      let decoded = IntentAnswer(decoding: changed)
      #expect(decoded?.encoded() == changed)
      #expect(decoded != IntentAnswer(error: .permissionDenied))
    }
  }
}
