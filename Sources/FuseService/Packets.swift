// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountProtocol

// Sending and receiving one packet, with the socket's errors told as the helper's conduct.
extension PacketSocket {
  func sendPacket(_ packet: [UInt8], until deadline: Deadline) throws(FuseServiceError) {
    do throws(Errno) {
      try send(packet, until: deadline)
    } catch {
      throw conduct(error)
    }
  }

  /// Receives a packet that carries no descriptor; any that rides along is dropped by the kernel.
  func receivePacket(
    waitingFor magic: Magic, until deadline: Deadline
  ) throws(FuseServiceError) -> [UInt8] {
    do throws(Errno) {
      guard let packet = try receive(limit: ProtocolLimits.packetSize, until: deadline) else {
        throw .connectionReset
      }
      // A packet beyond the limit is no packet of the protocol; its beginning says nothing.
      return packet.isTruncated ? [] : packet.bytes
    } catch {
      throw conduct(error)
    }
  }

  /// Receives the answer to a command, which has no file in it.
  func receiveSimpleReply(
    to command: Magic, until deadline: Deadline
  ) throws(FuseServiceError) {
    let packet = try receivePacket(waitingFor: .simpleReply, until: deadline)
    guard case .simple(let error) = Reply(decoding: packet) else {
      throw .unexpectedPacket(waitingFor: .simpleReply)
    }
    if let error { throw .refused(command: command, error) }
  }

  /// Receives the file with the name `path`.
  func receiveFile(
    _ path: [UInt8], answering command: Magic, until deadline: Deadline
  ) throws(FuseServiceError) -> FileDescriptor {
    var reply: Reply?
    var descriptor: FileDescriptor?
    do throws(Errno) {
      guard
        var packet = try receive(
          limit: ProtocolLimits.packetSize, acceptsDescriptor: true, until: deadline)
      else { throw .connectionReset }
      reply = packet.isTruncated ? nil : Reply(decoding: packet.bytes)
      descriptor = packet.descriptor.take()
    } catch {
      throw conduct(error)
    }
    guard case .file(let error, let answered) = reply else {
      throw .unexpectedPacket(waitingFor: .fileReply)
    }
    guard answered == path else { throw .wrongPath }
    if let error { throw .refused(command: command, error) }
    guard let file = descriptor.take() else { throw .missingDescriptor }
    return file
  }
}

/// What an error of the socket says about the helper.
private func conduct(_ error: Errno) -> FuseServiceError {
  switch error {
  case .brokenPipe, .connectionReset: return .helperGone
  case .timedOut: return .helperSilent
  default: return .system(error)
  }
}
