// SPDX-License-Identifier: LGPL-2.1-or-later

import MountProtocol
import TestSupport
import Testing

@Suite("Properties of every packet")
struct PropertyTests {
  private static let rounds = 20

  /// Records where `bytes` read as something that is not written as the same bytes again.
  private func expectCanonical(_ bytes: [UInt8], _ origin: Packet, seed: UInt64) {
    // No #expect for what holds: this runs a million times.
    let readings = Packet.readings(of: bytes)
    if readings.count > 1 {
      Issue.record("seed \(seed): \(bytes), made of \(origin), is all of \(readings)")
    }
    for reading in readings where reading.encoded() != bytes {
      Issue.record("seed \(seed): \(bytes), made of \(origin), reads as \(reading)")
    }
  }

  private func forEachPacket(seed: UInt64, _ body: (Packet) -> Void) {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<Self.rounds {
      for packet in generator.packetsOfEveryKind() { body(packet) }
    }
  }

  @Test(arguments: PropertySeed.all)
  func `Every packet reads back as it was written, and as nothing else`(seed: UInt64) {
    forEachPacket(seed: seed) { packet in
      #expect(Packet.readings(of: packet.encoded()) == [packet], "seed \(seed)")
    }
  }

  @Test(arguments: PropertySeed.all)
  func `No prefix of a packet is a packet`(seed: UInt64) {
    forEachPacket(seed: seed) { packet in
      let bytes = packet.encoded()
      for length in 0..<bytes.count {
        let readings = Packet.readings(of: Array(bytes.prefix(length)))
        if !readings.isEmpty {
          Issue.record("seed \(seed): \(length) bytes of \(packet) read as \(readings)")
        }
      }
    }
  }

  @Test(arguments: PropertySeed.all)
  func `A byte more makes a packet unreadable`(seed: UInt64) {
    forEachPacket(seed: seed) { packet in
      for byte: UInt8 in [0, 1, 0xff] {
        let readings = Packet.readings(of: packet.encoded() + [byte])
        if !readings.isEmpty {
          Issue.record("seed \(seed): \(packet) and \(byte) read as \(readings)")
        }
      }
    }
  }

  @Test(arguments: PropertySeed.all)
  func `A packet with one bit changed is refused or written as the same bytes`(seed: UInt64) {
    forEachPacket(seed: seed) { packet in
      let bytes = packet.encoded()
      for position in bytes.indices {
        for bit in 0..<8 {
          var changed = bytes
          changed[position] ^= 1 << bit
          expectCanonical(changed, packet, seed: seed)
          if Packet.readings(of: changed) == [packet] {
            Issue.record("seed \(seed): bit \(bit) of byte \(position) of \(packet) is not read")
          }
        }
      }
    }
  }

  @Test(arguments: PropertySeed.all)
  func `A magic before random bytes is refused or written as the same bytes`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<Self.rounds * 10 {
      for packet in generator.packetsOfEveryKind() {
        let length = Int.random(in: 0..<24, using: &generator)
        // Mostly zeros: random bytes alone would hardly ever be padding, or a terminator.
        let noise = (0..<length).map { _ -> UInt8 in
          Bool.random(using: &generator) ? 0 : UInt8.random(in: .min ... .max, using: &generator)
        }
        expectCanonical(Array(packet.encoded().prefix(4)) + noise, packet, seed: seed)
      }
    }
  }
}
