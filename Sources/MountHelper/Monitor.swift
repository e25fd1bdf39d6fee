// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives
internal import Literals
internal import MountPolicy
internal import MountProtocol

/// How long making the mount may take at the most, and recording and attaching it, in seconds: the
/// server may hold the first, and others the lock of the mount table, or of the mount point.
private let completionTimeout: Int64 = 30

/// How long an answer to the worker may wait for room, in seconds. One that asked is waiting for it, so
/// there is room; a worker that was taken over must not keep signals from being heard.
private let answerTimeout: Int64 = 10

/// The process that was exec'ed: it waits for the worker, holds the clock, and carries out what the
/// worker asks, one checked intent at a time.
struct Monitor<Operations: PrivilegedOperations & ~Copyable>: ~Copyable {
  let task: MountTask
  private let configuration: FuseConfiguration
  private let worker: LinkedChild
  let signals: SignalDescriptor
  var operations: Operations
  var diagnostics: Diagnostics
  private let log: AttemptLog
  /// Whether the system log was told how the attempt ended.
  private var isLogged = false
  var clock: StepClock
  private var gate = IntentGate()
  private var mounter: Mounter?
  /// What makes and attaches the mount, until it has been told to attach it, or cannot.
  private var mounterProcess: MounterProcess?
  private var fuseDevice: FileDescriptor?
  /// Read when the first loop device is asked for.
  var ownConfiguration: OwnConfiguration?

  init(
    task: MountTask, configuration: FuseConfiguration, worker: consuming LinkedChild,
    signals: consuming SignalDescriptor, operations: consuming Operations,
    diagnostics: Diagnostics, log: AttemptLog, timeout: UInt32?
  ) {
    self.task = task
    self.configuration = configuration
    self.worker = worker
    self.signals = signals
    self.operations = operations
    self.diagnostics = diagnostics
    self.log = log
    clock = StepClock(timeout: timeout)
  }

  /// Waits and carries out until the mount is complete or there will be none.
  mutating func run() -> ExitStatus {
    // Before it is needed, while the worker walks to the mount point, so that it costs no time.
    do throws(Errno) {
      let (task, configuration, log) = (task, configuration, log)
      mounterProcess = try operations.startMounter { operations, line in
        Mounter.serve(line, task, configuration, with: &operations, log: log)
      }
    } catch {
      diagnostics.report(describe(text("starting the mounter process"), error))
      return end(.failure)
    }
    while true {
      switch nextEvent() {
      case .intent:
        if let status = handleIntent() { return end(status) }
      case .workerEnded:
        diagnostics.report(text("the worker process ended unexpectedly"))
        return end(.failure)
      case .notice:
        tellWhatIsWaitedFor()
      case .late:
        diagnostics.report(lateness)
        return end(.failure)
      case .interrupted:
        diagnostics.report(text("interrupted"))
        return end(.failure)
      }
    }
  }

  // MARK: Waiting

  private enum Event {
    case intent
    case workerEnded
    case notice
    case late
    case interrupted
  }

  private func nextEvent() -> Event {
    let ready = try? wait(
      for: [
        worker.line.descriptor.rawValue, worker.process.descriptor.rawValue,
        signals.descriptor.rawValue,
      ], until: min(clock.deadline, clock.notice))
    guard let ready else { return .workerEnded }
    // A worker that keeps sending must not starve the clock or a signal.
    if ready[2] { return .interrupted }
    if clock.deadline.hasPassed { return .late }
    if ready[0] { return .intent }
    return ready[1] ? .workerEnded : .notice
  }

  private var lateness: [UInt8] {
    let step = clock.step.description
    if clock.isWholeRunLate {
      return text("gave up; the service took too long in all, last over ") + step
    }
    return text("gave up after ") + digits(UInt64(clock.seconds)) + text(" s of waiting for ")
      + step
  }

  private mutating func tellWhatIsWaitedFor() {
    clock.noticeGiven()
    if isatty(2) == 1 {
      diagnostics.report(
        text("still waiting for ") + clock.step.description + text(" (interrupt to give up)"))
    }
  }

  /// Ends the worker and takes away what is not complete.
  private mutating func end(_ status: ExitStatus) -> ExitStatus {
    if status == .success { return status }
    worker.process.killAndReap()
    mounterProcess?.kill()
    do throws(MountFailure) {
      try mounter?.undo(with: &operations)
    } catch {
      diagnostics.report(error.explanation)
    }
    if !isLogged { log.failed(diagnostics.lastLine) }
    diagnostics.tellEnd(task.invocation.mountPoint + text(": given up"))
    return status
  }

  /// For what this process has a child do, during a step.
  var patience: Patience {
    Patience(until: clock.deadlineOfOwnWork, signals: signals)
  }

  /// For what somebody else can hold: a server, or who keeps a lock.
  private var shortPatience: Patience {
    Patience(
      until: .after(seconds: min(completionTimeout, Int64(clock.seconds))), signals: signals)
  }

  // MARK: Intents

  /// Takes one intent; a status ends the run.
  private mutating func handleIntent() -> ExitStatus? {
    var descriptor: FileDescriptor?
    let intent: Intent
    do throws(Errno) {
      guard
        var packet = try worker.line.receive(
          limit: Intent.maximumSize, acceptsDescriptor: true, isThere: true,
          until: clock.deadline)
      else { throw .connectionReset }
      guard !packet.isTruncated, let decoded = Intent(decoding: packet.bytes),
        gate.admits(decoded)
      else { throw .badMessage }
      intent = decoded
      descriptor = packet.takeDescriptor()
    } catch {
      diagnostics.report(
        error == .badMessage
          ? text("the worker process asked for something that is not permitted")
          : text("the worker process ended unexpectedly"))
      return .failure
    }
    let beginning = Deadline.after(milliseconds: 0)
    defer { clock.setAside(since: beginning) }
    return carryOut(intent, passed: descriptor)
  }

  /// The dispatch table; `IntentGate` has seen that the intent is permitted now.
  private mutating func carryOut(
    _ intent: Intent, passed descriptor: consuming FileDescriptor?
  ) -> ExitStatus? {
    switch intent {
    case .awaiting(let step):
      tellEnd(before: step)
      clock.begin(step)
    case .report(let line):
      diagnostics.relay(line)
    case .explain(let line):
      diagnostics.relayStep(line)
    case .mountPoint(let format):
      return takeMountPoint(descriptor, format: format)
    case .fuseDevice:
      guard let descriptor else { return withoutDescriptor() }
      fuseDevice = consume descriptor
      diagnostics.tell(
        text("connected to the service at ")
          + ServiceConnection.socketPath(subtype: task.subtype) + text("; /dev/fuse is open"))
      // The worker has said hello.
      clock.begin(.hello)
    case .userName(let name):
      warn(about: name)
    case .readOnlyClone:
      return cloneReadOnly(descriptor)
    case .setBlockSize(let size):
      return setBlockSize(size, of: descriptor)
    case .attachLoopDevice(let plan):
      return attachLoopDevice(plan, to: descriptor)
    case .mount(let request):
      return mount(request)
    case .complete:
      return complete()
    case .failed(.noService):
      diagnostics.report(
        text("there is no service for file systems of type ") + task.subtype + text(" (")
          + ServiceConnection.socketPath(subtype: task.subtype) + text(" does not exist)"))
      return .noService
    case .failed(.failed):
      diagnostics.reportWithheld()
      return .failure
    }
    return nil
  }

  /// Tells the steps of which nothing but the next one says that they have ended.
  private mutating func tellEnd(before next: Step) {
    if next == .connection {
      diagnostics.tell(
        task.invocation.mountPoint + text(": pinned as the mount point")
          + (task.caller.isRoot ? text("; the named files are held") : []))
    } else if clock.step == .hello {
      diagnostics.tell(
        text("the service has answered, and has the command line and the FUSE device"))
    }
  }

  private mutating func takeMountPoint(
    _ descriptor: consuming FileDescriptor?, format: MountPointFormat
  ) -> ExitStatus? {
    guard let descriptor else { return withoutDescriptor() }
    do throws(Errno) {
      let mounter = try Mounter(
        task: task, configuration: configuration, mountPoint: descriptor, format: format)
      do throws(MountFailure) {
        try mounter.checkNamespace()
      } catch {
        diagnostics.report(task.invocation.mountPoint + text(": ") + error.explanation)
        return .failure
      }
      do throws(Errno) {
        try mounterProcess?.take(mounter.mountPoint, format: format)
      } catch {
        diagnostics.report(describe(text("speaking with the mounter process"), error))
        return .failure
      }
      self.mounter = consume mounter
      return nil
    } catch {
      diagnostics.report(describe(task.invocation.mountPoint, error))
      return .failure
    }
  }

  private mutating func withoutDescriptor() -> ExitStatus {
    diagnostics.report(text("the worker process sent no descriptor where one is needed"))
    return .failure
  }

  /// The server wants a user's name recorded. None is; about the caller's own, which servers of
  /// libfuse's kind send back, nothing is said.
  private mutating func warn(about name: [UInt8]) {
    let patience = patience
    guard (try? operations.name(of: task.caller, patience: patience)) != name else { return }
    diagnostics.relay(UserspaceOptionWarning.userName(name).line)
  }

  private mutating func mount(_ request: MountRequest) -> ExitStatus? {
    guard let device = fuseDevice.take() else { return .failure }
    // While the superblock is in the making, sync(2) of every user waits for it.
    let patience = shortPatience
    if diagnostics.isVerbose, let plan = try? task.rules.plan(for: request) {
      diagnostics.tell(text("the service asks for the mount: ") + plan.words)
    }
    guard var taken = mounter.take() else { return .failure }
    let failure = make(request, by: &taken, fuseDevice: device, patience: patience)
    mounter = consume taken
    do throws(MountFailure) {
      if let failure { throw failure }
      diagnostics.tell(text("the file system is made; waiting for the service's goodbye"))
      return answer(nil)
    } catch {
      diagnostics.report(error.explanation)
      return answer(Errno(rawValue: Int32(truncatingIfNeeded: error.error.rawValue)))
    }
  }

  /// Has the mount made by the mounter, or makes it where the kernel can only mount in one step.
  private mutating func make(
    _ request: MountRequest, by mounter: inout Mounter, fuseDevice: consuming FileDescriptor,
    patience: Patience
  ) -> MountFailure? {
    do throws(MountFailure) {
      let made = try mounterProcess?.make(request, fuseDevice: fuseDevice, patience: patience)
      if let made = consume made {
        try mounter.take(made, of: request)
        return nil
      }
      mounterProcess = nil
      try mounter.mountInOneStep(
        request, fuseDevice: fuseDevice, with: &operations, patience: patience)
      return nil
    } catch {
      return error
    }
  }

  /// Has the mount recorded and attached, by a process that the caller can neither stop nor kill:
  /// what it begins, it finishes or takes away.
  private mutating func complete() -> ExitStatus {
    guard var taken = mounter.take() else { return .failure }
    let status = complete(&taken)
    mounter = consume taken
    return status
  }

  /// The mounter attaches what it has made; what was mounted in one step, a finisher of its own looks at
  /// again and records.
  private mutating func attach(
    _ mounter: inout Mounter, patience: Patience
  ) throws(Errno) -> FinisherEnding {
    // A worker that was taken over may ask for this after a mount that failed.
    guard mounter.detached != nil || mounter.oneStepMount != nil else { throw .invalidArgument }
    if let process = mounterProcess.take() { return try process.complete(patience: patience) }
    let log = log
    return try operations.finish(keeping: mounter.descriptors, patience: patience) {
      operations, patience in
      do throws(MountFailure) {
        try mounter.complete(with: &operations, patience: patience)
        log.mounted(at: try? mounter.mountPoint.currentPath())
        return .done(mounter.lastSteps.line)
      } catch {
        log.failed(error.explanation)
        return .failed(error.explanation)
      }
    }
  }

  private mutating func complete(_ mounter: inout Mounter) -> ExitStatus {
    diagnostics.tell(text("the service has said goodbye and is ready"))
    do throws(Errno) {
      let ending = try attach(&mounter, patience: shortPatience)
      isLogged = true
      if case .failed(let why) = ending {
        diagnostics.report(why)
        return .failure
      }
      if case .done(let steps) = ending, !steps.isEmpty { diagnostics.explain(steps) }
    } catch {
      diagnostics.report(describe(text("completing the mount"), error))
      if error == .inputOutput { mounter.takeOver() }
      return .failure
    }
    diagnostics.tellEnd(task.invocation.mountPoint + text(": mounted"))
    return .success
  }

  mutating func answer(
    _ error: Errno?, passing descriptor: Int32? = nil
  ) -> ExitStatus? {
    let number = error.map { ErrorNumber(rawValue: UInt32($0.rawValue)) }
    do throws(Errno) {
      try worker.line.send(
        IntentAnswer(error: number).encoded(), passing: descriptor,
        until: .after(seconds: answerTimeout))
      return nil
    } catch {
      diagnostics.report(describe(text("answering the worker process"), error))
      return .failure
    }
  }
}
