// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import Testing

@testable import MountHelper

extension IntentGate {
  /// Sends `intent` and compares the gate's answer.
  fileprivate mutating func expect(
    _ isPermitted: Bool, _ intent: Intent, at location: SourceLocation = #_sourceLocation
  ) {
    let answer = admits(intent)
    #expect(answer == isPermitted, "\(intent)", sourceLocation: location)
  }
}

/// What a worker has sent so far.
private struct Phase: CustomTestStringConvertible {
  var name: String
  var way: [Intent]
  /// What it may send next.
  var permits: [Intent]

  var testDescription: String { name }

  var gate: IntentGate {
    var gate = IntentGate()
    for intent in way { gate.expect(true, intent) }
    return gate
  }

  private static let request = Intent.mount(MountRequest(source: bytes("ext4")))
  private static let always: [Intent] = [
    .report(bytes("a")), .explain(bytes("a")), .failed(.failed),
  ]
  private static let pins: [Intent] = MountPointFormat.allCases.map { .mountPoint($0) }
  private static let prepared: [Intent] = [.mountPoint(.directory), .fuseDevice]

  static let all: [Phase] = [
    Phase(
      name: "nothing sent", way: [],
      permits: always + pins + [.awaiting(.connection), .failed(.noService)]),
    Phase(
      name: "waiting for a place in the queue", way: [.awaiting(.connection)],
      permits: always + pins + [.failed(.noService)]),
    Phase(
      name: "mount point handed over", way: [.mountPoint(.directory)],
      permits: always + [.fuseDevice]),
    Phase(
      name: "fuse device handed over", way: prepared,
      permits: always + [
        .awaiting(.command), .awaiting(.file), .userName(bytes("a")), .readOnlyClone,
        .setBlockSize(512), loop, request,
      ]),
    Phase(
      name: "mounted", way: prepared + [request],
      permits: always + [.awaiting(.command), .awaiting(.file), .complete]),
    Phase(name: "complete", way: prepared + [request, .complete], permits: []),
    Phase(name: "failed", way: prepared + [.failed(.failed)], permits: []),
    Phase(name: "no service", way: [.failed(.noService)], permits: []),
    Phase(
      name: "no service after all", way: [.awaiting(.connection), .failed(.noService)], permits: []),
  ]

  static let intents: [Intent] =
    always + MountPointFormat.allCases.map { .mountPoint($0) }
    + Step.allCases.map { .awaiting($0) } + [
      .fuseDevice, .userName(bytes("a")), .readOnlyClone, .setBlockSize(512), loop, request,
      .complete, .failed(.noService),
    ]
}

@Suite("Which intent is permitted when")
struct IntentGateTests {
  @Test(arguments: Phase.all)
  private func `Each phase permits its intents and no other`(phase: Phase) {
    for intent in Phase.intents {
      var gate = phase.gate
      gate.expect(phase.permits.contains(intent), intent)
    }
  }

  @Test(arguments: Phase.all)
  private func `An intent that is not permitted opens no later door`(phase: Phase) {
    for intent in Phase.intents where !phase.permits.contains(intent) {
      var gate = phase.gate
      _ = gate.admits(intent)
      for next in Phase.intents {
        var copy = gate
        copy.expect(phase.permits.contains(next), next)
      }
    }
  }

  @Test func `The mount point and the fuse device are taken once`() {
    var gate = IntentGate()
    gate.expect(true, .mountPoint(.directory))
    gate.expect(false, .mountPoint(.directory))
    gate.expect(true, .fuseDevice)
    gate.expect(false, .fuseDevice)
    gate.expect(false, .mountPoint(.directory))
  }

  @Test func `No service is believed only of a worker that cannot have listened to one`() {
    let way: [Intent] = [.awaiting(.connection), .mountPoint(.directory), .fuseDevice]
    for length in 0...way.count {
      var gate = IntentGate()
      for intent in way.prefix(length) { gate.expect(true, intent) }
      gate.expect(length < 2, .failed(.noService))
    }
  }

  @Test func `Intents are bounded in number`() {
    var gate = IntentGate()
    for _ in 0..<IntentGate.limit { gate.expect(true, .report([])) }
    gate.expect(false, .report([]))
    gate.expect(false, .failed(.failed))
  }

  @Test func `A session that uses every request it has is permitted to the end`() {
    var gate = IntentGate()
    var refused = 0
    func send(_ intents: Intent...) {
      for intent in intents where !gate.admits(intent) { refused += 1 }
    }
    send(.awaiting(.connection), .mountPoint(.directory), .fuseDevice)
    // Read-only files of a caller who said `ro`: what the worker sends for each.
    for _ in 0..<ProtocolLimits.fileRequests {
      send(
        .awaiting(.command), .explain(bytes("asked")), .awaiting(.file), .userName(bytes("a")),
        .readOnlyClone, .explain(bytes("opened")))
    }
    // The other packets of a session that gets as far as the mount, with the longest warnings.
    for _ in 0..<5 { send(.awaiting(.command)) }
    for _ in 0..<9 { send(.report(bytes("dropped"))) }
    send(.awaiting(.command), .mount(MountRequest(source: bytes("a"))), .awaiting(.command))
    send(.complete)
    #expect(refused == 0)
  }
}
