// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol

/// Who calls, with which words, under which fuse.conf: what decides about a mount before a server
/// has said anything. Its promises are worked out here once more, in other words than in
/// MountPolicy.
struct Scene {
  let caller: Caller
  let configuration: FuseConfiguration
  let options: CallerOptions
  let namedFiles: [[UInt8]]
  let mountPoint: [UInt8]
  let rules: MountRules
  /// Whether the caller's options are refused; then there are none here.
  private let isRefused: Bool

  /// - Parameters:
  ///   - setting: bit 0 a root caller, bit 1 `user_allow_other`, bit 2 `-r`.
  ///   - optionArguments: the arguments of the caller's `-o`, as they travel.
  ///   - ownWords: words of the caller that do not travel.
  init(
    setting: UInt8, optionArguments: [[UInt8]], ownWords: [[UInt8]] = [], operands: [[UInt8]],
    mountPoint: [UInt8]
  ) throws(BrokenPromise) {
    let id: UInt32 = setting & 1 == 1 ? 0 : 1000
    let caller = Caller(userID: id, groupID: id)
    var configuration = FuseConfiguration()
    configuration.userAllowOther = setting & 2 != 0
    // An argument ends at its first NUL.
    let arguments =
      optionArguments.map { Array($0.prefix { $0 != 0 }) }
      + (setting & 4 != 0 ? [Array("ro".utf8)] : [])
    let taken = try Scene.read(arguments, ownWords: ownWords, caller: caller)
    isRefused = taken == nil
    if let taken { options = taken } else { options = try Scene.none(caller) }
    self.caller = caller
    self.configuration = configuration
    self.mountPoint = mountPoint
    namedFiles = (operands + options.namedValues).filter { !$0.isEmpty }
    rules = MountRules(
      caller: caller, configuration: configuration, options: options,
      subtype: Array("service_ll".utf8),
      namedFiles: NamedFiles(operands: operands, optionValues: options.namedValues),
      mountPoint: mountPoint)
    try promiseOptions(readIn: arguments)
    for word in options.userspaceOptions { try promiseIsRecordable(word) }
    for name in namedFiles {
      try promise(!name.contains(0), "\(shown(name)) is no path")
    }
  }

  private static func read(
    _ arguments: [[UInt8]], ownWords: [[UInt8]] = [], caller: Caller
  ) throws(BrokenPromise) -> CallerOptions? {
    do throws(Refusal) {
      return try CallerOptions(arguments: arguments, ownWords: ownWords, caller: caller)
    } catch {
      try promiseIsShownSafely(error.explanation)
      return nil
    }
  }

  private static func none(_ caller: Caller) throws(BrokenPromise) -> CallerOptions {
    guard let none = try read([], caller: caller) else {
      throw BrokenPromise(description: "no options are refused")
    }
    return none
  }

  /// Whatever some server reads in these lists as `ro` is enforced, and nothing is granted that not
  /// all of them read.
  func promiseOptions(readIn arguments: [[UInt8]]) throws(BrokenPromise) {
    if isRefused { return }
    // All read the same where nothing is escaped or quoted.
    let isOdd = arguments.joined().contains { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\"") }
    for reader in isOdd ? ListReader.all : [ListReader.all[0]] {
      let words = readLetter(arguments.flatMap { reader.words(of: $0) })
      if says("ro", against: "rw", in: words) {
        try promise(options.readOnly, "ro to \(reader): \(arguments.map(shown))")
      }
      if !says("suid", against: "nosuid", in: words) || !caller.isRoot {
        try promise(!options.allowsSetID, "suid to \(reader): \(arguments.map(shown))")
      }
      if !says("dev", against: "nodev", in: words) || !caller.isRoot {
        try promise(!options.allowsDevices, "dev to \(reader): \(arguments.map(shown))")
      }
    }
    if !isOdd, !arguments.joined().contains(UInt8(ascii: "=")) {
      let words = readLetter(arguments.flatMap { ListReader.all[0].words(of: $0) })
      try promise(options.readOnly == says("ro", against: "rw", in: words), "ro: \(options)")
      try promise(
        options.allowsSetID == (caller.isRoot && says("suid", against: "nosuid", in: words)),
        "suid: \(options)")
      try promise(
        options.allowsDevices == (caller.isRoot && says("dev", against: "nodev", in: words)),
        "dev: \(options)")
    }
  }

  /// Whether the last word of two opposites is the first of them.
  private func says(_ word: String, against opposite: String, in words: [[UInt8]]) -> Bool {
    let last = words.last { $0 == Array(word.utf8) || $0 == Array(opposite.utf8) }
    return last == Array(word.utf8)
  }

  /// A word of utab that no reader of it can take for another, nor for two.
  private func promiseIsRecordable(_ word: [UInt8]) throws(BrokenPromise) {
    let forbidden = Array(",\"\\".utf8)
    try promise(
      word.starts(with: Array("x-".utf8))
        && !word.contains { $0 < 0x20 || $0 == 0x7f || forbidden.contains($0) },
      "\(shown(word)) would be recorded")
  }

  // MARK: Files

  /// What DESIGN promises of every file that a server gets.
  func promiseOpen(
    _ plan: OpenPlan, of request: OpenRequest, blockDevice: Bool
  ) throws(BrokenPromise) {
    let writing: UInt32 = 0o3 | 0o1000  // O_ACCMODE and O_TRUNC
    try promise(namedFiles.contains(plan.path), "\(shown(plan.path)) is not named")
    try promise(plan.path == request.path, "\(shown(plan.path)) for \(shown(request.path))")
    try promise(
      plan.writes == (request.openFlags & (writing | 0o100) != 0), "\(plan) of \(request)")
    try promise(plan.writes || plan.openFlags & writing == 0, "\(plan) writes")
    try promise(plan.writes || !plan.creates, "\(plan) creates")
    if options.readOnly {
      try promise(!plan.writes && plan.needsReadOnlyClone, "under ro: \(plan)")
    }
    try promise(plan.openFlags & ~request.openFlags == 0, "\(plan) adds flags to \(request)")
    // O_CREAT, O_DIRECTORY, O_PATH, O_TMPFILE and O_ASYNC, where they are on this machine.
    try promise(plan.openFlags & (0o100 | 0o20_000_000 | 0o10_000_000) == 0, "\(plan)")
    try promise(plan.openFlags & (0o20_000 | 0o3) != 0o3, "\(plan)")
    try promise(!plan.mustCreate || plan.creates, "\(plan)")
    try promise(!plan.creates || !blockDevice, "\(plan)")
    try promise(plan.createMode & ~0o755 == 0, "\(plan)")
    try promise(plan.wantsBlockDevice == blockDevice, "\(plan)")
    if let loop = plan.loop {
      try promise(request.requestFlags.contains(.loop), "\(plan) of \(request)")
      try promise(loop.isReadOnly || plan.writes, "\(plan)")
      try promise(loop.openFlags & ~plan.openFlags == 0, "\(plan)")
      // O_TRUNC and O_APPEND.
      try promise(loop.openFlags & 0o3000 == 0, "\(plan)")
      try promise(loop.blockSize == plan.blockSize, "\(plan)")
    }
    try promise(
      plan.blockSize == 0
        || blockDevice
          && [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]
            .contains(plan.blockSize),
      "\(plan)")
    if plan.blockSize != 0, plan.openFlags & 0o3 == 0 {
      let device = OpenedFile(kind: .blockDevice, fileSystemMagic: 0x0102_1994)
      var isTaken = true
      do throws(Refusal) {
        try rules.openRules.judgeFile(device, plan: plan)
      } catch {
        isTaken = false
      }
      try promise(!isTaken, "\(plan) is only read")
    }
  }

  // MARK: The mount

  /// Judges a request that the monitor takes as hostile, and looks at what comes of it.
  func plan(for request: MountRequest) throws(BrokenPromise) -> MountPlan? {
    let plan: MountPlan
    do throws(Refusal) {
      plan = try rules.plan(for: request)
    } catch {
      try promiseIsShownSafely(error.explanation)
      return nil
    }
    try promiseFlags(plan, of: request)
    try promiseParameters(plan)
    try promiseSource(plan, of: request)
    for word in plan.userspaceWords { try promiseIsRecordable(word) }
    let length = plan.userspaceWords.reduce(0) { $0 + $1.count + 1 }
    try promise(length <= 2 * UserspaceOptions.maximumLength, "\(length) bytes are recorded")
    return plan
  }

  private func promiseFlags(
    _ plan: MountPlan, of request: MountRequest
  ) throws(BrokenPromise) {
    if !options.allowsSetID {
      try promise(plan.flags.contains(.noSetID), "suid for \(caller): \(plan)")
    }
    if !options.allowsDevices {
      try promise(plan.flags.contains(.noDevices), "dev for \(caller): \(plan)")
    }
    if options.readOnly || request.flags & 1 != 0 {
      try promise(plan.flags.contains(.readOnly), "writable: \(plan)")
      try promise(plan.mountAttributes & 1 == 1, "writable: \(plan)")
      try promise(plan.flags.superblockWords.contains(Array("ro".utf8)), "writable: \(plan)")
    }
    let accessTimes: MountFlags = [.noAccessTime, .relativeAccessTime, .strictAccessTime]
    let restricting = request.flags & ~accessTimes.rawValue
    try promise(plan.flags.rawValue & restricting == restricting, "less than asked: \(plan)")
    try promise(
      plan.flags.subtracting(.serverMayAsk).isEmpty
        && plan.flags.intersection(accessTimes).rawValue.nonzeroBitCount <= 1, "\(plan)")
    // MOUNT_ATTR_ of RDONLY, NOSUID, NODEV, NOEXEC, NOATIME or STRICTATIME, NODIRATIME, NOSYMFOLLOW.
    try promise(
      plan.mountAttributes & ~0x2000bf == 0 && plan.mountAttributes & 0x30 != 0x30, "\(plan)")
  }

  private func promiseParameters(_ plan: MountPlan) throws(BrokenPromise) {
    for parameter in plan.parameters {
      let isPermitted: Bool
      switch (String(decoding: parameter.key, as: UTF8.self), parameter) {
      case ("default_permissions", .flag): isPermitted = true
      case ("allow_other", .flag): isPermitted = caller.isRoot || configuration.userAllowOther
      case ("max_read", .value(_, let value)): isPermitted = isNumber(value)
      case ("blksize", .value(_, let value)): isPermitted = plan.fuseblk && isNumber(value)
      case ("context", .value), ("fscontext", .value), ("defcontext", .value),
        ("rootcontext", .value):
        isPermitted = caller.isRoot
      default: isPermitted = false
      }
      try promise(isPermitted, "\(parameter) for \(caller)")
    }
    try promise(!plan.fuseblk || caller.isRoot, "fuseblk for \(caller)")
    // What mount(2) takes, read as the kernel does, is nothing but that.
    let text = plan.mountSyscallOptions(fuseDevice: 7, rootMode: 0o40755, caller: caller)
    let own = ["fd", "rootmode", "user_id", "group_id"].map { Array($0.utf8) }
    try promise(
      kernelKeys(text) == own + plan.parameters.map(\.key), "mount(2) takes \(shown(text))")
  }

  private func isNumber(_ value: [UInt8]) -> Bool {
    guard let number = UInt32(String(decoding: value, as: UTF8.self)) else { return false }
    return Array(String(number).utf8) == value
  }

  /// The keys of a data string: a comma ends a word unless it is inside double quotes, which the
  /// security modules take off.
  private func kernelKeys(_ text: [UInt8]) -> [[UInt8]] {
    var keys: [[UInt8]] = [[]]
    var isQuoted = false
    var isValue = false
    for byte in text {
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if byte == UInt8(ascii: ","), !isQuoted {
        keys.append([])
        isValue = false
      } else if byte == UInt8(ascii: "=") {
        isValue = true
      } else if !isValue {
        keys[keys.count - 1].append(byte)
      }
    }
    return keys
  }

  private func promiseSource(
    _ plan: MountPlan, of request: MountRequest
  ) throws(BrokenPromise) {
    let source = plan.source
    try promise(source == request.source, "\(shown(source)) for \(request)")
    try promise(
      (1...4095).contains(source.count) && !source.contains { $0 < 0x20 || $0 == 0x7f },
      "source \(shown(source))")
    let isNamed = namedFiles.contains(source)
    if source.first == UInt8(ascii: "/") {
      try promise(isNamed || source == Array("/dev/fuse".utf8), "source \(shown(source))")
    }
    // Whoever shows the mount table shows it as it is.
    if !isNamed { try promiseIsSafe(source, limit: source.count) }
    try promise(plan.fuseblk == request.fuseblk && (isNamed || !plan.fuseblk), "\(plan)")
    try promise(plan.needsMountSyscall == (source.count > 255), "\(plan)")
  }
}

extension MountPlan {
  fileprivate var mountAttributes: UInt64 { flags.mountAttributes }
}

/// libfuse looks for its options in a list and outside of it alike.
private func readLetter(_ words: [[UInt8]]) -> [[UInt8]] {
  words.map { $0 == Array("-r".utf8) ? Array("ro".utf8) : $0 }
}
