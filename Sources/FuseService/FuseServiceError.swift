// SPDX-License-Identifier: LGPL-2.1-or-later

public import LinuxPrimitives
public import MountProtocol

/// Why a conversation with the mount helper failed.
public enum FuseServiceError: Error, Equatable, Sendable {
  /// The service manager passed this many sockets (`LISTEN_FDS`); a service gets exactly one.
  case wrongSocketCount(Int)
  /// Descriptor 3 is not a connected `SOCK_SEQPACKET` socket of the unix family.
  case wrongSocket
  /// The socket's send buffer, in bytes, cannot take an OPEN of the longest path.
  case sendBufferTooSmall(Int)
  /// A system call on the socket or on a passed file failed.
  case system(Errno)
  /// The helper closed the connection.
  case helperGone
  /// The helper did not answer in time.
  case helperSilent
  /// Another packet came than the one that had to come, or a malformed one.
  case unexpectedPacket(waitingFor: Magic)
  /// The hello sets bits that version 1 does not know.
  case unknownHelloFlags(UInt32)
  /// The helper speaks none of this library's versions.
  case unsupportedVersion(minimum: UInt16, maximum: UInt16)
  /// A FILE reply is about another path than the one that was asked for.
  case wrongPath
  /// A FILE reply says success but no descriptor came with it, which security modules can cause.
  case missingDescriptor
  /// The file with the command line is not one.
  case badArguments
  /// The file passed as `/dev/fuse` is something else.
  case wrongFuseDevice
  /// A string cannot travel: it is empty, too long, or holds a NUL.
  case unsendableString
  /// The helper refused a command, with the reason that it gave.
  case refused(command: Magic, ErrorNumber)
  /// The source was asked for on a loop device and is in use (`EBUSY`): a file is attached to a loop
  /// device already, and a second one would not know what is written to the first; or it is a block
  /// device that somebody uses.
  case alreadyAttached

  /// The error in plain words, for a log or for the last words; one line.
  public var message: [UInt8] {
    switch self {
    case .wrongSocketCount(let count):
      return Array("the service manager passed \(count) sockets instead of one".utf8)
    case .wrongSocket:
      return Array("descriptor 3 is not a connected SOCK_SEQPACKET unix socket".utf8)
    case .sendBufferTooSmall(let size):
      return Array(
        "the socket's send buffer is \(size) bytes, but \(ProtocolLimits.sendBufferSize) are needed"
          .utf8)
    case .system(let errno):
      return Array("talking to the mount helper: ".utf8) + errno.message
    case .helperGone:
      return Array("the mount helper closed the connection".utf8)
    case .helperSilent:
      return Array("the mount helper did not answer in time".utf8)
    case .unexpectedPacket(let magic):
      return Array("the mount helper sent something else than ".utf8) + magic.name
    case .unknownHelloFlags(let flags):
      return Array("the mount helper's hello has unknown flags \(flags)".utf8)
    case .unsupportedVersion(let minimum, let maximum):
      return Array(
        "the mount helper speaks versions \(minimum) to \(maximum), not \(ProtocolLimits.version)"
          .utf8)
    case .wrongPath:
      return Array("the mount helper answered about another file".utf8)
    case .missingDescriptor:
      return Array("the mount helper's file did not arrive".utf8)
    case .badArguments:
      return Array("the mount helper sent no readable command line".utf8)
    case .wrongFuseDevice:
      return Array("the mount helper sent something else than /dev/fuse".utf8)
    case .unsendableString:
      return Array("a string is empty, too long or holds a NUL".utf8)
    case .refused(let command, let error):
      return Array("the mount helper refused ".utf8) + command.name + Array(": ".utf8)
        + Errno(rawValue: Int32(clamping: error.rawValue)).message
    case .alreadyAttached:
      return Array(
        "the file is attached to a loop device already (losetup -j FILE), or the device is in use"
          .utf8)
    }
  }
}

extension Magic {
  /// The four letters.
  var name: [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: rawValue >> $0) }
  }
}
