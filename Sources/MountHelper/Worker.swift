// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import Literals
internal import MountPolicy
internal import MountProtocol
internal import MountSession

/// What worker and monitor both know before the first of them meets anything hostile.
struct MountTask {
  /// The command line.
  var invocation: MountInvocation
  /// Who calls.
  var caller: Caller
  /// The service's name.
  var subtype: [UInt8]
  /// All that is decided about the mount.
  var rules: MountRules
  /// The files that the server may ask for.
  var namedFiles: NamedFiles
}

/// The process that meets the server: it has the caller's rights and no other.
struct Worker: ~Copyable {
  private let task: MountTask
  private let monitor: MonitorChannel
  /// The devices that the caller knows to be busy.
  private var busyPaths: [[UInt8]] = []
  /// The step that the monitor was told of, and until when it need not be told of one again.
  private var announced: Step?
  private var quietUntil = Deadline.after(milliseconds: 0)

  init(task: MountTask, monitor: consuming MonitorChannel) {
    self.task = task
    self.monitor = monitor
  }

  /// Serves until the end and returns the process's exit status, which means nothing to anyone: the
  /// monitor has heard how it ended.
  ///
  /// `confine` puts this process under its filter, before the first byte of the service's is read.
  mutating func run(confine: () throws(Errno) -> Void) -> Int32 {
    do throws(WorkerError) {
      try monitor.waitForStart()
      try serve(confine)
      try monitor.send(.complete)
      return 0
    } catch {
      // Where the first word does not get through, none follows: the monitor then finds this process
      // ended, and says so.
      do throws(WorkerError) {
        switch error {
        case .noService: try monitor.send(.failed(.noService))
        case .failed(let line):
          try monitor.send(.report(line))
          try monitor.send(.failed(.failed))
        case .refused, .monitorGone: break
        }
      } catch {}
      return 1
    }
  }

  /// The way of one mount, on this side.
  ///
  /// The service is called as early as can be, because one that has to be started takes longer for that
  /// than all the rest. While it comes to life, this process gets ready to read what it answers: it puts
  /// itself under its filter, in which there is no `connect(2)`, and gives the monitor what a server is
  /// to have no say in.
  private mutating func serve(_ confine: () throws(Errno) -> Void) throws(WorkerError) {
    let pin = try MountPointPin.pin(task.invocation.mountPoint, caller: task.caller)
    let mountPointKind = pin.kind
    let files = try fileOpener()
    let service = try callService()
    let fuseDevice = try openFuseDevice()
    do throws(Errno) {
      try confine()
    } catch {
      throw .failed(describe(text("installing the worker's filter"), error))
    }
    try handOver(pin, fuseDevice)
    try meet(service, fuseDevice: fuseDevice)
    let session = MountSession(rules: task.rules, mountPointKind: mountPointKind)
    try converse(session, service: service, files: files)
  }

  private func fileOpener() throws(WorkerError) -> FileOpener {
    guard task.caller.isRoot else { return FileOpener(rules: task.rules.openRules, pinned: nil) }
    do throws(Errno) {
      return FileOpener(rules: task.rules.openRules, pinned: try PinnedFiles(task.namedFiles))
    } catch {
      throw .failed(describe(text("holding the named files"), error, advice: "name fewer of them"))
    }
  }

  /// Connects to the service and says hello. The monitor hears of the step only when it takes a moment,
  /// or the caller has asked for each.
  private func callService() throws(WorkerError) -> ServiceConnection {
    if task.invocation.isVerbose { try monitor.send(.awaiting(.connection)) }
    let service = try ServiceConnection.connect(subtype: task.subtype) {
      if !task.invocation.isVerbose { try? monitor.send(.awaiting(.connection)) }
    }
    try service.sayHello(task.rules.helloFlags)
    return service
  }

  /// Gives the monitor the mount point and the fuse device, of which it takes no others later. It knows
  /// by them that the service is there and has not been listened to yet.
  private mutating func handOver(
    _ pin: consuming MountPointPin, _ fuseDevice: borrowing FileDescriptor
  ) throws(WorkerError) {
    try monitor.send(.mountPoint(pin.format), passing: pin.descriptor.rawValue)
    try monitor.send(.fuseDevice, passing: fuseDevice.rawValue)
    hasAnnounced(.hello)
  }

  /// Takes the service's answer and gives it what it expects unasked. This process keeps no descriptor
  /// of the fuse device: the connection to the kernel must end with the server.
  private func meet(
    _ service: borrowing ServiceConnection, fuseDevice: consuming FileDescriptor
  ) throws(WorkerError) {
    try service.takeAnswer()
    try service.sendFirstFiles(
      arguments: [task.subtype] + task.invocation.serverArguments, fuseDevice: fuseDevice)
  }

  /// Opens the device by which the kernel and the server will speak.
  private func openFuseDevice() throws(WorkerError) -> FileDescriptor {
    let path = text("/dev/fuse")
    do throws(Errno) {
      let device = try openFile(path, .readWrite)
      guard try device.status().isCharacterDevice(major: 10, minor: 229) else {
        throw .notTypewriter
      }
      return device
    } catch {
      throw .failed(
        describe(path, error, advice: "is the fuse module loaded, and may you use the device?"))
    }
  }

  /// Answers the server's packets until it says goodbye.
  private mutating func converse(
    _ start: MountSession, service: borrowing ServiceConnection, files: borrowing FileOpener
  ) throws(WorkerError) {
    var session = start
    while true {
      try awaitCommand(of: service)
      switch session.handle(try service.receive()) {
      case .open(let plan):
        try open(plan, service: service, files: files)
      case .refuseFile(let refusal, let path, let quiet):
        if quiet { try explain(words(refusal)) } else { try report(refusal) }
        try service.send(.file(error: refusal.error, path: path))
      case .accept(let warnings):
        for warning in warnings { try report(warning) }
        try service.send(.simple(error: nil))
      case .refuse(let refusal):
        try report(refusal)
        try service.send(.simple(error: refusal.error))
      case .mount(let request):
        let error = try mount(request)
        session.mountEnded(succeeded: error == nil)
        try service.send(.simple(error: error))
      case .wait:
        break
      case .complete:
        return
      case .fail(let failure):
        throw .failed(failure.explanation)
      }
    }
  }

  /// Waits for the server's next packet. The monitor hears of that only when it takes a moment: most
  /// servers send all that they want at once, and each word would have the monitor wake up.
  private mutating func awaitCommand(
    of service: borrowing ServiceConnection
  ) throws(WorkerError) {
    let isQuiet = !task.invocation.isVerbose && !quietUntil.hasPassed
    if isQuiet, try service.hasPacket(until: quietUntil) { return }
    try announce(.command)
    _ = try service.hasPacket(until: .never)
  }

  /// Has the monitor begin a step, unless it began the same one a moment ago.
  private mutating func announce(_ step: Step) throws(WorkerError) {
    if step == announced, !quietUntil.hasPassed { return }
    try monitor.send(.awaiting(step))
    hasAnnounced(step)
  }

  private mutating func hasAnnounced(_ step: Step) {
    announced = step
    quietUntil = .after(milliseconds: 50)
  }

  private func report(_ warning: UserspaceOptionWarning) throws(WorkerError) {
    if case .userName(let name) = warning {
      try monitor.send(.userName(name))
    } else {
      try monitor.send(.report(warning.line))
    }
  }

  private func report(_ refusal: SessionRefusal) throws(WorkerError) {
    try monitor.send(.report(words(refusal)))
  }

  private func words(_ refusal: SessionRefusal) -> [UInt8] {
    refusal.explanation(configurationPath: BuildConfiguration.configurationPath)
  }

  /// Has a step told to a caller who asked for each; for others nothing is sent.
  private func explain(_ step: @autoclosure () -> [UInt8]) throws(WorkerError) {
    if task.invocation.isVerbose { try monitor.send(.explain(step())) }
  }

  /// Has the monitor make the mount; it has said itself what went wrong.
  private func mount(_ request: MountRequest) throws(WorkerError) -> ErrorNumber? {
    do throws(WorkerError) {
      try monitor.mount(request)
      return nil
    } catch {
      guard case .refused(let number) = error else { throw error }
      return number
    }
  }

  /// Opens a file and answers with it, or with why not.
  private mutating func open(
    _ plan: OpenPlan, service: borrowing ServiceConnection, files: borrowing FileOpener
  ) throws(WorkerError) {
    try explain(text("the service asks for ") + plan.words)
    try announce(.file)
    do throws(OpenError) {
      let file = try files.open(plan, monitor: monitor)
      do throws(WorkerError) {
        try explain(plan.path + text(": opened for the service"))
        try service.send(.file(error: nil, path: plan.path), passing: file.rawValue)
      } catch {
        throw .worker(error)
      }
    } catch {
      let number: ErrorNumber
      let line: [UInt8]
      switch error {
      case .system(let error):
        number = ErrorNumber(rawValue: UInt32(error.rawValue))
        line = describe(plan.path, error)
      case .noReadOnlyClone:
        number = .invalidArgument
        line =
          plan.path
          + text(": cannot be given read-only, because its mount is unbindable; ")
          + text("move it to another, or have this one made private (mount --make-private)")
      case .noLoopDevice(let error):
        number = error
        line = plan.explanation(ofNoLoopDevice: error)
      case .refused(let refusal):
        number = refusal.error
        line = refusal.explanation
      case .worker(let error):
        throw error
      }
      // A server asks again for a while when a device is busy; once is enough to hear of it.
      if !plan.quiet, number != .busy || !busyPaths.contains(plan.path) {
        try monitor.send(.report(line))
        if number == .busy { busyPaths.append(plan.path) }
      } else {
        try explain(line)
      }
      try service.send(.file(error: number, path: plan.path))
    }
  }
}
