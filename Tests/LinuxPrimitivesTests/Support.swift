// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import Foundation
import LinuxPrimitives
import Testing

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// Long enough for the slowest machine, short enough to end a test that hangs.
var patient: Deadline { .after(seconds: 20) }

/// Soon.
var soon: Deadline { .after(milliseconds: 30) }

/// What `body` fails with; `nil` when it does not.
func errno<Result: ~Copyable>(of body: () throws(Errno) -> Result) -> Errno? {
  do throws(Errno) {
    _ = try body()
    return nil
  } catch {
    return error
  }
}

/// Records where `body` fails with something else than `expected`, `nil` for not at all.
func expectError<Result: ~Copyable>(
  _ expected: Errno?, at location: SourceLocation = #_sourceLocation,
  _ body: () throws(Errno) -> Result
) {
  let error = errno(of: body)
  #expect(error == expected, sourceLocation: location)
}

/// A directory that goes with the test.
final class TemporaryDirectory {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "fsm-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.resolvingSymlinksInPath().path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> [UInt8] { bytes("\(path)/\(name)") }

  func makeFile(_ name: String, _ content: String = "") throws -> [UInt8] {
    try Data(content.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    return file(name)
  }

  func makeLink(_ name: String, to target: String) throws -> [UInt8] {
    try FileManager.default.createSymbolicLink(
      atPath: "\(path)/\(name)", withDestinationPath: target)
    return file(name)
  }
}

/// A descriptor whose closing can be seen from outside, in this process and in others.
final class Witness {
  /// The descriptor's number, until it is closed or given away.
  private(set) var number: Int32
  private let watching: Int32

  init() throws(Errno) {
    var pair = try PacketSocket.pair()
    guard let first = pair.first.take(), let second = pair.second.take() else {
      throw .badFileDescriptor
    }
    number = try first.descriptor.duplicate().release()
    watching = try second.descriptor.duplicate().release()
  }

  deinit {
    close()
    _ = CLinux.close(watching)
  }

  /// Hands the descriptor over; the witness keeps none.
  func giveAway() -> FileDescriptor {
    defer { number = -1 }
    return FileDescriptor(owning: number)
  }

  func close() {
    _ = giveAway()
  }

  /// Whether the last descriptor is closed before `deadline`.
  func isClosed(by deadline: Deadline) -> Bool {
    let ready = try? wait(for: [watching], until: deadline)
    return ready == [true]
  }
}

func isCloseOnExec(_ number: Int32) -> Bool { clinux_fcntl(number, F_GETFD, 0) & FD_CLOEXEC != 0 }
func isOpen(_ number: Int32) -> Bool { clinux_fcntl(number, F_GETFD, 0) >= 0 }

/// A socket bound to `path`, listening if `backlog` says so.
func bindSocket(
  _ path: [UInt8], type: Int32 = clinux_SOCK_SEQPACKET, backlog: Int32?
) throws -> FileDescriptor {
  let listener = FileDescriptor(owning: socket(AF_UNIX, type | clinux_SOCK_CLOEXEC, 0))
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
  let bound = withUnsafePointer(to: &address) { address in
    address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(
        listener.rawValue, __CONST_SOCKADDR_ARG(__sockaddr__: $0),
        socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
  guard bound == 0 else { throw Errno.last }
  if let backlog, listen(listener.rawValue, backlog) != 0 { throw Errno.last }
  return listener
}
