// SPDX-License-Identifier: LGPL-2.1-or-later

/// How a server wants a file request handled.
public struct OpenRequestFlags: OptionSet, Sendable {
  /// The bits as they travel.
  public let rawValue: UInt32

  /// Wraps bits as they travel.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Print no error on the caller's terminal.
  public static let quiet = OpenRequestFlags(rawValue: 1 << 0)
  /// Attach a regular file to a loop device and pass that instead.
  public static let loop = OpenRequestFlags(rawValue: 1 << 1)
}

/// The body of OPEN and BDEV.
public struct OpenRequest: Equatable, Sendable {
  /// `O_*` flags of the host, as `open(2)` takes them.
  public var openFlags: UInt32
  /// The permission bits of a file that the request creates.
  public var createMode: UInt32
  /// How the request is to be handled.
  public var requestFlags: OpenRequestFlags
  /// The block size to set, in bytes; 0 leaves it as it is. Only BDEV uses it.
  public var blockSize: UInt32
  /// The path as the command line has it.
  public var path: [UInt8]

  /// A request for `path`.
  public init(
    path: [UInt8], openFlags: UInt32, createMode: UInt32 = 0,
    requestFlags: OpenRequestFlags = [], blockSize: UInt32 = 0
  ) {
    self.path = path
    self.openFlags = openFlags
    self.createMode = createMode
    self.requestFlags = requestFlags
    self.blockSize = blockSize
  }

  func write(to writer: inout ByteWriter) {
    writer.write(openFlags)
    writer.write(createMode)
    writer.write(requestFlags.rawValue)
    writer.write(blockSize)
    writer.writeTerminated(path)
  }

  init?(from reader: inout ByteReader) {
    guard let openFlags = reader.readUInt32(), let createMode = reader.readUInt32(),
      let requestFlags = reader.readUInt32(), let blockSize = reader.readUInt32(),
      let path = reader.readTerminatedString(), !path.isEmpty
    else { return nil }
    self.init(
      path: path, openFlags: openFlags, createMode: createMode,
      requestFlags: OpenRequestFlags(rawValue: requestFlags), blockSize: blockSize)
  }
}
