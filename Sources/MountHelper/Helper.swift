// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives
internal import Literals
internal import MountPolicy

/// Runs the helper.
///
/// - Parameters:
///   - arguments: the command line, the program's name first.
///   - operations: what needs privilege.
/// - Returns: the exit status.
public func runHelper<Operations: PrivilegedOperations & ~Copyable>(
  arguments: [[UInt8]], operations: consuming Operations
) -> ExitStatus {
  var operations = operations
  do throws(HelperError) {
    let conditions = try cleanStart()
    let caller = currentCaller()
    // Before the first byte of the command line is read, and before anything is written to a
    // descriptor of the caller's.
    if conditions.isPrivileged {
      try doing("giving up privilege") { () throws(Errno) in
        try operations.shedPrivileges(caller: caller)
      }
    }
    switch try readCommandLine(arguments) {
    case .help:
      return show(helpText)
    case .version:
      return show(text("fuservicemount3 ") + BuildConfiguration.version)
    case .check(let type, let isVerbose):
      try becomeInspector(conditions, caller: caller, operations: &operations)
      return check(type, isVerbose: isVerbose)
    case .list(let asJSON):
      try becomeInspector(conditions, caller: caller, operations: &operations)
      return try list(asJSON: asJSON)
    case .fake(let invocation):
      return try pretend(invocation)
    case .mount(let invocation):
      try requirePrivilege(conditions)
      return try mount(
        invocation, caller: caller, umask: conditions.umask, operations: operations)
    }
  } catch {
    var diagnostics = Diagnostics()
    diagnostics.report(error.line)
    return .failure
  }
}

/// Gives up what looking at sockets does not need, where there is anything to give up.
private func becomeInspector<Operations: PrivilegedOperations & ~Copyable>(
  _ conditions: StartConditions, caller: Caller, operations: inout Operations
) throws(HelperError) {
  guard conditions.isPrivileged else { return }
  try doing("giving up privilege") { () throws(Errno) in
    try operations.becomeInspector(caller: caller)
  }
}

/// `--check`. Without `isVerbose` it is silent whatever the answer.
private func check(_ type: [UInt8], isVerbose: Bool) -> ExitStatus {
  var diagnostics = Diagnostics(isVerbose: isVerbose)
  do throws(HelperError) {
    let path = ServiceConnection.socketPath(subtype: try subtype(of: type))
    let access = accessToService(at: path)
    diagnostics.explain(path + text(": ") + access.words)
    return access == .usable ? .success : .failure
  } catch {
    diagnostics.explain(error.line)
    return .failure
  }
}

/// `--list`. That there are no services is an answer, too.
private func list(asJSON: Bool) throws(HelperError) -> ExitStatus {
  let directory = BuildConfiguration.socketDirectory
  let services: ServiceList?
  do throws(Errno) {
    services = try listServices(in: directory)
  } catch {
    throw HelperError(line: describe(directory, error))
  }
  if asJSON { return show(services?.json ?? text("[]")) }
  guard let services, !services.entries.isEmpty else {
    var diagnostics = Diagnostics()
    diagnostics.report(
      text("there are no services: ") + directory
        + (services == nil ? text(" does not exist") : text(" has no socket in it")))
    return .success
  }
  return show(services.table)
}

/// One attempt to mount, of which the system log hears first.
private func mount<Operations: PrivilegedOperations & ~Copyable>(
  _ invocation: MountInvocation, caller: Caller, umask: UInt32,
  operations: consuming Operations
) throws(HelperError) -> ExitStatus {
  let diagnostics = Diagnostics(isVerbose: invocation.isVerbose)
  let service = (try? subtype(of: invocation.type)).map(ServiceConnection.socketPath(subtype:))
  var log = AttemptLog(invocation, caller: caller, service: service)
  do throws(HelperError) {
    return try mount(
      invocation, caller: caller, umask: umask, operations: operations, diagnostics: diagnostics,
      log: &log)
  } catch {
    // Of an attempt that comes to nothing so soon the log hears both at once.
    try? log.begin()
    log.failed(error.line)
    throw error
  }
}

/// The way of one mount until worker and monitor go apart.
private func mount<Operations: PrivilegedOperations & ~Copyable>(
  _ invocation: MountInvocation, caller: Caller, umask: UInt32,
  operations: consuming Operations, diagnostics: Diagnostics, log: inout AttemptLog
) throws(HelperError) -> ExitStatus {
  var diagnostics = diagnostics
  let configuration: FuseConfiguration
  do throws(Errno) {
    configuration = try readConfiguration(&diagnostics)
  } catch {
    throw HelperError(line: describe(BuildConfiguration.configurationPath, error))
  }
  let (task, timeout) = try makeTask(invocation, caller: caller, configuration: configuration)

  let worker = try doing("starting the worker process") { () throws(Errno) in
    try startWorker(task, umask: umask, operations: &operations)
  }
  // While the worker comes to life. It calls nobody before the log has heard of the attempt.
  try doing("telling the system log, without which nobody but root mounts") { () throws(Errno) in
    try log.begin()
  }
  // Not before, because any user can have the log take its time, and until here there is nothing that a
  // signal may not simply end.
  let signals = try doing("taking signals") { () throws(Errno) in try SignalDescriptor() }
  try doing("starting the worker process") { () throws(Errno) in
    try MonitorChannel.start(by: worker.line)
  }
  // While the worker goes on: what it says is read after that.
  try doing("giving up privilege") { () throws(Errno) in
    try operations.becomeMonitor(caller: caller)
  }
  diagnostics.tell(text("privilege is given up, and the worker process is started"))
  var monitor = Monitor(
    task: task, configuration: configuration, worker: worker, signals: signals,
    operations: operations, diagnostics: diagnostics, log: log, timeout: timeout)
  return monitor.run()
}

/// Starts the worker. It inherits nothing of the caller's but the working directory.
private func startWorker<Operations: PrivilegedOperations & ~Copyable>(
  _ task: MountTask, umask mask: UInt32, operations: inout Operations
) throws(Errno) -> LinkedChild {
  try LinkedChild.fork { line in
    do throws(Errno) {
      // What a server creates follows the caller's mask, and is never writable by others.
      _ = umask(mode_t(mask | 0o022))
      try operations.becomeWorker(caller: task.caller)
      var worker = Worker(task: task, monitor: MonitorChannel(line))
      return worker.run { () throws(Errno) in try operations.confineWorker() }
    } catch {
      return 1
    }
  }
}

/// Why the helper does not get as far as a worker.
private struct HelperError: Error {
  var line: [UInt8]
}

private func doing<Result: ~Copyable>(
  _ what: StaticString, _ body: () throws(Errno) -> Result
) throws(HelperError) -> Result {
  do throws(Errno) {
    return try body()
  } catch {
    throw HelperError(line: describe(text(what), error))
  }
}

private func cleanStart() throws(HelperError) -> StartConditions {
  do throws(StartError) {
    return try startClean()
  } catch {
    switch error {
    case .descriptors(let error):
      throw HelperError(line: describe(text("cannot make the process safe"), error))
    case .limit(let name):
      throw HelperError(
        line: text(name) + text(": the resource limit is too low; raise it with ulimit(1)"))
    }
  }
}

private func readCommandLine(_ arguments: [[UInt8]]) throws(HelperError) -> Invocation {
  do throws(UsageError) {
    return try Invocation.parse(arguments)
  } catch {
    throw HelperError(line: error.explanation)
  }
}

private func subtype(of type: [UInt8]) throws(HelperError) -> [UInt8] {
  do throws(Refusal) {
    return try Subtype.parse(type, maximumLength: ServiceConnection.maximumSubtypeLength)
  } catch {
    throw HelperError(line: error.explanation)
  }
}

/// Everything that both processes decide by, from the command line and fuse.conf.
private func makeTask(
  _ invocation: MountInvocation, caller: Caller, configuration: FuseConfiguration
) throws(HelperError) -> (MountTask, timeout: UInt32?) {
  let subtype = try subtype(of: invocation.type)
  do throws(Refusal) {
    let options = try CallerOptions(
      arguments: invocation.optionArguments, ownWords: invocation.ownWords, caller: caller)
    let files = NamedFiles(operands: invocation.otherOperands, optionValues: options.namedValues)
    let rules = MountRules(
      caller: caller, configuration: configuration, options: options, subtype: subtype,
      namedFiles: files, mountPoint: invocation.mountPoint)
    let task = MountTask(
      invocation: invocation, caller: caller, subtype: subtype, rules: rules, namedFiles: files)
    let timeout = (invocation.timeout ?? options.serviceTimeout).map { min($0, maximumTimeout) }
    return (task, timeout)
  } catch {
    throw HelperError(line: error.explanation)
  }
}

/// Mounting needs root, by the program's set-user-ID bit or a root caller.
private func requirePrivilege(_ conditions: StartConditions) throws(HelperError) {
  if conditions.isPrivileged { return }
  guard forbidsNewPrivileges() else {
    throw HelperError(line: text("must be installed set-user-ID root (mode 4755) to mount"))
  }
  throw HelperError(
    line: text("the program that started this one forbids new privileges (no_new_privs), ")
      + text("so set-user-ID has no effect; mount from outside of its sandbox"))
}

/// `-f` of mount(8): everything but mounting.
private func pretend(_ invocation: MountInvocation) throws(HelperError) -> ExitStatus {
  var diagnostics = Diagnostics(isVerbose: invocation.isVerbose)
  let subtype = try subtype(of: invocation.type)
  diagnostics.explain(
    invocation.mountPoint + text(": would be mounted by the service at ")
      + ServiceConnection.socketPath(subtype: subtype))
  return .success
}

private func currentCaller() -> Caller { Caller(userID: getuid(), groupID: getgid()) }

private func show(_ content: [UInt8]) -> ExitStatus {
  do throws(Errno) {
    try writeAll(content + [UInt8(ascii: "\n")], to: 1)
    return .success
  } catch {
    return .failure
  }
}
