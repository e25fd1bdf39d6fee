// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import LinuxPrimitives
import TestSupport
import Testing

/// Two connected ends; the type itself cannot be taken apart by a pattern.
private struct Ends: ~Copyable {
  let here: PacketSocket
  let there: PacketSocket

  init() throws {
    var pair = try PacketSocket.pair()
    guard let first = pair.first.take(), let second = pair.second.take() else {
      throw Errno.badFileDescriptor
    }
    here = first
    there = second
  }
}

/// What a packet holds, in a form that a test can compare.
private struct Facts {
  var bytes: [UInt8]
  var isTruncated: Bool
  var hasDescriptor: Bool

  init(_ packet: borrowing ReceivedPacket) {
    bytes = packet.bytes
    isTruncated = packet.isTruncated
    switch packet.descriptor {
    case .none: hasDescriptor = false
    case .some: hasDescriptor = true
    }
  }
}

@Suite("Packets on a connected pair")
struct PacketSocketTests {
  @Test(arguments: [1, 2, 4096, 65_536, 65_537])
  func `A packet arrives as it was sent, and packets do not mix`(length: Int) throws {
    let ends = try Ends()
    let packet = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    try ends.here.send(packet, until: patient)
    try ends.here.send([7], until: patient)
    for expected in [packet, [7]] {
      guard let received = try ends.there.receive(limit: 65_537, until: patient) else {
        Issue.record("nothing came")
        return
      }
      let facts = Facts(received)
      #expect(facts.bytes == expected)
      #expect(!facts.isTruncated)
      #expect(!facts.hasDescriptor)
    }
  }

  @Test(arguments: [(9, 10, false), (10, 10, false), (11, 10, true), (65_536, 10, true)])
  func `A packet longer than the limit is cut and marked, and the next is whole`(
    length: Int, limit: Int, isTruncated: Bool
  ) throws {
    let ends = try Ends()
    try ends.here.send([UInt8](repeating: 1, count: length), until: patient)
    try ends.here.send([2], until: patient)
    guard let first = try ends.there.receive(limit: limit, until: patient),
      let second = try ends.there.receive(limit: limit, until: patient)
    else {
      Issue.record("nothing came")
      return
    }
    let cut = Facts(first)
    let whole = Facts(second)
    #expect(cut.bytes == [UInt8](repeating: 1, count: min(length, limit)))
    #expect(cut.isTruncated == isTruncated)
    #expect(whole.bytes == [2])
    #expect(!whole.isTruncated)
  }

  // MARK: Descriptors

  @Test func `A descriptor rides along, and is close-on-exec`() throws {
    let ends = try Ends()
    let file = try memoryFile(bytes("content"))
    try ends.here.send([1, 2], passing: file.rawValue, until: patient)
    guard var packet = try ends.there.receive(limit: 8, acceptsDescriptor: true, until: patient),
      let passed = packet.takeDescriptor()
    else {
      Issue.record("no descriptor came")
      return
    }
    let rest = Facts(packet)
    #expect(rest.bytes == [1, 2])
    #expect(!rest.hasDescriptor)
    #expect(passed.rawValue != file.rawValue)
    let isSame = try passed.status().isSameFile(as: try file.status())
    #expect(isSame)
    #expect(isCloseOnExec(passed.rawValue))
  }

  @Test func `Without a descriptor none is taken, though one would be accepted`() throws {
    let ends = try Ends()
    try ends.here.send([1], until: patient)
    guard let packet = try ends.there.receive(limit: 8, acceptsDescriptor: true, until: patient)
    else {
      Issue.record("nothing came")
      return
    }
    let facts = Facts(packet)
    #expect(!facts.hasDescriptor)
  }

  @Test func `A descriptor that is not wanted is dropped, and the packet is not`() throws {
    let ends = try Ends()
    let witness = try Witness()
    try ends.here.send([1], passing: witness.number, until: patient)
    witness.close()
    let isInFlight = !witness.isClosed(by: soon)
    #expect(isInFlight)
    guard let packet = try ends.there.receive(limit: 8, until: patient) else {
      Issue.record("nothing came")
      return
    }
    let facts = Facts(packet)
    #expect(facts.bytes == [1])
    #expect(!facts.hasDescriptor)
    let isClosed = witness.isClosed(by: patient)
    #expect(isClosed)
  }

  @Test(arguments: [2, 3, 253])
  func `Of many descriptors the first is kept and the others are dropped`(count: Int) throws {
    let ends = try Ends()
    let kept = try Witness()
    let dropped = try Witness()
    let numbers = [kept.number] + [Int32](repeating: dropped.number, count: count - 1)
    try send([1], passing: numbers, on: ends.here)
    kept.close()
    dropped.close()
    guard var packet = try ends.there.receive(limit: 8, acceptsDescriptor: true, until: patient),
      let descriptor = packet.takeDescriptor()
    else {
      Issue.record("no descriptor came")
      return
    }
    #expect(isOpen(descriptor.rawValue))
    let isDropped = dropped.isClosed(by: patient)
    #expect(isDropped)
    let isKept = !kept.isClosed(by: soon)
    #expect(isKept)
    #expect(isOpen(descriptor.rawValue))
  }

  @Test(arguments: [1, 253])
  func `Many descriptors that are not wanted are all dropped`(count: Int) throws {
    let ends = try Ends()
    let witness = try Witness()
    let numbers = [Int32](repeating: witness.number, count: count)
    try send([1], passing: numbers, on: ends.here)
    witness.close()
    let packet = try ends.there.receive(limit: 8, until: patient)?.bytes
    #expect(packet == [1])
    let isClosed = witness.isClosed(by: patient)
    #expect(isClosed)
  }

  @Test func `A descriptor that nobody takes out of its packet is closed with it`() throws {
    let ends = try Ends()
    let witness = try Witness()
    try ends.here.send([1], passing: witness.number, until: patient)
    witness.close()
    do {
      guard let packet = try ends.there.receive(limit: 8, acceptsDescriptor: true, until: patient)
      else { return }
      let facts = Facts(packet)
      #expect(facts.hasDescriptor)
    }
    let isClosed = witness.isClosed(by: patient)
    #expect(isClosed)
  }

  @Test func `A peer whose descriptors are refused cannot send one, where the kernel knows how`()
    throws
  {
    let ends = try Ends()
    let error = errno { () throws(Errno) in try ends.there.refuseDescriptors() }
    let file = try memoryFile([])
    let sent = errno { () throws(Errno) in
      try ends.here.send([1], passing: file.rawValue, until: patient)
    }
    switch error {
    case nil: #expect(sent == .notPermitted)
    case .noProtocolOption?: #expect(sent == nil)
    case let other?: Issue.record("\(other)")
    }
  }

  @Test func `A number that is no descriptor cannot be sent`() throws {
    let ends = try Ends()
    let error = errno { () throws(Errno) in
      try ends.here.send([1], passing: 1 << 20, until: patient)
    }
    #expect(error == .badFileDescriptor)
  }

  // MARK: Ends and deadlines

  @Test func `A wait for a packet ends with its deadline`() throws {
    let ends = try Ends()
    let error = errno { () throws(Errno) in
      _ = try ends.there.receive(limit: 8, until: soon)?.bytes
    }
    #expect(error == .timedOut)
  }

  @Test func `A wait for room ends with its deadline`() throws {
    let ends = try Ends()
    var error: Errno?
    for _ in 0..<100_000 where error == nil {
      error = errno { () throws(Errno) in
        try ends.here.send([UInt8](repeating: 0, count: 4096), until: soon)
      }
    }
    #expect(error == .timedOut)
    // What was sent is still there, and makes room.
    #expect(try ends.there.receive(limit: 4096, until: patient)?.bytes.count == 4096)
  }

  @Test func `The end of the peer is an end, and what it sent before is not lost`() throws {
    var pair = try PacketSocket.pair()
    try pair.first?.send([1], until: patient)
    pair.first = nil
    guard let end = pair.second.take() else { return }
    let packets = [
      try end.receive(limit: 8, until: patient)?.bytes,
      try end.receive(limit: 8, until: patient)?.bytes,
    ]
    #expect(packets == [[1], nil])
    let error = errno { () throws(Errno) in try end.send([1], until: patient) }
    #expect(error == .brokenPipe)
  }

  @Test func `A peer that ends without reading what it was sent has reset the connection`() throws {
    var pair = try PacketSocket.pair()
    guard let end = pair.first.take() else { return }
    try end.send([1], until: patient)
    pair.second = nil
    let error = errno { () throws(Errno) in
      _ = try end.receive(limit: 8, until: patient)?.bytes
    }
    #expect(error == .connectionReset)
  }

  @Test func `A packet of no byte is an end`() throws {
    let ends = try Ends()
    try ends.here.send([], until: patient)
    let packet = try ends.there.receive(limit: 8, until: patient)?.bytes
    #expect(packet == nil)
  }

  @Test func `A connection that is shut down is at its end on both sides`() throws {
    let ends = try Ends()
    ends.here.shutDown()
    let received = [
      try ends.here.receive(limit: 8, until: patient)?.bytes,
      try ends.there.receive(limit: 8, until: patient)?.bytes,
    ]
    #expect(received == [nil, nil])
  }

  @Test func `Both ends are close-on-exec, and hold the longest request`() throws {
    let ends = try Ends()
    #expect(isCloseOnExec(ends.here.descriptor.rawValue))
    #expect(isCloseOnExec(ends.there.descriptor.rawValue))
    #expect(try ends.here.sendBufferSize() >= 4117)
  }
}
