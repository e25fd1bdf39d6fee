// SPDX-License-Identifier: LGPL-2.1-or-later

public import MountPolicy
internal import MountProtocol

/// The conversation with a server, after the hello.
///
/// A state machine without effects: a packet goes in, the one action that answers it comes out.
/// TYPE, NAME, OPTS, MTAB and MNTP are collected in any order, each once, and take effect at DOIT.
/// When one of them is refused, there will be no mount. Files may be refused and asked for again.
public struct MountSession: Sendable {
  /// How many packets a server may send in all: its file requests, each other command once and as
  /// often refused.
  static let packetLimit = ProtocolLimits.fileRequests + 64

  private enum State: Equatable {
    /// Before DOIT.
    case collecting
    /// There is no mount, and something was refused that it needs.
    case hopeless
    /// DOIT was accepted; the helper makes the mount.
    case mounting
    /// The mount is made; the server's goodbye decides.
    case mounted
    /// The mount is made, and something came after it that is no farewell: it will be given up.
    case spoilt
    /// The server said why it gives up; only a goodbye may follow.
    case heard(lastWords: [UInt8])
    /// The session is over.
    case ended
  }

  private let rules: MountRules
  private let openRules: OpenRules
  private let mountPointKind: FileKind
  private var state = State.collecting
  private var fileRequests = 0
  private var packets = 0

  private var contextFlags: FilesystemContextFlags?
  private var source: [UInt8]?
  private var superblockOptions: [UInt8]?
  private var userspaceOptions: [UInt8]?
  private var isMountPointNamed = false
  private var isIOMappingAsked = false

  /// A session under `rules`, for a pinned mount point that is a `mountPointKind`.
  public init(rules: MountRules, mountPointKind: FileKind) {
    self.rules = rules
    openRules = rules.openRules
    self.mountPointKind = mountPointKind
  }

  /// Takes the server's next packet.
  public mutating func handle(_ packet: [UInt8]) -> SessionAction {
    packets += 1
    guard packets <= Self.packetLimit else { return fail(.tooManyRequests) }
    do throws(CommandError) {
      return handle(try Command(decoding: packet))
    } catch {
      return handle(error)
    }
  }

  private var isMounted: Bool { state == .mounted || state == .spoilt }

  /// Notes how the mount that `SessionAction.mount` asked for ended.
  public mutating func mountEnded(succeeded: Bool) {
    guard state == .mounting else { return }
    state = succeeded ? .mounted : .hopeless
  }

  private mutating func handle(_ command: Command) -> SessionAction {
    switch state {
    case .mounting, .ended:
      return fail(.outOfTurn)
    case .heard(let words):
      guard case .goodbye(let exitCode) = command else { return fail(.unexpectedLastWords) }
      return fail(
        exitCode == 0
          ? .unexpectedLastWords : .serverGaveUp(exitCode: exitCode, lastWords: words))
    case .collecting, .hopeless, .mounted, .spoilt:
      break
    }
    switch command {
    case .goodbye(let exitCode):
      return goodbye(exitCode)
    case .lastWords(let words):
      state = .heard(lastWords: words)
      return .wait
    case .open(let request):
      return handle(request, blockDevice: false)
    case .openBlockDevice(let request):
      return handle(request, blockDevice: true)
    default:
      return collect(command)
    }
  }

  private mutating func handle(_ error: CommandError) -> SessionAction {
    switch error {
    case .tooShort, .tooLong, .malformedFarewell:
      return fail(.brokenPacket)
    case .unknownMagic(let raw):
      return fail(.unknownPacket(raw))
    case .malformedFileRequest, .malformedCommand:
      break
    }
    switch state {
    case .mounting, .ended: return fail(.outOfTurn)
    case .heard: return fail(.unexpectedLastWords)
    case .collecting, .hopeless, .mounted, .spoilt: break
    }
    switch error {
    case .malformedFileRequest(let magic):
      return handleFileRequest(magic, path: ProtocolLimits.unknownPath, quiet: false) {
        () throws(SessionRefusal) in throw .malformed(magic)
      }
    case .malformedCommand(let magic):
      if isMounted { return refuse(.afterMount(magic)) }
      return magic == .ioMapping ? .refuse(.malformed(magic)) : refuse(.malformed(magic))
    case .tooShort, .tooLong, .malformedFarewell, .unknownMagic:
      return fail(.brokenPacket)
    }
  }

  // MARK: Files

  private mutating func handle(_ request: OpenRequest, blockDevice: Bool) -> SessionAction {
    let rules = openRules
    return handleFileRequest(
      blockDevice ? .openBlockDevice : .open, path: request.path,
      quiet: request.requestFlags.contains(.quiet)
    ) { () throws(SessionRefusal) in
      do throws(Refusal) {
        return try rules.judge(request, blockDevice: blockDevice)
      } catch {
        throw .policy(error)
      }
    }
  }

  /// Every file request counts, refused or not; one after DOIT ends all hope of a mount.
  private mutating func handleFileRequest(
    _ magic: Magic, path: [UInt8], quiet: Bool, judge: () throws(SessionRefusal) -> OpenPlan
  ) -> SessionAction {
    fileRequests += 1
    guard fileRequests <= ProtocolLimits.fileRequests else { return fail(.tooManyRequests) }
    guard !isMounted else {
      state = .spoilt
      return .refuseFile(.afterMount(magic), path: path, quiet: quiet)
    }
    do throws(SessionRefusal) {
      return .open(try judge())
    } catch {
      return .refuseFile(error, path: path, quiet: quiet)
    }
  }

  // MARK: Collecting

  private mutating func collect(_ command: Command) -> SessionAction {
    if isMounted { return refuse(.afterMount(command.magic)) }
    if hasTaken(command) {
      return command.magic == .ioMapping
        ? .refuse(.repeated(.ioMapping)) : refuse(.repeated(command.magic))
    }
    do throws(Refusal) {
      return try take(command)
    } catch {
      return refuse(.policy(error))
    }
  }

  private func hasTaken(_ command: Command) -> Bool {
    switch command {
    case .filesystemContext: return contextFlags != nil
    case .source: return source != nil
    case .superblockOptions: return superblockOptions != nil
    case .userspaceOptions: return userspaceOptions != nil
    case .mountPoint: return isMountPointNamed
    case .ioMapping: return isIOMappingAsked
    case .mount, .open, .openBlockDevice, .lastWords, .goodbye: return false
    }
  }

  private mutating func take(_ command: Command) throws(Refusal) -> SessionAction {
    switch command {
    case .filesystemContext(let flags):
      contextFlags = flags
      try rules.judge(contextFlags: flags)
    case .source(let bytes):
      source = bytes
      try rules.judge(source: bytes)
    case .superblockOptions(let bytes):
      superblockOptions = bytes
      try rules.judge(superblockOptions: bytes)
    case .userspaceOptions(let bytes):
      userspaceOptions = bytes
      return .accept(warnings: rules.judge(userspaceOptions: bytes))
    case .mountPoint(let format, let path):
      isMountPointNamed = true
      try rules.judge(mountPoint: path, expectedFormat: format, kind: mountPointKind)
    case .ioMapping(let mode):
      isIOMappingAsked = true
      // A wish that no kernel can grant yet, or a need: it does not touch the mount's fate.
      if mode == .mandatory { return .refuse(.noIOMapping) }
    case .mount(let flags):
      return try takeMount(flags)
    case .open, .openBlockDevice, .lastWords, .goodbye:
      return fail(.outOfTurn)
    }
    return .accept(warnings: [])
  }

  private mutating func takeMount(_ flags: UInt32) throws(Refusal) -> SessionAction {
    if state == .hopeless { return refuse(.afterRefusal) }
    guard let source, isMountPointNamed else { return refuse(.incomplete) }
    let request = MountRequest(
      fuseblk: contextFlags?.contains(.fuseblk) ?? false, source: source,
      superblockOptions: superblockOptions, userspaceOptions: userspaceOptions, flags: flags)
    _ = try rules.plan(for: request)
    state = .mounting
    return .mount(request)
  }

  private mutating func refuse(_ refusal: SessionRefusal) -> SessionAction {
    state = isMounted ? .spoilt : .hopeless
    return .refuse(refusal)
  }

  // MARK: The end

  private mutating func goodbye(_ exitCode: UInt32) -> SessionAction {
    guard exitCode == 0 else {
      return fail(.serverGaveUp(exitCode: exitCode, lastWords: nil))
    }
    guard state == .mounted else { return fail(.nothingMounted) }
    state = .ended
    return .complete
  }

  private mutating func fail(_ failure: SessionFailure) -> SessionAction {
    state = .ended
    return .fail(failure)
  }
}
