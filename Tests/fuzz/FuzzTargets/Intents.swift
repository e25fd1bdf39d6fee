// SPDX-License-Identifier: LGPL-2.1-or-later

import MountHelper
import MountPolicy
import MountProtocol

extension FuzzTarget {
  /// The input is a setting (see `Scene`) and then records: the caller's `-o`, and the intents of a
  /// worker that its server has taken over (see `FuzzInput.packet()`), which go through a socket.
  public static let intents = FuzzTarget(name: "intents") { (bytes) throws(BrokenPromise) in
    var input = FuzzInput(bytes)
    let scene = try Scene(
      setting: input.byte(), optionArguments: [input.record() ?? []],
      operands: [Array("/dev/loop0".utf8)], mountPoint: Array("mnt".utf8))
    var witness = GateWitness()
    let wire = try Wire()
    while let packet = input.packet() {
      let record = try wire.carry(packet, limit: Intent.maximumSize, acceptsDescriptor: true)
      if let answer = IntentAnswer(decoding: record) {
        try promise(answer.encoded() == record, "\(answer) of \(shown(record))")
      }
      guard let intent = Intent(decoding: record) else { continue }
      try promise(intent.encoded() == record, "\(intent) of \(shown(record))")
      try witness.note(intent)
      if case .mount(let request) = intent { _ = try scene.plan(for: request) }
      if case .report(let line) = intent, !line.isEmpty { try promiseIsShownSafely(line) }
    }
  }
}

/// What the monitor's gate let through, in terms of DESIGN's promises.
private struct GateWitness {
  private var gate = IntentGate()
  private var hasMountPoint = false
  private var hasFuseDevice = false
  private var hasWaited = false
  private var hasMount = false
  private var isOver = false

  mutating func note(_ intent: Intent) throws(BrokenPromise) {
    guard gate.admits(intent) else { return }
    func what() -> String { "\(intent) is let through" }
    try promise(!isOver, "after the end, \(what())")
    switch intent {
    case .mountPoint:
      try promise(!hasMountPoint && !hasFuseDevice, what())
      hasMountPoint = true
    case .fuseDevice:
      try promise(hasMountPoint && !hasFuseDevice, what())
      hasFuseDevice = true
    case .awaiting(.connection):
      try promise(!hasMountPoint && !hasWaited, what())
      hasWaited = true
    case .awaiting(.command), .awaiting(.file):
      try promise(hasFuseDevice, what())
    case .awaiting(.paths), .awaiting(.hello):
      try promise(false, what())
    case .report, .explain:
      break
    case .userName, .readOnlyClone, .setBlockSize, .attachLoopDevice:
      try promise(hasFuseDevice && !hasMount, what())
    case .mount:
      try promise(hasFuseDevice && !hasMount, what())
      hasMount = true
    case .complete:
      try promise(hasMount, what())
      isOver = true
    case .failed(let failure):
      // A caller may fall back to an uncontained driver then, so no server may cause it.
      try promise(failure == .failed || !hasMountPoint, what())
      isOver = true
    }
  }
}
