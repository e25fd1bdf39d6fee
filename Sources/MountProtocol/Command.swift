// SPDX-License-Identifier: LGPL-2.1-or-later

/// The `flags` of TYPE.
public struct FilesystemContextFlags: OptionSet, Sendable {
  /// The bits as they travel.
  public let rawValue: UInt32

  /// Wraps bits as they travel.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Mount as `fuseblk`.
  public static let fuseblk = FilesystemContextFlags(rawValue: 1 << 0)
}

/// Whether a kernel feature is wished for or needed.
public enum IOMappingMode: UInt16, Equatable, Sendable {
  /// Use it where there is one (`P?`).
  case optional = 0x503f
  /// Fail without it (`P!`).
  case mandatory = 0x5021
}

/// What a server asks of the helper after the hello.
public enum Command: Equatable, Sendable {
  /// Open a file.
  case open(OpenRequest)
  /// Open a block device and set its block size.
  case openBlockDevice(OpenRequest)
  /// Choose between fuse and fuseblk.
  case filesystemContext(FilesystemContextFlags)
  /// Name the mount's source.
  case source([UInt8])
  /// Set superblock options, comma-separated.
  case superblockOptions([UInt8])
  /// Set userspace options, comma-separated, for the mount table.
  case userspaceOptions([UInt8])
  /// Name the mount point and the file format that it must have (`S_IFDIR`, `S_IFREG`, 0 for any).
  case mountPoint(expectedFormat: UInt16, path: [UInt8])
  /// Mount, with `MS_*` flags.
  case mount(flags: UInt32)
  /// Ask for the kernel's I/O mapping.
  case ioMapping(IOMappingMode)
  /// The server's own words on why it gives up.
  case lastWords([UInt8])
  /// The end of the session, with the server's exit code.
  case goodbye(exitCode: UInt32)

  /// The magic that begins the command's packet.
  public var magic: Magic {
    switch self {
    case .open: return .open
    case .openBlockDevice: return .openBlockDevice
    case .filesystemContext: return .filesystemContext
    case .source: return .source
    case .superblockOptions: return .superblockOptions
    case .userspaceOptions: return .userspaceOptions
    case .mountPoint: return .mountPoint
    case .mount: return .mount
    case .ioMapping: return .ioMapping
    case .lastWords: return .lastWords
    case .goodbye: return .goodbye
    }
  }

  /// The packet.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(magic.rawValue)
    switch self {
    case .open(let request), .openBlockDevice(let request):
      request.write(to: &writer)
    case .filesystemContext(let flags):
      writer.write(flags.rawValue)
    case .source(let bytes), .superblockOptions(let bytes), .userspaceOptions(let bytes),
      .lastWords(let bytes):
      writer.writeTerminated(bytes)
    case .mountPoint(let format, let path):
      writer.write(format)
      writer.write(UInt16(0))
      writer.writeTerminated(path)
    case .mount(let flags):
      writer.write(flags)
    case .ioMapping(let mode):
      writer.write(mode.rawValue)
      writer.write(UInt16(0))
    case .goodbye(let exitCode):
      writer.write(exitCode)
    }
    return writer.bytes
  }
}

/// Why a packet is no command, in the terms in which it is answered.
public enum CommandError: Error, Equatable, Sendable {
  /// A known file request that is malformed: a FILE reply with `EINVAL`, path `?`.
  case malformedFileRequest(Magic)
  /// A known command that is malformed: a simple reply with `EINVAL`.
  case malformedCommand(Magic)
  /// A goodbye or last words that are malformed; they have no reply, so the session ends.
  case malformedFarewell(Magic)
  /// A magic that version 1 does not know; the session ends.
  case unknownMagic(UInt32)
  /// Too short for a magic; the session ends.
  case tooShort
  /// More than a packet may have; the session ends.
  case tooLong
}

extension Command {
  /// Reads a packet from a server.
  ///
  /// Total: whatever the bytes are, the result is a command or the reason why it is none. An empty
  /// string is malformed, but for last words.
  public init(decoding packet: [UInt8]) throws(CommandError) {
    guard packet.count <= ProtocolLimits.packetSize else { throw .tooLong }
    var reader = ByteReader(packet)
    guard let raw = reader.readUInt32() else { throw .tooShort }
    let magic = Magic(rawValue: raw)
    switch magic {
    case .open, .openBlockDevice:
      guard let request = OpenRequest(from: &reader) else { throw .malformedFileRequest(magic) }
      self = magic == .open ? .open(request) : .openBlockDevice(request)
    case .lastWords, .goodbye:
      guard let farewell = Command.farewell(magic, from: &reader) else {
        throw .malformedFarewell(magic)
      }
      self = farewell
    case .filesystemContext, .source, .superblockOptions, .userspaceOptions, .mountPoint, .mount,
      .ioMapping:
      guard let command = Command.setting(magic, from: &reader) else {
        throw .malformedCommand(magic)
      }
      self = command
    default:
      throw .unknownMagic(raw)
    }
  }

  private static func farewell(_ magic: Magic, from reader: inout ByteReader) -> Command? {
    if magic == .goodbye {
      guard let exitCode = reader.readUInt32(), reader.remaining == 0 else { return nil }
      return .goodbye(exitCode: exitCode)
    }
    guard let words = reader.readTerminatedString(), words.count <= ProtocolLimits.lastWordsLength
    else { return nil }
    return .lastWords(words)
  }

  private static func setting(_ magic: Magic, from reader: inout ByteReader) -> Command? {
    switch magic {
    case .filesystemContext:
      guard let flags = reader.readUInt32(), reader.remaining == 0 else { return nil }
      return .filesystemContext(FilesystemContextFlags(rawValue: flags))
    case .source, .superblockOptions, .userspaceOptions:
      guard let text = reader.readTerminatedString(), !text.isEmpty else { return nil }
      if magic == .source { return .source(text) }
      return magic == .superblockOptions ? .superblockOptions(text) : .userspaceOptions(text)
    case .mountPoint:
      guard let format = reader.readUInt16(), reader.readUInt16() == 0,
        let path = reader.readTerminatedString(), !path.isEmpty
      else { return nil }
      return .mountPoint(expectedFormat: format, path: path)
    case .mount:
      guard let flags = reader.readUInt32(), reader.remaining == 0 else { return nil }
      return .mount(flags: flags)
    case .ioMapping:
      guard let raw = reader.readUInt16(), let mode = IOMappingMode(rawValue: raw),
        reader.readUInt16() == 0, reader.remaining == 0
      else { return nil }
      return .ioMapping(mode)
    default:
      return nil
    }
  }
}
