// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import Literals
internal import MountPolicy
internal import MountProtocol

/// The socket to a service, and the first words on it.
struct ServiceConnection: ~Copyable {
  private let socket: PacketSocket
  private let name: [UInt8]

  /// The path of the socket of the service for `subtype`.
  static func socketPath(subtype: [UInt8]) -> [UInt8] {
    BuildConfiguration.socketDirectory + [UInt8(ascii: "/")] + subtype
  }

  /// The longest subtype whose socket's path fits an address (unix(7): 108 bytes with the
  /// terminator).
  static var maximumSubtypeLength: Int { 108 - 2 - BuildConfiguration.socketDirectory.count }

  /// Connects to the service for `subtype` with the caller's rights. Where its queue is full, `whenLate`
  /// hears that this takes a moment.
  ///
  /// - Throws: `noService` only when the socket does not exist: a caller may then fall back to a
  ///   driver that is not contained, so a service that is exhausted, broken or forbidden is
  ///   something else.
  static func connect(
    subtype: [UInt8], whenLate: () -> Void
  ) throws(WorkerError) -> ServiceConnection {
    let path = socketPath(subtype: subtype)
    do throws(Errno) {
      // The monitor's clock ends a wait that is too long.
      let socket = try PacketSocket.connect(to: path, whenLate: whenLate)
      guard try socket.sendBufferSize() >= ProtocolLimits.sendBufferSize else {
        throw .noBufferSpace
      }
      do throws(Errno) {
        try socket.refuseDescriptors()
      } catch {
        // Before kernel 6.16 a passed descriptor is dropped on receipt, for want of a buffer.
        guard error == .noProtocolOption else { throw error }
      }
      return ServiceConnection(socket: socket, name: subtype)
    } catch {
      switch error {
      case .noSuchFile:
        throw .noService
      case .connectionRefused:
        throw .failed(describe(path, error, advice: "the service is not listening"))
      case .permissionDenied:
        throw .failed(describe(path, error, advice: "you may not use this service"))
      default:
        throw .failed(describe(path, error))
      }
    }
  }

  private init(socket: consuming PacketSocket, name: [UInt8]) {
    self.socket = socket
    self.name = name
  }

  /// Says hello.
  func sayHello(_ flags: HelloFlags) throws(WorkerError) {
    try send(Hello(flags: flags).encoded())
  }

  /// Waits for the answer to the hello and checks it.
  func takeAnswer() throws(WorkerError) {
    _ = try hasPacket(until: .never)
    let packet = try receive()
    guard let reply = HelloReply(decoding: packet) else {
      throw .failed(subject + text("did not answer the hello as a service does"))
    }
    guard reply.version == ProtocolLimits.version else {
      throw .failed(
        subject + text("speaks version ") + digits(UInt64(reply.version))
          + text(" of the protocol, not 1"))
    }
  }

  /// Sends the command line and the fuse device, which a server expects unasked.
  func sendFirstFiles(
    arguments: [[UInt8]], fuseDevice: borrowing FileDescriptor
  ) throws(WorkerError) {
    let file: FileDescriptor
    do throws(Errno) {
      file = try memoryFile(ArgumentsFile.encode(arguments))
    } catch {
      throw .failed(describe(text("the command line for the service"), error))
    }
    try send(.file(error: nil, path: ProtocolLimits.argumentsPath), passing: file.rawValue)
    try send(.file(error: nil, path: ProtocolLimits.fuseDevicePath), passing: fuseDevice.rawValue)
  }

  /// Sends a reply, with a descriptor if one is given.
  func send(_ reply: Reply, passing descriptor: Int32? = nil) throws(WorkerError) {
    try send(reply.encoded(), passing: descriptor)
  }

  /// Waits for the server's next packet, or its end. Whether it came before `deadline`.
  func hasPacket(until deadline: Deadline) throws(WorkerError) -> Bool {
    do throws(Errno) {
      return try wait(for: [socket.descriptor.rawValue], until: deadline)[0]
    } catch {
      throw broken(error)
    }
  }

  /// Takes the server's next packet, for which this process has waited; a longer one than may be is cut
  /// one byte beyond, so that the decoder sees it.
  func receive() throws(WorkerError) -> [UInt8] {
    do throws(Errno) {
      guard
        let packet = try socket.receive(
          limit: ProtocolLimits.packetSize + 1, isThere: true, until: .never)
      else { throw .connectionReset }
      return packet.bytes
    } catch {
      throw broken(error)
    }
  }

  private func send(_ packet: [UInt8], passing descriptor: Int32? = nil) throws(WorkerError) {
    do throws(Errno) {
      try socket.send(packet, passing: descriptor, until: .never)
    } catch {
      throw broken(error)
    }
  }

  private func broken(_ error: Errno) -> WorkerError {
    if error == .connectionReset || error == .brokenPipe {
      return .failed(subject + text("ended without a goodbye; see its log"))
    }
    return .failed(describe(text("the connection to the service"), error))
  }

  private var subject: [UInt8] { text("the service for ") + name + text(" ") }
}
