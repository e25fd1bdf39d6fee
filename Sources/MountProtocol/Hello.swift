// SPDX-License-Identifier: LGPL-2.1-or-later

/// What the caller of the helper may do, as the hello tells the server.
public struct HelloFlags: OptionSet, Sendable {
  /// The bits as they travel.
  public let rawValue: UInt32

  /// Wraps bits as they travel.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The caller may use `allow_other`.
  public static let allowOther = HelloFlags(rawValue: 1 << 0)
  /// The caller may mount `fuseblk`.
  public static let fuseblk = HelloFlags(rawValue: 1 << 1)
  /// All bits that version 1 knows; libfuse's server refuses a hello with any other.
  public static let known: HelloFlags = [.allowOther, .fuseblk]
}

/// The first packet of a session, from the helper.
public struct Hello: Equatable, Sendable {
  /// The oldest version that the helper speaks.
  public var minimumVersion: UInt16
  /// The newest version that the helper speaks.
  public var maximumVersion: UInt16
  /// What the caller may do.
  public var flags: HelloFlags

  /// A hello for the given range of versions, by default the only one there is.
  public init(
    minimumVersion: UInt16 = ProtocolLimits.version,
    maximumVersion: UInt16 = ProtocolLimits.version,
    flags: HelloFlags
  ) {
    self.minimumVersion = minimumVersion
    self.maximumVersion = maximumVersion
    self.flags = flags
  }

  /// The packet.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(Magic.hello.rawValue)
    writer.write(minimumVersion)
    writer.write(maximumVersion)
    writer.write(flags.rawValue)
    return writer.bytes
  }

  /// Reads a hello packet; `nil` when it is none.
  public init?(decoding packet: [UInt8]) {
    var reader = ByteReader(packet)
    guard reader.readUInt32() == Magic.hello.rawValue,
      let minimum = reader.readUInt16(), let maximum = reader.readUInt16(),
      let flags = reader.readUInt32(), reader.remaining == 0
    else { return nil }
    self.init(
      minimumVersion: minimum, maximumVersion: maximum, flags: HelloFlags(rawValue: flags))
  }
}

/// The server's answer to the hello.
public struct HelloReply: Equatable, Sendable {
  /// The version that the server picked.
  public var version: UInt16

  /// An answer that picks `version`.
  public init(version: UInt16 = ProtocolLimits.version) { self.version = version }

  /// The packet.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(Magic.helloReply.rawValue)
    writer.write(version)
    writer.write(UInt16(0))
    return writer.bytes
  }

  /// Reads a hello reply; `nil` when it is none, padding that is not 0 included.
  public init?(decoding packet: [UInt8]) {
    var reader = ByteReader(packet)
    guard reader.readUInt32() == Magic.helloReply.rawValue,
      let version = reader.readUInt16(), reader.readUInt16() == 0, reader.remaining == 0
    else { return nil }
    self.init(version: version)
  }
}
