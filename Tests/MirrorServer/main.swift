// SPDX-License-Identifier: LGPL-2.1-or-later

// mirrorfs: a server for the tests, on the FuseService library and nothing else. It serves the file
// that the caller names at a mount point that is a file, and speaks FUSE with the kernel itself, one
// request at a time.

import FuseService
import Glibc
import LinuxPrimitives

/// A request's opcodes and structures are those of `linux/fuse.h`, version 7.31.
enum Opcode: UInt32 {
  case getattr = 3
  case setattr = 4
  case open = 14
  case read = 15
  case write = 16
  case release = 18
  case fsync = 20
  case flush = 25
  case initialize = 26
}

/// The numbers of a structure, little-endian as on every machine that the tests run on.
struct Structure {
  var bytes: [UInt8] = []

  mutating func add<T: FixedWidthInteger>(_ values: T...) {
    for value in values { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
  }
}

func number<T: FixedWidthInteger>(_ bytes: [UInt8], at offset: Int, as _: T.Type) -> T {
  guard offset + MemoryLayout<T>.size <= bytes.count else { return 0 }
  return bytes.withUnsafeBytes {
    T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: T.self))
  }
}

/// The served file.
struct Mirror {
  let file: Int32
  let isReadOnly: Bool

  func attributes() -> [UInt8] {
    let size = UInt64(max(0, lseek(file, 0, SEEK_END)))
    var reply = Structure()
    reply.add(UInt64(0), 0)
    reply.add(UInt64(1), size, (size + 511) / 512, 0, 0, 0)
    reply.add(UInt32(0), 0, 0)
    reply.add(S_IFREG | (isReadOnly ? 0o444 : 0o666), UInt32(1), 0, 0, 0, 4_096, 0)
    return reply.bytes
  }

  /// The answer to a request, or an errno.
  func answer(_ opcode: Opcode, _ body: [UInt8]) -> (error: Int32, reply: [UInt8]) {
    switch opcode {
    case .initialize:
      var reply = Structure()
      reply.add(UInt32(7), min(31, number(body, at: 4, as: UInt32.self)), 65_536, 0)
      reply.add(UInt16(12), 9)
      reply.add(UInt32(65_536), 1)
      reply.add(UInt16(0), 0)
      reply.bytes += [UInt8](repeating: 0, count: 32)
      return (0, reply.bytes)
    case .getattr, .setattr:
      return (0, attributes())
    case .open:
      let flags = number(body, at: 0, as: Int32.self)
      return isReadOnly && flags & O_ACCMODE != O_RDONLY
        ? (EROFS, []) : (0, [UInt8](repeating: 0, count: 16))
    case .read:
      let offset = number(body, at: 8, as: Int64.self)
      var content = [UInt8](repeating: 0, count: Int(number(body, at: 16, as: UInt32.self)))
      let count = pread(file, &content, content.count, off_t(offset))
      return count < 0 ? (errno, []) : (0, Array(content.prefix(count)))
    case .write:
      let offset = number(body, at: 8, as: Int64.self)
      let content = Array(body.dropFirst(40))
      let count = pwrite(file, content, content.count, off_t(offset))
      var reply = Structure()
      reply.add(UInt32(max(0, count)), 0)
      return count < 0 ? (errno, []) : (0, reply.bytes)
    case .fsync:
      return (Glibc.fsync(file) == 0 ? 0 : errno, [])
    case .flush, .release:
      return (0, [])
    }
  }

  /// Answers the kernel until the mount is gone.
  func serve(on device: Int32) -> Int32 {
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = Glibc.read(device, &buffer, buffer.count)
      if count < 0 {
        if errno == EINTR || errno == ENOENT || errno == EAGAIN { continue }
        return errno == ENODEV ? 0 : 1
      }
      let opcode = number(buffer, at: 4, as: UInt32.self)
      // FORGET, INTERRUPT and BATCH_FORGET have no answer.
      if count < 40 || [2, 36, 42].contains(opcode) { continue }
      let (error, reply) =
        Opcode(rawValue: opcode).map { answer($0, Array(buffer[40..<count])) } ?? (ENOSYS, [])
      var packet = Structure()
      packet.add(UInt32(16 + reply.count))
      packet.add(-error)
      packet.add(number(buffer, at: 8, as: UInt64.self))
      packet.bytes += reply
      _ = Glibc.write(device, packet.bytes, packet.bytes.count)
    }
  }
}

/// The whole of a service. The words are those of the command line; of the options only `ro`,
/// `sync`, `noexec` and `require_bdev` mean something.
func run() throws -> Int32 {
  guard var connection = try FuseServiceConnection.accept() else { return 1 }
  let operands = connection.arguments.dropFirst().prefix { !$0.starts(with: Array("-".utf8)) }
  guard operands.count == 2, let image = operands.first, let target = operands.last else {
    connection.lastWords(Array("an image and a mount point are needed".utf8))
    connection.goodbye(exitCode: 1)
    return 1
  }
  let options = connection.arguments.last.map { $0.split(separator: UInt8(ascii: ",")) } ?? []
  func has(_ word: String) -> Bool { options.contains { $0.elementsEqual(word.utf8) } }
  do {
    let source = try connection.openSource(
      SourceRequest(
        path: image, readWrite: !has("ro"), requireBlockDevice: has("require_bdev")))
    try connection.finishRequests()
    let mirror = Mirror(
      file: dup(source.descriptor.rawValue), isReadOnly: source.isReadOnly)
    let device = try connection.duplicateFuseDevice()
    connection.releaseFuseDevice()
    var parameters = MountParameters(source: image, mountPoint: target)
    if has("ro") { parameters.flags.insert(.readOnly) }
    if has("noexec") { parameters.flags.insert(.noExecute) }
    if has("sync") { parameters.flags.insert(.synchronous) }
    connection.expectMountFormat(.regularFile)
    try connection.mount(parameters)
    connection.goodbye(exitCode: 0)
    return mirror.serve(on: device)
  } catch {
    connection.goodbye(exitCode: 1)
    return 1
  }
}

exit((try? run()) ?? 1)
