// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import MountSession
import Testing

/// What promise 8 of the design and the protocol say to `probe` in `stage`.
private func expectedAction(_ stage: Stage, _ probe: Probe) -> SessionAction {
  if case .fatal(let failure) = probe.kind { return .fail(failure) }
  switch stage.kind {
  case .mounting, .ended:
    return .fail(.outOfTurn)
  case .heard:
    guard case .goodbye(let code) = probe.kind, code != 0 else {
      return .fail(.unexpectedLastWords)
    }
    return .fail(.serverGaveUp(exitCode: code, lastWords: Stage.words))
  case .mounted:
    return expectedActionWhenMounted(probe)
  case .collecting, .hopeless, .mountFailed:
    return expectedActionBeforeMount(stage, probe)
  }
}

private func expectedActionWhenMounted(_ probe: Probe) -> SessionAction {
  switch probe.kind {
  case .goodbye(0): return .complete
  case .goodbye(let code): return .fail(.serverGaveUp(exitCode: code, lastWords: nil))
  case .lastWords: return .wait
  case .file(let request, _, _):
    return .refuseFile(
      .afterMount(probe.magic), path: request.path,
      quiet: request.requestFlags.contains(.quiet))
  case .malformedFile:
    return .refuseFile(.afterMount(probe.magic), path: bytes("?"), quiet: false)
  default: return .refuse(.afterMount(probe.magic))
  }
}

private func expectedActionBeforeMount(_ stage: Stage, _ probe: Probe) -> SessionAction {
  switch probe.kind {
  case .goodbye(0): return .fail(.nothingMounted)
  case .goodbye(let code): return .fail(.serverGaveUp(exitCode: code, lastWords: nil))
  case .lastWords: return .wait
  case .malformedFile:
    return .refuseFile(.malformed(probe.magic), path: bytes("?"), quiet: false)
  case .malformedCommand: return .refuse(.malformed(probe.magic))
  case .file(let request, _, .some(let refusal)):
    return .refuseFile(
      refusal, path: request.path, quiet: request.requestFlags.contains(.quiet))
  case .file(let request, let blockDevice, nil):
    guard let plan = try? rules().openRules.judge(request, blockDevice: blockDevice) else {
      return .wait
    }
    return .open(plan)
  case .setting(let setting, let refusal):
    if stage.taken.contains(setting) { return .refuse(.repeated(probe.magic)) }
    return refusal.map { .refuse($0) } ?? .accept(warnings: [])
  case .mount(let refusal):
    if stage.kind != .collecting { return .refuse(.afterRefusal) }
    guard stage.taken.contains(.name), stage.taken.contains(.mountPoint) else {
      return .refuse(.incomplete)
    }
    return refusal.map { .refuse($0) } ?? .mount(expectedRequest(stage.taken))
  case .fatal(let failure): return .fail(failure)
  }
}

private func expectedRequest(_ taken: [Setting]) -> MountRequest {
  var request = Setting.request
  if !taken.contains(.options) { request.superblockOptions = nil }
  if !taken.contains(.table) { request.userspaceOptions = nil }
  return request
}

/// Whether DOIT can still be accepted after `action`.
private func keepsHope(_ stage: Stage, _ probe: Probe, _ action: SessionAction) -> Bool {
  guard stage.kind == .collecting else { return false }
  switch action {
  case .accept, .open, .refuseFile: return true
  // I/O mapping has no part in the mount, whatever becomes of the wish.
  case .refuse: return probe.magic == .ioMapping
  case .mount, .wait, .complete, .fail: return false
  }
}

@Suite("Every packet in every state")
struct StateTests {
  @Test func `The tables have every command, every error and every state`() {
    #expect(Stage.all.count == 64 + 64 + 5 + 4)
    let decodable = Probe.all.compactMap { try? Command(decoding: $0.packet).magic.rawValue }
    #expect(Set(decodable).count == 11)
    let errors = Probe.all.compactMap { probe -> CommandError? in
      do throws(CommandError) {
        _ = try Command(decoding: probe.packet)
        return nil
      } catch {
        return error
      }
    }
    for error: CommandError in [
      .tooShort, .tooLong, .unknownMagic(0), .malformedFileRequest(.open),
      .malformedFileRequest(.openBlockDevice), .malformedCommand(.filesystemContext),
      .malformedCommand(.source), .malformedCommand(.superblockOptions),
      .malformedCommand(.userspaceOptions), .malformedCommand(.mountPoint),
      .malformedCommand(.mount), .malformedCommand(.ioMapping), .malformedFarewell(.lastWords),
      .malformedFarewell(.goodbye),
    ] {
      #expect(errors.contains(error), "\(error)")
    }
  }

  @Test(arguments: Probe.all)
  func `A packet is answered as its state demands`(probe: Probe) {
    for stage in Stage.all {
      var session = stage.session
      let action = session.handle(probe.packet)
      #expect(action == expectedAction(stage, probe), "\(stage.testDescription)")
    }
  }

  @Test(arguments: Probe.all)
  func `Only what was refused of the mount itself costs the mount`(probe: Probe) {
    for stage in Stage.all {
      var session = stage.session
      let action = session.handle(probe.packet)
      // What is still missing; what is there already would be refused as repeated.
      for setting in [Setting.name, .mountPoint] where !stage.taken.contains(setting) {
        if case .setting(setting, _) = probe.kind { continue }
        _ = session.handle(setting.command)
      }
      let mounts = session.handle(.mount(flags: 6)).isMount
      #expect(mounts == keepsHope(stage, probe, action), "\(stage.testDescription)")
    }
  }

  @Test(arguments: Probe.all)
  func `Nothing brings a session back that has ended`(probe: Probe) {
    for stage in Stage.all {
      var session = stage.session
      let action = session.handle(probe.packet)
      guard action.isFailure || action == .complete else { continue }
      for later in Probe.all {
        let last = session.handle(later.packet)
        if case .fatal(let failure) = later.kind {
          #expect(last == .fail(failure))
        } else {
          #expect(last == .fail(.outOfTurn), "\(stage.testDescription), then \(later.name)")
        }
      }
      session.mountEnded(succeeded: true)
      #expect(session.handle(.goodbye(exitCode: 0)) == .fail(.outOfTurn))
    }
  }

  @Test func `Only DOIT that was accepted can end well`() {
    for stage in Stage.all where stage.kind != .mounting {
      var session = stage.session
      session.mountEnded(succeeded: true)
      let ending = session.handle(.goodbye(exitCode: 0))
      #expect((ending == .complete) == (stage.kind == .mounted), "\(stage.testDescription)")
    }
  }
}
