// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import MountSession

extension FuzzTarget {
  /// The input is a setting (see `Scene`; bits 3 and 4 choose the mount point, bits 5 and 6 what it
  /// is), a fate for the mount and the descriptors (see `Fate`), and then records: the caller's
  /// `-o`, and the packets of a server (see `FuzzInput.packet()`), which go through a socket.
  public static let session = FuzzTarget(name: "session") { (bytes) throws(BrokenPromise) in
    var input = FuzzInput(bytes)
    let setting = input.byte()
    let fate = Fate(input.byte())
    // What the recorded sessions name.
    let points = ["/mnt/data", "/home/mnt", "/home/file", "mnt"].map { Array($0.utf8) }
    let files = ["/srv/disk.img", "/home/disk.img", "/home/nothing.img", "/dev/loop0"]
      .map { Array($0.utf8) }
    let scene = try Scene(
      setting: setting, optionArguments: [input.record() ?? []],
      operands: files + [Array("/home/".utf8) + [0xe4] + Array(".img".utf8)],
      mountPoint: points[Int(setting >> 3) & 3])
    let kinds: [FileKind] = [.directory, .regular, .directory, .characterDevice]
    var witness = SessionWitness(scene: scene, kind: kinds[Int(setting >> 5) & 3], fate: fate)
    var wire = try Wire()
    if fate.refusesDescriptors { try wire.refuseDescriptors() }
    while let packet = input.packet() {
      // A longer packet is cut one byte beyond the limit, as ServiceConnection does.
      try witness.feed(try wire.carry(packet, limit: ProtocolLimits.packetSize + 1))
    }
  }
}

/// How the mount ends that a session asks for, how it hears of it, and what is done about descriptors.
struct Fate {
  /// Whether the mount is made.
  var succeeds: Bool
  /// Whether the session is told before the next packet comes.
  var isTold: Bool
  /// Whether the session is told of a success at every other time as well, which must not count.
  var isToldAtOtherTimes: Bool
  /// Whether the helper refuses descriptors, as it does where the kernel knows how.
  var refusesDescriptors: Bool

  init(_ byte: UInt8) {
    succeeds = byte & 1 == 0
    isTold = byte & 2 == 0
    isToldAtOtherTimes = byte & 4 != 0
    refusesDescriptors = byte & 8 != 0
  }
}

/// Feeds a session and keeps its own record of what has happened, in terms of DESIGN's promises.
struct SessionWitness {
  private let scene: Scene
  private let kind: FileKind
  private let fate: Fate
  private var session: MountSession

  private var isOver = false
  private var isHopeless = false
  private var hasLastWords = false
  private var mounts = 0
  private var isMounted = false
  /// Whether a mount was asked for and the session has not heard how it ended.
  private var isWaitingForMount = false
  private var accepted: [Command] = []

  init(scene: Scene, kind: FileKind, fate: Fate) {
    self.scene = scene
    self.kind = kind
    self.fate = fate
    session = MountSession(rules: scene.rules, mountPointKind: kind)
  }

  /// Feeds one packet and checks the one action that follows.
  mutating func feed(_ packet: [UInt8]) throws(BrokenPromise) {
    let action = session.handle(packet)
    try promiseAnswer(action)
    var command: Command?
    var reason: CommandError?
    do throws(CommandError) {
      command = try Command(decoding: packet)
    } catch {
      reason = error
    }
    func what() -> String { "\(action) follows \(shown(packet))" }
    if isOver {
      try promiseOver(action, afterCommand: command != nil, what)
    } else if let command {
      try promiseTurn(action, after: command, what)
      try note(action, of: command, what)
    } else {
      try noteMalformed(action, reason, what)
    }
    if fate.isToldAtOtherTimes, !isWaitingForMount { session.mountEnded(succeeded: true) }
  }

  /// What the worker answers arrives as it was meant, in one packet.
  private func promiseAnswer(_ action: SessionAction) throws(BrokenPromise) {
    let reply: Reply
    switch action {
    case .open(let plan): reply = .file(error: nil, path: plan.path)
    case .refuseFile(let refusal, let path, _): reply = .file(error: refusal.error, path: path)
    case .accept: reply = .simple(error: nil)
    case .refuse(let refusal): reply = .simple(error: refusal.error)
    case .mount, .wait, .complete, .fail: return
    }
    let packet = reply.encoded()
    try promise(
      Reply(decoding: packet) == reply && packet.count <= ProtocolLimits.packetSize,
      "\(reply) is sent as \(shown(packet))")
  }

  /// After the end nothing but failures, and packets that can be read are out of turn.
  private func promiseOver(
    _ action: SessionAction, afterCommand isCommand: Bool, _ what: () -> String
  ) throws(BrokenPromise) {
    guard case .fail(let failure) = action else {
      throw BrokenPromise(description: "after the end, \(what())")
    }
    try promise(!isCommand || failure == .outOfTurn, "after the end, \(what())")
  }

  /// A session fails when, and only when, its server does something that cannot be answered.
  private func promiseTurn(
    _ action: SessionAction, after command: Command, _ what: () -> String
  ) throws(BrokenPromise) {
    guard case .fail(let failure) = action else {
      return try promise(!isWaitingForMount && !(hasLastWords && !command.isGoodbye), what())
    }
    try promiseIsShownSafely(failure.explanation)
    let expected: Bool
    switch failure {
    case .outOfTurn: expected = isWaitingForMount
    case .unexpectedLastWords: expected = hasLastWords
    case .nothingMounted: expected = command == .goodbye(exitCode: 0) && !isWhole
    case .serverGaveUp(let code, let words):
      expected =
        command == .goodbye(exitCode: code) && code != 0 && (words != nil) == hasLastWords
    case .unknownPacket, .brokenPacket, .tooManyRequests: expected = false
    }
    try promise(expected, what())
  }

  /// Whether the mount is made and nothing was refused that it needs, before or after.
  private var isWhole: Bool { isMounted && !isHopeless }

  private mutating func note(
    _ action: SessionAction, of command: Command, _ what: () -> String
  ) throws(BrokenPromise) {
    switch (action, command) {
    case (.open(let plan), .open(let request)):
      try promise(!isMounted, what())
      try scene.promiseOpen(plan, of: request, blockDevice: false)
    case (.open(let plan), .openBlockDevice(let request)):
      try promise(!isMounted, what())
      try scene.promiseOpen(plan, of: request, blockDevice: true)
    case (.refuseFile(let refusal, let path, let quiet), .open(let request)),
      (.refuseFile(let refusal, let path, let quiet), .openBlockDevice(let request)):
      try promise(
        path == request.path && quiet == request.requestFlags.contains(.quiet), what())
      try noteRefusal(refusal, endsHope: isMounted)
    case (.accept(let warnings), _):
      try noteAcceptance(of: command, warnings, what)
    case (.refuse(let refusal), _):
      try promise(command.isSetting || command.isMount, what())
      try noteRefusal(refusal, endsHope: isMounted || !command.isIOMapping)
    case (.mount(let request), .mount(let flags)):
      try noteMount(request, flags: flags, what)
    case (.wait, .lastWords(let words)):
      try promise(words.count <= ProtocolLimits.lastWordsLength, what())
      hasLastWords = true
    case (.complete, .goodbye(exitCode: 0)):
      try promise(isWhole && mounts == 1, what())
      isOver = true
    case (.fail, _):
      isOver = true
    default:
      throw BrokenPromise(description: what())
    }
  }

  private mutating func noteRefusal(
    _ refusal: SessionRefusal, endsHope: Bool
  ) throws(BrokenPromise) {
    try promiseIsShownSafely(refusal.explanation(configurationPath: Array("conf".utf8)))
    try promise(refusal.error.rawValue != 0, "\(refusal) is answered with success")
    if endsHope { isHopeless = true }
  }

  private mutating func noteAcceptance(
    of command: Command, _ warnings: [UserspaceOptionWarning], _ what: () -> String
  ) throws(BrokenPromise) {
    try promise(command.isSetting && !isMounted, what())
    let isRepeated = accepted.contains { $0.magic == command.magic }
    try promise(!isRepeated, "again \(what())")
    if case .mountPoint(_, let path) = command {
      try promise(path == scene.mountPoint && (kind == .directory || kind == .regular), what())
    }
    var isUserspace = false
    if case .userspaceOptions = command { isUserspace = true }
    try promise(warnings.isEmpty || isUserspace, what())
    accepted.append(command)
  }

  /// One mount at most, of what was accepted and nothing else.
  private mutating func noteMount(
    _ request: MountRequest, flags: UInt32, _ what: () -> String
  ) throws(BrokenPromise) {
    mounts += 1
    try promise(mounts == 1 && !isHopeless && !isMounted, what())
    var expected = MountRequest(source: [], flags: flags)
    var hasMountPoint = false
    for command in accepted {
      switch command {
      case .filesystemContext(let flags): expected.fuseblk = flags.contains(.fuseblk)
      case .source(let source): expected.source = source
      case .superblockOptions(let options): expected.superblockOptions = options
      case .userspaceOptions(let options): expected.userspaceOptions = options
      case .mountPoint: hasMountPoint = true
      default: break
      }
    }
    try promise(request == expected && hasMountPoint, "\(what()), not \(expected)")
    let plan = try scene.plan(for: request)
    try promise(plan != nil, "no plan for \(request)")
    isWaitingForMount = true
    guard fate.isTold else { return }
    session.mountEnded(succeeded: fate.succeeds)
    isWaitingForMount = false
    if fate.succeeds { isMounted = true } else { isHopeless = true }
  }

  /// A packet that is no command is answered like the command that it pretends to be, or ends the
  /// session.
  private mutating func noteMalformed(
    _ action: SessionAction, _ reason: CommandError?, _ what: () -> String
  ) throws(BrokenPromise) {
    switch (action, reason) {
    case (.refuseFile(let refusal, let path, quiet: false), .malformedFileRequest):
      try promise(path == ProtocolLimits.unknownPath && !isWaitingForMount && !hasLastWords, what())
      try noteRefusal(refusal, endsHope: isMounted)
    case (.refuse(let refusal), .malformedCommand(let magic)):
      try promise(!isWaitingForMount && !hasLastWords, what())
      try noteRefusal(refusal, endsHope: isMounted || magic != .ioMapping)
    case (.fail(let failure), .malformedFileRequest), (.fail(let failure), .malformedCommand):
      try promise(
        failure == .outOfTurn && isWaitingForMount
          || failure == .unexpectedLastWords && hasLastWords, what())
      isOver = true
    case (.fail(let failure), _):
      try promiseIsShownSafely(failure.explanation)
      isOver = true
    default:
      throw BrokenPromise(description: what())
    }
  }
}

extension Command {
  fileprivate var isGoodbye: Bool { magic == .goodbye }
  fileprivate var isMount: Bool { magic == .mount }
  fileprivate var isIOMapping: Bool { magic == .ioMapping }
  /// Whether it is a command that says something about the mount, each once.
  fileprivate var isSetting: Bool {
    switch self {
    case .filesystemContext, .source, .superblockOptions, .userspaceOptions, .mountPoint,
      .ioMapping:
      return true
    case .open, .openBlockDevice, .mount, .lastWords, .goodbye:
      return false
    }
  }
}
