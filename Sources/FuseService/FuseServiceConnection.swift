// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives
internal import MountProtocol

/// How long a server waits for the mount helper, in seconds.
public struct FuseServiceTimeouts: Equatable, Sendable {
  /// From the start of the service to the last of the files that are sent unasked.
  public var hello: Int64 = 90
  /// For the answer to each request. Opening a file on a slow network takes the helper time.
  public var reply: Int64 = 300

  /// The times that the helper itself keeps to.
  public init() {}
}

/// A server's connection to the mount helper, from the hello to the goodbye.
///
/// The order of a mount is:
/// ```swift
/// guard var connection = try FuseServiceConnection.accept() else { /* not started as a service */ }
/// let source = try connection.openSource(SourceRequest(path: connection.arguments[1]))
/// try connection.finishRequests()
/// // look at the source, prepare the FUSE session on connection.duplicateFuseDevice()
/// connection.releaseFuseDevice()
/// try connection.mount(parameters)
/// connection.goodbye(exitCode: 0)
/// // serve the kernel
/// ```
/// The helper attaches the mount only after a goodbye of 0; a server that gives up sends
/// `lastWords(_:)` and a goodbye that is not 0, or simply drops the connection. Every wait ends in
/// time, so a helper that dies or stalls leaves no server behind.
public struct FuseServiceConnection: ~Copyable, Sendable {
  let socket: PacketSocket
  /// The command line: first the subtype (`ext4` for `-t fuse.ext4`), then what the caller wrote
  /// behind the helper's name, without `-t TYPE`. There is always a first element.
  public let arguments: [[UInt8]]
  /// Whether the caller may mount with `allow_other`.
  public let mayAllowOther: Bool
  /// Whether the caller may mount as `fuseblk`.
  public let mayUseFuseblk: Bool
  /// How long to wait for the helper's answers.
  public var timeouts: FuseServiceTimeouts
  private var fuseDevice: FileDescriptor?
  var expectedFormat: UInt16 = 0

  /// The socket that the service manager passed, and on it the beginning of the conversation.
  ///
  /// Reads `LISTEN_FDS` and `LISTEN_PID` (`sd_listen_fds(3)`). To be called once: it takes
  /// descriptor 3 for its own.
  ///
  /// - Returns: `nil` when this process was not started as a service; nothing has been touched then.
  /// - Throws: `wrongSocketCount`, and all that `begin(over:timeouts:)` throws.
  public static func accept(
    timeouts: FuseServiceTimeouts = FuseServiceTimeouts()
  ) throws(FuseServiceError) -> FuseServiceConnection? {
    guard
      let count = passedSocketCount(
        listenFds: environmentVariable("LISTEN_FDS"),
        listenPid: environmentVariable("LISTEN_PID"), processId: getpid())
    else { return nil }
    guard count == 1 else { throw .wrongSocketCount(count) }
    // SD_LISTEN_FDS_START: the first passed descriptor is 3, and it is ours alone.
    return try begin(over: FileDescriptor(owning: 3), timeouts: timeouts)
  }

  /// Begins the conversation on a socket that came in another way: checks it, receives the hello,
  /// answers it, and receives the command line and `/dev/fuse`. When it throws the socket is closed.
  ///
  /// - Throws: `wrongSocket` or `sendBufferTooSmall` before anything was received; `helperSilent` after
  ///   `timeouts.hello`, and `helperGone`; the errors that say what of the beginning was wrong.
  ///
  /// The corresponding system calls are `getsockopt(2)`, `fcntl(2)`, `recvmsg(2)`, `sendmsg(2)`.
  public static func begin(
    over descriptor: consuming FileDescriptor,
    timeouts: FuseServiceTimeouts = FuseServiceTimeouts()
  ) throws(FuseServiceError) -> FuseServiceConnection {
    guard descriptor.isConnectedPacketSocket() else { throw .wrongSocket }
    do throws(Errno) {
      try descriptor.closeOnExec()
    } catch {
      throw .system(error)
    }
    let socket = PacketSocket(descriptor)
    // A size that cannot be told is not held against the socket: sending a long path would fail
    // with a clear error.
    let size = (try? socket.sendBufferSize()) ?? ProtocolLimits.sendBufferSize
    guard size >= ProtocolLimits.sendBufferSize else { throw .sendBufferTooSmall(size) }
    let deadline = Deadline.after(seconds: timeouts.hello)

    let flags = try answerHello(on: socket, until: deadline)
    let file = try socket.receiveFile(
      ProtocolLimits.argumentsPath, answering: .arguments, until: deadline)
    let arguments = try decodedCommandLine(from: file)
    let device = try socket.receiveFile(
      ProtocolLimits.fuseDevicePath, answering: .fileReply, until: deadline)
    try requireFuseDevice(device)

    return FuseServiceConnection(
      socket: socket, arguments: arguments, flags: flags, timeouts: timeouts, fuseDevice: device)
  }

  private init(
    socket: consuming PacketSocket, arguments: [[UInt8]], flags: HelloFlags,
    timeouts: FuseServiceTimeouts, fuseDevice: consuming FileDescriptor
  ) {
    self.socket = socket
    self.arguments = arguments
    self.timeouts = timeouts
    self.fuseDevice = consume fuseDevice
    mayAllowOther = flags.contains(.allowOther)
    mayUseFuseblk = flags.contains(.fuseblk)
  }

  /// The number of the socket, for `poll(2)` and nothing else: it is readable when the helper has
  /// answered or is gone.
  public var socketNumber: Int32 { socket.descriptor.rawValue }

  /// A descriptor of `/dev/fuse` for the FUSE session to own, close-on-exec: libfuse takes it as the
  /// mount point `/dev/fd/N`.
  ///
  /// - Throws: `EBADF` after `releaseFuseDevice()`, `EMFILE` when there is no room for another.
  ///
  /// The corresponding system call is `fcntl(2)` with `F_DUPFD_CLOEXEC`.
  public func duplicateFuseDevice() throws(Errno) -> Int32 {
    switch fuseDevice {
    case .some(let device):
      let number = clinux_fcntl(device.rawValue, F_DUPFD_CLOEXEC, 0)
      guard number >= 0 else { throw .last }
      return number
    case nil:
      throw .badFileDescriptor
    }
  }

  /// Closes this connection's descriptor of `/dev/fuse`. To be called once the FUSE session has its
  /// own: for as long as any descriptor of it is open, the kernel takes a mount whose server ended
  /// for a living one.
  public mutating func releaseFuseDevice() { fuseDevice = nil }

  /// Receives the hello and picks the version.
  private static func answerHello(
    on socket: borrowing PacketSocket, until deadline: Deadline
  ) throws(FuseServiceError) -> HelloFlags {
    let packet = try socket.receivePacket(waitingFor: .hello, until: deadline)
    guard let hello = Hello(decoding: packet) else { throw .unexpectedPacket(waitingFor: .hello) }
    guard hello.minimumVersion <= ProtocolLimits.version,
      hello.maximumVersion >= ProtocolLimits.version
    else {
      throw .unsupportedVersion(minimum: hello.minimumVersion, maximum: hello.maximumVersion)
    }
    let unknown = hello.flags.subtracting(.known)
    guard unknown.isEmpty else { throw .unknownHelloFlags(unknown.rawValue) }
    try socket.sendPacket(HelloReply().encoded(), until: deadline)
    return hello.flags
  }
}

/// The most bytes that a command line may have here: twice what `execve(2)` takes at most
/// (`ARG_MAX` rules: three quarters of 8 MiB), because of the table in front of the strings.
let argumentsFileLimit = 12 << 20

/// Reads the command line from the passed file.
private func decodedCommandLine(
  from file: borrowing FileDescriptor
) throws(FuseServiceError) -> [[UInt8]] {
  // Only a regular file, which a memory file is, has an end; a pipe or a terminal could be waited
  // for without a bound.
  guard let status = try? file.status(), status.isRegularFile,
    let bytes = try? file.contentFromBeginning(limit: argumentsFileLimit),
    let arguments = try? ArgumentsFile.decode(bytes), !arguments.isEmpty
  else { throw .badArguments }
  return arguments
}

/// Checks that a passed file is the character device 10:229, which `/dev/fuse` is everywhere
/// (Documentation/admin-guide/devices.txt).
private func requireFuseDevice(_ file: borrowing FileDescriptor) throws(FuseServiceError) {
  do throws(Errno) {
    if try file.status().isCharacterDevice(major: 10, minor: 229) { return }
  } catch {
    throw .system(error)
  }
  throw .wrongFuseDevice
}
