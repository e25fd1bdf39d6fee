// SPDX-License-Identifier: LGPL-2.1-or-later

import LinuxPrimitives
import MountPolicy
import MountProtocol
import Testing

@testable import MountHelper

private let orders: [MounterOrder] = intents.flatMap { intent in
  [-1, 0, 30_000, .max, .min].map { MounterOrder(intent: intent, milliseconds: $0) }
}

private let reports: [MounterReport] = [
  .made(isSuperblockNew: true), .made(isSuperblockNew: false), .oneStepOnly,
  .failed(ErrorNumber(rawValue: 16), bytes("why")), .failed(ErrorNumber(rawValue: .max), []),
  .done([]), .done(bytes("steps")), .refused([]), .refused(bytes("why")),
]

@Suite("What monitor and mounter say to each other")
struct MounterOrderTests {
  @Test func `An order is what it was before it was sent`() {
    for order in orders { #expect(MounterOrder(decoding: order.encoded()) == order) }
  }

  @Test func `A report is what it was before it was sent`() {
    for report in reports { #expect(MounterReport(decoding: report.encoded()) == report) }
  }

  @Test func `A part of an order or a report is none, or says the same again`() {
    for order in orders {
      let whole = order.encoded()
      for count in 0..<whole.count {
        guard let read = MounterOrder(decoding: Array(whole.prefix(count))) else { continue }
        #expect(read.encoded() == Array(whole.prefix(count)))
      }
    }
    for report in reports {
      let whole = report.encoded()
      for count in 0..<whole.count {
        guard let read = MounterReport(decoding: Array(whole.prefix(count))) else { continue }
        #expect(read.encoded() == Array(whole.prefix(count)))
      }
    }
  }

  @Test func `A report of no known kind is none`() {
    for kind in UInt8(5)...255 {
      #expect(MounterReport(decoding: [kind]) == nil)
      #expect(MounterReport(decoding: [kind, 0, 0, 0, 0, 0]) == nil)
    }
    #expect(MounterReport(decoding: [0]) == nil)
    #expect(MounterReport(decoding: [1, 0]) == nil)
    #expect(MounterReport(decoding: [2, 0, 0, 0]) == nil)
  }

  @Test func `A line that is too long for a packet is cut`() {
    let line = [UInt8](repeating: 0x61, count: 2 * MounterReport.maximumSize)
    for report in [MounterReport.done(line), .refused(line), .failed(.busy, line)] {
      #expect(report.encoded().count == MounterReport.maximumSize)
      #expect(MounterReport(decoding: report.encoded()) != nil)
    }
  }

  @Test(arguments: [1, 5, 125, 255] as [Int32])
  func `A mounter that ends without a word has made and attached nothing`(status: Int32) throws {
    var pair = try PacketSocket.pair()
    let line = pair.first.take()
    let child = try ChildProcess.fork { status }
    pair.second = nil
    guard let line = consume line else { return }
    let process = MounterProcess(LinkedChild(process: child, line: line))
    let device = try openFile(bytes("/dev/null"))
    let patience = Patience(cleaningUpUntil: .after(seconds: 5))
    var isMade = true
    do throws(MountFailure) {
      if try process.make(MountRequest(source: [0x61]), fuseDevice: device, patience: patience)
        == nil
      {
        isMade = false
      }
    } catch {
      isMade = false
    }
    #expect(!isMade)
    var ending: FinisherEnding?
    ending = try? process.complete(patience: patience)
    #expect(ending == nil)
  }
}
