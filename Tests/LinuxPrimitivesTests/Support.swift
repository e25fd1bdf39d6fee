// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
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
      bind(listener.rawValue, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
  guard bound == 0 else { throw Errno.last }
  if let backlog, listen(listener.rawValue, backlog) != 0 { throw Errno.last }
  return listener
}
