// SPDX-License-Identifier: LGPL-2.1-or-later

internal import FuseService
internal import LinuxPrimitives
internal import ServerSupport

/// A server on its way from its start to its first answer to the kernel. It is killed when this value
/// ends before that.
struct StartingServer: ~Copyable {
  private var server: RunningServer
  private let fuseDevice: FileDescriptor
  private let directory: MountPointDirectory
  private let signals: SignalDescriptor
  private let deadline: Deadline
  private let helper: Int32
  private let description: ServiceDescription
  private let names: [Replacement]

  /// Starts the server that the description names.
  static func start(
    _ description: ServiceDescription, _ request: CallerRequest, _ files: borrowing SourceFiles,
    _ connection: borrowing FuseServiceConnection, shim: [UInt8]
  ) throws(Failure) -> StartingServer {
    do throws(Errno) {
      let signals = try SignalDescriptor()
      let fuseDevice = FileDescriptor(owning: try connection.duplicateFuseDevice())
      let directory = try MountPointDirectory()
      let command = serverCommand(
        description, request, mountPoint: directory.path, isReadOnly: files.isReadOnly)
      let server = try RunningServer.start(
        command, shim: shim,
        ServerDescriptors(fuseDevice: fuseDevice.rawValue, files: files.numbers))
      return StartingServer(
        server: server, fuseDevice: fuseDevice, directory: directory, signals: signals,
        helper: connection.socketNumber, description, request)
    } catch {
      throw .own(text("starting the server: ") + error.message)
    }
  }

  private init(
    server: consuming RunningServer, fuseDevice: consuming FileDescriptor,
    directory: consuming MountPointDirectory, signals: consuming SignalDescriptor, helper: Int32,
    _ description: ServiceDescription, _ request: CallerRequest
  ) {
    let paths = [request.source] + request.files.map { $0.path }
    names =
      paths.enumerated().map { Replacement(madeUpName($0), by: $1) }
      + [Replacement(directory.path, by: request.mountPoint)]
    deadline = .after(seconds: description.startSeconds)
    self.server = server
    self.fuseDevice = fuseDevice
    self.directory = directory
    self.signals = signals
    self.helper = helper
    self.description = description
  }

  /// Waits until the server has looked at the source and asks for its mount.
  mutating func wantedMount() throws(Failure) -> WantedMount {
    let event = server.next(orReadable: [helper, signals.descriptor.rawValue], until: deadline)
    if case .report(.mount(let wanted)) = event { return wanted }
    throw whatHappened(event)
  }

  /// Has the helper make the mount, and waits until the server has answered the kernel.
  ///
  /// Where the kernel waits for that answer itself (Linux 6.18), the server may read before there is
  /// a mount, and DOIT succeeds when it has answered. An older kernel makes the mount first.
  mutating func mount(
    _ flags: FuseMountFlags, _ connection: inout FuseServiceConnection
  ) throws(Failure) {
    if waitForInit(on: fuseDevice) {
      try startMount(flags, &connection)
      server.answerMount(nil)
      let failure = untilAnswered(atMost: connection.timeouts.reply)
      try finishMount(&connection, failure)
    } else {
      try startMount(flags, &connection)
      try finishMount(&connection, nil)
      server.answerMount(nil)
      try awaitReport()
    }
  }

  /// The server, which serves the mount.
  consuming func served() -> ServedMount {
    ServedMount(server: server, directory: directory, signals: signals)
  }

  private func startMount(
    _ flags: FuseMountFlags, _ connection: inout FuseServiceConnection
  ) throws(Failure) {
    do throws(FuseServiceError) {
      try connection.startMount(flags)
    } catch {
      throw .helper(error.message)
    }
  }

  /// Takes the helper's answer to DOIT; `failure` is what became of the server meanwhile, which is
  /// then the reason for what the helper says.
  private func finishMount(
    _ connection: inout FuseServiceConnection, _ failure: Failure?
  ) throws(Failure) {
    do throws(FuseServiceError) {
      try connection.finishMount()
    } catch {
      throw failure ?? .helper(error.message)
    }
    if let failure { throw failure }
  }

  /// Waits until the helper has the kernel's word. When the server ends first, or hangs, the kernel is
  /// answered in its place, over and over: the helper may not have come to the mount yet.
  private mutating func untilAnswered(atMost seconds: Int64) -> Failure? {
    var event = server.next(orReadable: [helper, signals.descriptor.rawValue], until: deadline)
    // A report of the first answer is nothing new here, and a server may send any number.
    while case .report = event, !deadline.hasPassed {
      event = server.next(orReadable: [helper, signals.descriptor.rawValue], until: deadline)
    }
    if isReadable(helper) { return nil }
    let failure = whatHappened(event)
    let patience = Deadline.after(seconds: seconds)
    while !isReadable(helper, for: 50), !patience.hasPassed { answerInit(on: fuseDevice) }
    return failure
  }

  /// Waits until the shim has seen the server answer the kernel.
  private mutating func awaitReport() throws(Failure) {
    let event = server.next(orReadable: [helper, signals.descriptor.rawValue], until: deadline)
    guard case .report(.answered(let error)) = event else { throw whatHappened(event) }
    guard error == 0 else {
      throw .own(
        text("the server refused to serve: ")
          + Errno(rawValue: error).message)
    }
  }

  /// Ends the server, and says why: in the server's own words where it said something.
  private mutating func whatHappened(_ event: RunningServer.Event) -> Failure {
    server.end()
    switch event {
    case .ended, .report:
      return .own(
        reason(in: server.output.beginning, banners: description.banners, names: names)
          ?? text("the server ended without a word; its source may be damaged"))
    case .late:
      return .own(
        text("the server was not ready after \(description.startSeconds) seconds")
          + (reason(in: server.output.beginning, banners: description.banners, names: names)
            .map { text(": ") + $0 } ?? []))
    case .other:
      return .helper(text("the mount helper is gone, or the service is to end"))
    }
  }
}

private func isReadable(_ number: Int32, for milliseconds: Int64 = 0) -> Bool {
  (try? wait(for: [number], until: .after(milliseconds: milliseconds))) == [true]
}
