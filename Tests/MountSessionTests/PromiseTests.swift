// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import Testing

@testable import MountSession

private let someFile = Command.open(OpenRequest(path: bytes("disk.img"), openFlags: 0))
private let someDevice = Command.openBlockDevice(
  OpenRequest(path: bytes("disk.img"), openFlags: 0))
private let otherFile = Command.open(OpenRequest(path: bytes("/etc/shadow"), openFlags: 0))

@Suite("Promise 8: each command once, in any order that makes sense")
struct PromiseTests {
  @Test func `Every order of TYPE, NAME, OPTS, MTAB and MNTP asks for the same mount`() {
    let orders = permutations(of: Setting.ofMount)
    #expect(orders.count == 120)
    for order in orders {
      var session = newSession()
      // Nothing has an effect before DOIT.
      let actions = session.handle(all: order.map { $0.command })
      #expect(actions.allSatisfy { $0 == .accept(warnings: []) }, "\(order)")
      #expect(session.handle(.mount(flags: 6)) == .mount(Setting.request), "\(order)")
    }
  }

  @Test func `Files may be asked for between any two commands`() {
    for order in permutations(of: Setting.ofMount) {
      var session = newSession()
      for setting in order {
        _ = session.handle(otherFile)
        _ = session.handle(setting.command)
        _ = session.handle(someFile)
      }
      #expect(session.handle(.mount(flags: 6)) == .mount(Setting.request), "\(order)")
    }
  }

  @Test func `DOIT needs NAME and MNTP and nothing else`() {
    for taken in subsets(of: Setting.allCases) {
      var session = newSession()
      _ = session.handle(all: taken.map { $0.command })
      let isEnough = taken.contains(.name) && taken.contains(.mountPoint)
      #expect(session.handle(.mount(flags: 0)).isMount == isEnough, "\(taken)")
    }
  }

  @Test(arguments: Setting.allCases)
  func `A command comes once, also when it says the same`(setting: Setting) {
    var session = newSession()
    #expect(session.handle(setting.command) == .accept(warnings: []))
    #expect(session.handle(setting.command) == .refuse(.repeated(setting.command.magic)))
  }

  @Test func `A command that was refused may not come again either`() {
    var session = newSession()
    #expect(
      session.handle(.source(bytes("/etc/shadow")))
        == .refuse(.policy(.sourceNotNamed(bytes("/etc/shadow")))))
    #expect(session.handle(.source(bytes("ext4"))) == .refuse(.repeated(.source)))
  }

  @Test(
    arguments: [
      .filesystemContext(.fuseblk), .source(bytes("a\nb")), .superblockOptions(bytes("user_id=0")),
      .mountPoint(expectedFormat: 0, path: bytes("disk.img")),
      .mountPoint(expectedFormat: 0o100000, path: bytes("mnt")),
    ] as [Command])
  func `When one command is refused there is no mount, wherever it stands`(refused: Command) {
    for place in 0...Setting.ofMount.count {
      var session = newSession()
      var commands = Setting.ofMount.map { $0.command }
      commands.insert(refused, at: place)
      let actions = session.handle(all: commands)
      #expect(actions.contains { if case .refuse = $0 { true } else { false } })
      #expect(session.handle(.mount(flags: 6)) == .refuse(.afterRefusal))
      #expect(session.handle(.mount(flags: 6)) == .refuse(.afterRefusal))
      #expect(session.handle(.goodbye(exitCode: 0)) == .fail(.nothingMounted))
    }
  }

  @Test func `A DOIT that is refused is not taken a second time`() {
    var session = newSession()
    _ = session.handle(all: Setting.ofMount.map { $0.command })
    #expect(
      session.handle(.mount(flags: 1 << 13)) == .refuse(.policy(.mountFlagsNotAllowed(1 << 13))))
    #expect(session.handle(.mount(flags: 6)) == .refuse(.afterRefusal))
  }

  @Test func `What two commands contradict is refused at DOIT, in either order`() {
    for commands: [Command] in [
      [.superblockOptions(bytes("blksize=512")), .filesystemContext([])],
      [.filesystemContext([]), .superblockOptions(bytes("blksize=512"))],
      [.superblockOptions(bytes("blksize=512"))],
    ] {
      var session = newSession(caller: root)
      let actions = session.handle(
        all: commands + [Setting.name.command, Setting.mountPoint.command])
      #expect(actions.allSatisfy { $0 == .accept(warnings: []) })
      #expect(session.handle(.mount(flags: 6)) == .refuse(.policy(.blockSizeNeedsFuseblk)))
    }
  }

  @Test func `Root's fuseblk reaches the request`() {
    var session = newSession(caller: root)
    let actions = session.handle(
      all: [
        .superblockOptions(bytes("blksize=512")), .filesystemContext(.fuseblk),
        .source(bytes("disk.img")), Setting.mountPoint.command, .mount(flags: 0),
      ])
    #expect(
      actions.last
        == .mount(
          MountRequest(
            fuseblk: true, source: bytes("disk.img"), superblockOptions: bytes("blksize=512"))))
  }

  @Test func `Userspace options that are left out are warned about and accepted`() {
    var session = newSession()
    #expect(
      session.handle(.userspaceOptions(bytes("uhelper=evil,x-a")))
        == .accept(warnings: [.dropped(bytes("uhelper=evil"))]))
  }

  // MARK: The ends

  @Test func `After DOIT a goodbye of 0 completes the mount`() {
    var session = newSession()
    _ = session.handle(all: Setting.ofMount.map { $0.command } + [.mount(flags: 6)])
    session.mountEnded(succeeded: true)
    #expect(session.handle(.goodbye(exitCode: 0)) == .complete)
  }

  @Test(arguments: Probe.all)
  func `After DOIT whatever is not a farewell costs the mount`(probe: Probe) {
    var session = newSession()
    _ = session.handle(all: Setting.ofMount.map { $0.command } + [.mount(flags: 6)])
    session.mountEnded(succeeded: true)
    let action = session.handle(probe.packet)
    if case .goodbye(0) = probe.kind {
      #expect(action == .complete)
    } else {
      #expect(session.handle(.goodbye(exitCode: 0)).isFailure)
    }
  }

  @Test(arguments: Probe.all)
  func `After DOIT what was refused once is refused again, whatever it is`(probe: Probe) {
    for first in [someFile, .ioMapping(.mandatory), .source(bytes("demo"))] {
      var session = newSession()
      _ = session.handle(.source(bytes("disk.img")))
      _ = session.handle(Setting.mountPoint.command)
      _ = session.handle(.mount(flags: 6))
      session.mountEnded(succeeded: true)
      _ = session.handle(first)
      switch session.handle(probe.packet) {
      case .refuse, .refuseFile, .fail, .wait: break
      case let action: Issue.record("\(action) after \(first)")
      }
    }
  }

  @Test func `A mount that failed is not completed by a goodbye of 0`() {
    var session = newSession()
    _ = session.handle(all: Setting.ofMount.map { $0.command } + [.mount(flags: 6)])
    session.mountEnded(succeeded: false)
    #expect(session.handle(.goodbye(exitCode: 0)) == .fail(.nothingMounted))
  }

  @Test(arguments: [1, 2, 255, 256, 512, 1 << 31, .max] as [UInt32])
  func `A goodbye of another code than 0 fails, with the last words if there were any`(
    code: UInt32
  ) {
    for words in [nil, bytes("no such image")] {
      var session = newSession()
      if let words { #expect(session.handle(.lastWords(words)) == .wait) }
      #expect(
        session.handle(.goodbye(exitCode: code))
          == .fail(.serverGaveUp(exitCode: code, lastWords: words)))
    }
  }

  @Test func `Last words come once and just before a goodbye that is not 0`() {
    for next: Command in [
      .lastWords(bytes("b")), .goodbye(exitCode: 0), someFile, .mount(flags: 0),
      .source(bytes("ext4")),
    ] {
      var session = newSession()
      #expect(session.handle(.lastWords(bytes("a"))) == .wait)
      #expect(session.handle(next) == .fail(.unexpectedLastWords))
    }
  }

  @Test func `Last words have at most 512 bytes`() {
    var session = newSession()
    #expect(session.handle(.lastWords([UInt8](repeating: 0x61, count: 512))) == .wait)
    session = newSession()
    #expect(
      session.handle(.lastWords([UInt8](repeating: 0x61, count: 513))) == .fail(.brokenPacket))
  }

  // MARK: How much

  @Test func `OPEN and BDEV, refused or not, come 4,096 times in all`() {
    let requests = [
      someFile.encoded(), someDevice.encoded(), otherFile.encoded(), packet(.open),
      packet(.openBlockDevice),
    ]
    var session = newSession()
    for count in 0..<4096 {
      let action = session.handle(requests[count % requests.count])
      if action.isFailure { Issue.record("request \(count): \(action)") }
    }
    for request in requests {
      var copy = session
      #expect(copy.handle(request) == .fail(.tooManyRequests))
    }
  }

  @Test func `All requests for files leave room for the mount`() {
    var session = newSession()
    for _ in 0..<4096 { _ = session.handle(otherFile) }
    _ = session.handle(all: Setting.allCases.map { $0.command })
    #expect(session.handle(.mount(flags: 6)) == .mount(Setting.request))
    session.mountEnded(succeeded: true)
    #expect(session.handle(.goodbye(exitCode: 0)) == .complete)
  }

  @Test func `A flood of other packets ends the session`() {
    for command: Command in [.source(bytes("a")), .mount(flags: 0), .ioMapping(.optional)] {
      var session = newSession()
      for count in 0..<MountSession.packetLimit {
        let action = session.handle(command)
        if action.isFailure { Issue.record("packet \(count): \(action)") }
      }
      #expect(session.handle(command) == .fail(.tooManyRequests))
      #expect(session.handle(command).isFailure)
    }
  }
}
