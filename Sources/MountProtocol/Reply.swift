// SPDX-License-Identifier: LGPL-2.1-or-later

/// What the helper answers after the hello.
public enum Reply: Equatable, Sendable {
  /// The answer to OPEN and BDEV, and the two files sent unasked. Without an error one descriptor
  /// rides along.
  case file(error: ErrorNumber?, path: [UInt8])
  /// The answer to every other command that has one.
  case simple(error: ErrorNumber?)

  /// The packet.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    switch self {
    case .file(let error, let path):
      writer.write(Magic.fileReply.rawValue)
      writer.write(error?.rawValue ?? 0)
      writer.writeTerminated(path)
    case .simple(let error):
      writer.write(Magic.simpleReply.rawValue)
      writer.write(error?.rawValue ?? 0)
    }
    return writer.bytes
  }

  /// Reads a packet from a helper; `nil` when it is no reply.
  public init?(decoding packet: [UInt8]) {
    guard packet.count <= ProtocolLimits.packetSize else { return nil }
    var reader = ByteReader(packet)
    guard let magic = reader.readUInt32(), let raw = reader.readUInt32() else { return nil }
    let error = raw == 0 ? nil : ErrorNumber(rawValue: raw)
    switch Magic(rawValue: magic) {
    case .fileReply:
      guard let path = reader.readTerminatedString() else { return nil }
      self = .file(error: error, path: path)
    case .simpleReply:
      guard reader.remaining == 0 else { return nil }
      self = .simple(error: error)
    default:
      return nil
    }
  }
}
