// SPDX-License-Identifier: LGPL-2.1-or-later

import MountProtocol
import MountSession
import TestSupport
import Testing

/// Packets as a server that has been taken over may send them: mostly near to what is understood.
private func randomPacket(using generator: inout SplitMix64) -> [UInt8] {
  var packet = Probe.all[Int.random(in: 0..<Probe.all.count, using: &generator)].packet
  // Most sessions should get further than the first packet.
  if packet.count > 4096 { packet = [] }
  switch Int.random(in: 0..<6, using: &generator) {
  case 0:
    packet = Array(packet.prefix(Int.random(in: 0...packet.count, using: &generator)))
  case 1:
    if let position = packet.indices.randomElement(using: &generator) {
      packet[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    }
  case 2:
    packet += (0..<Int.random(in: 1..<9, using: &generator)).map { _ in
      UInt8.random(in: .min ... .max, using: &generator)
    }
  case 3 where packet.count > 4:
    packet.replaceSubrange(
      4..., with: (4..<packet.count).map { _ in UInt8.random(in: 0...3, using: &generator) })
  default:
    break
  }
  return packet
}

/// A session in a random order with random packets in between, few or many.
private func randomStream(using generator: inout SplitMix64) -> [[UInt8]] {
  var packets = Setting.ofMount.shuffled(using: &generator).map { $0.command.encoded() }
  packets.append(Command.mount(flags: 6).encoded())
  packets.append(Command.goodbye(exitCode: 0).encoded())
  for _ in 0..<Int.random(in: 0...12, using: &generator) {
    packets.insert(
      randomPacket(using: &generator), at: Int.random(in: 0...packets.count, using: &generator))
  }
  return packets
}

@Suite("Properties of any stream of packets")
struct PropertyTests {
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func `A mount comes once, completion after it, and nothing but failures after an end`(
    seed: UInt64
  ) {
    var generator = SplitMix64(seed: seed)
    var mounts = 0
    var completions = 0
    for _ in 0..<400 {
      let packets = randomStream(using: &generator)
      var session = newSession()
      var hasEnded = false
      var isMounted = false
      var requests = 0
      for packet in packets {
        let action = session.handle(packet)
        if hasEnded, !action.isFailure {
          Issue.record("seed \(seed): \(action) after the end, of \(packets)")
        }
        switch action {
        case .mount:
          requests += 1
          isMounted = Bool.random(using: &generator)
          session.mountEnded(succeeded: isMounted)
        case .complete:
          if !isMounted { Issue.record("seed \(seed): nothing to complete in \(packets)") }
          hasEnded = true
          completions += 1
        case .fail:
          hasEnded = true
        case .open:
          if requests > 0, isMounted {
            Issue.record("seed \(seed): a file after the mount in \(packets)")
          }
        case .refuse, .refuseFile:
          // Whatever is refused after the mount takes it back.
          isMounted = false
        case .accept, .wait:
          break
        }
      }
      if requests > 1 { Issue.record("seed \(seed): \(requests) mounts in \(packets)") }
      mounts += requests
    }
    // The streams are not so wild that none gets anywhere.
    #expect(mounts > completions)
    #expect(completions > 0)
  }

  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func `Random bytes never do more than fail`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<2000 {
      let length = Int.random(in: 0..<64, using: &generator)
      var session = newSession()
      let packet = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
      let action = session.handle(packet)
      if !action.isFailure { Issue.record("seed \(seed): \(action) of \(packet)") }
    }
  }
}
