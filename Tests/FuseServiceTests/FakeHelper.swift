// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import Foundation
import FuseService
import LinuxPrimitives
import MountProtocol

/// The helper's end of a connection. What it sends waits in the socket, so a test says everything
/// first, lets the server run, and then looks at what the server said.
final class FakeHelper {
  let socket: PacketSocket
  /// The server's end, until `begin` takes it.
  var serverEnd: FileDescriptor?

  init() throws {
    var pair = try PacketSocket.pair()
    serverEnd = try pair.first?.descriptor.duplicate()
    guard let end = pair.second.take() else { throw Errno.badFileDescriptor }
    socket = end
  }

  /// A helper that has said everything up to the fuse device.
  convenience init(greetingWith arguments: [String], flags: HelloFlags = []) throws {
    try self.init()
    try send(Hello(flags: flags).encoded())
    try sendFile(.argv, memoryFile(ArgumentsFile.encode(arguments.map { Array($0.utf8) })))
    try sendFile(.fusedev, fuseDevice())
  }

  func send(_ packet: [UInt8], passing descriptor: Int32? = nil) throws {
    try socket.send(packet, passing: descriptor, until: .after(seconds: 5))
  }

  func send(_ packet: [UInt8], with file: borrowing FileDescriptor) throws {
    try send(packet, passing: file.rawValue)
  }

  func sendFile(_ path: FilePath, _ file: borrowing FileDescriptor) throws {
    try send(Reply.file(error: nil, path: path.bytes).encoded(), with: file)
  }

  func refuseFile(_ path: FilePath, _ error: ErrorNumber) throws {
    try send(Reply.file(error: error, path: path.bytes).encoded())
  }

  func accept(commands count: Int) throws {
    for _ in 0..<count { try send(Reply.simple(error: nil).encoded()) }
  }

  func refuseCommand(_ error: ErrorNumber) throws {
    try send(Reply.simple(error: error).encoded())
  }

  /// Begins the server's conversation; the server's waits are over at once when nothing has come.
  func begin() throws(FuseServiceError) -> FuseServiceConnection {
    var timeouts = FuseServiceTimeouts()
    timeouts.hello = 0
    timeouts.reply = 0
    guard let end = serverEnd.take() else { throw .wrongSocket }
    return try FuseServiceConnection.begin(over: end, timeouts: timeouts)
  }

  /// How beginning fails, or `nil` when it does not.
  func failureToBegin() -> FuseServiceError? {
    do throws(FuseServiceError) {
      let connection = try begin()
      _ = connection.arguments
      return nil
    } catch {
      return error
    }
  }

  /// Everything that the server has sent and that was not taken yet.
  func packets() -> [[UInt8]] {
    var packets: [[UInt8]] = []
    while true {
      guard
        let packet = try? socket.receive(
          limit: ProtocolLimits.packetSize, until: .after(milliseconds: 0))
      else { return packets }
      packets.append(packet.bytes)
    }
  }

  /// Everything that the server has sent since the hello reply, as commands.
  func commands() throws -> [Command] {
    try packets().filter { HelloReply(decoding: $0) == nil }.map { try Command(decoding: $0) }
  }

  /// Whether the server has closed its end, after everything it sent has been taken.
  func serverIsGone() -> Bool {
    do throws(Errno) {
      let packet = try socket.receive(
        limit: ProtocolLimits.packetSize, until: .after(milliseconds: 0))
      switch packet {
      case .some: return false
      case nil: return true
      }
    } catch {
      return error == .connectionReset
    }
  }
}

/// A path by its text.
struct FilePath: ExpressibleByStringLiteral {
  let bytes: [UInt8]
  init(stringLiteral text: String) { bytes = Array(text.utf8) }
  static let argv: FilePath = "argv"
  static let fusedev: FilePath = "fusedev"
}

/// Names `/dev/fuse` without opening it, which needs no permission.
func fuseDevice() throws(Errno) -> FileDescriptor { try openFile(Array("/dev/fuse".utf8), .path) }

/// An image to pass.
func image() throws(Errno) -> FileDescriptor { try memoryFile(Array("image".utf8)) }

/// A block device to pass, named without opening it; `nil` where there is none and none can be made.
func blockDevice() -> FileDescriptor? {
  for name in (try? FileManager.default.contentsOfDirectory(atPath: "/dev")) ?? [] {
    if let node = blockDevice(at: "/dev/" + name) { return node }
  }
  let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString)"
  guard mknod(path, S_IFBLK | 0o600, gnu_dev_makedev(7, 0)) == 0 else { return nil }
  defer { unlink(path) }
  return blockDevice(at: path)
}

private func blockDevice(at path: String) -> FileDescriptor? {
  guard let node = try? openFile(Array(path.utf8), .path),
    (try? node.status().isBlockDevice) == true
  else { return nil }
  return node
}

/// Whether this machine has a block device to pass.
var hasBlockDevice: Bool {
  guard let device = blockDevice() else { return false }
  return device.rawValue >= 0
}

/// The bytes of a text.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
