// SPDX-License-Identifier: LGPL-2.1-or-later

import LinuxPrimitives
import TestSupport

/// A packet of a hostile peer.
struct HostilePacket {
  /// What it says.
  var bytes: [UInt8]
  /// How many descriptors ride along.
  var descriptorCount = 0
}

extension FuzzInput {
  /// The next packet, which is a record. The two upper bits of its length say what else is odd about
  /// it: 1, that a descriptor rides along; 2, that 250 do; 3, that it is about as long as a packet may
  /// be, its last byte telling how long.
  mutating func packet() -> HostilePacket? {
    guard let (length, oddity) = packetLength() else { return nil }
    var packet = HostilePacket(bytes: bytes(length))
    switch oddity {
    case 1: packet.descriptorCount = 1
    case 2: packet.descriptorCount = 250
    case 3:
      let total = 65_530 + Int(packet.bytes.popLast() ?? 0) % 16
      let more = total - packet.bytes.count - 1
      packet.bytes += [UInt8](repeating: UInt8(ascii: "a"), count: more) + [0]
    default: break
    }
    return packet
  }

  private mutating func packetLength() -> (length: Int, oddity: UInt8)? {
    guard !isAtEnd else { return nil }
    let high = byte()
    return (Int(high & 0x3f) << 8 | Int(byte()), high >> 6)
  }
}

/// A socket between a hostile peer and the helper, as the helper uses it.
struct Wire: ~Copyable {
  private let peer: PacketSocket
  private let helper: PacketSocket
  private var refusesDescriptors = false

  init() throws(BrokenPromise) {
    var pair = try onThisMachine { () throws(Errno) in try PacketSocket.pair() }
    guard let first = pair.first.take(), let second = pair.second.take() else {
      throw BrokenPromise(description: "half a pair")
    }
    peer = first
    helper = second
  }

  /// Refuses descriptors from now on, where the kernel knows how (since 6.16).
  mutating func refuseDescriptors() throws(BrokenPromise) {
    refusesDescriptors = try onThisMachine { () throws(Errno) in
      do throws(Errno) {
        try helper.refuseDescriptors()
        return true
      } catch {
        if error == .noProtocolOption { return false }
        throw error
      }
    }
  }

  /// Sends a packet and returns what the helper receives of it: the bytes up to the limit, and of
  /// the descriptors the first, if it accepts one. All others are closed then, and that one after it.
  func carry(
    _ packet: HostilePacket, limit: Int, acceptsDescriptor: Bool = false
  ) throws(BrokenPromise) -> [UInt8] {
    let witnesses = try onThisMachine { () throws(Errno) -> [Witness] in
      packet.descriptorCount > 0 ? [try Witness(), try Witness()] : []
    }
    let numbers = (0..<packet.descriptorCount).map { witnesses[min($0, 1)].number }
    let isPassed = try send(packet, passing: numbers)
    for witness in witnesses { witness.close() }

    // Less than packaging/fuzz gives an input.
    let patient = Deadline.after(seconds: 8)
    var bytes: [UInt8] = []
    var isTruncated = false
    var isKept = false
    if var received = try onThisMachine({ () throws(Errno) in
      try helper.receive(limit: limit, acceptsDescriptor: acceptsDescriptor, until: patient)
    }) {
      bytes = received.bytes
      isTruncated = received.isTruncated
      let descriptor = received.takeDescriptor()
      isKept = descriptor != nil
      try promise(witnesses.last?.isClosed(by: patient) != false, "a second one stays open")
    }
    try promise(witnesses.first?.isClosed(by: patient) != false, "a descriptor stays open")
    let what = "\(packet.bytes.count) bytes are received as \(bytes.count)"
    try promise(bytes == Array(packet.bytes.prefix(limit)), what)
    try promise(isTruncated == (packet.bytes.count > limit), what)
    // A packet of no byte is the end of the connection, whatever came with it.
    try promise(
      isKept == (isPassed && acceptsDescriptor && !bytes.isEmpty), "a descriptor: \(isKept)")
    return bytes
  }

  /// Sends a packet with descriptors, or without where they are refused, and says whether they went.
  private func send(
    _ packet: HostilePacket, passing numbers: [Int32]
  ) throws(BrokenPromise) -> Bool {
    try onThisMachine { () throws(Errno) in
      do throws(Errno) {
        try TestSupport.send(packet.bytes, passing: numbers, on: peer)
        return !numbers.isEmpty
      } catch {
        guard error == .notPermitted, refusesDescriptors, !numbers.isEmpty else { throw error }
        try TestSupport.send(packet.bytes, passing: [], on: peer)
        return false
      }
    }
  }
}
