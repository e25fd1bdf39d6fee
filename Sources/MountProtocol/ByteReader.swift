// SPDX-License-Identifier: LGPL-2.1-or-later

/// Takes big-endian integers and strings off the front of a packet.
///
/// Every read is total: what is not there is `nil`, never a trap.
public struct ByteReader {
  private let bytes: [UInt8]
  private var position: Int

  /// Starts reading at the first of `bytes`.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    position = 0
  }

  /// The number of bytes not read yet.
  public var remaining: Int { bytes.count - position }

  /// Reads one byte.
  public mutating func readUInt8() -> UInt8? {
    guard remaining >= 1 else { return nil }
    defer { position += 1 }
    return bytes[position]
  }

  /// Reads a big-endian 16-bit integer.
  public mutating func readUInt16() -> UInt16? {
    guard remaining >= 2 else { return nil }
    defer { position += 2 }
    return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
  }

  /// Reads a big-endian 32-bit integer.
  public mutating func readUInt32() -> UInt32? {
    guard remaining >= 4, let high = readUInt16(), let low = readUInt16() else { return nil }
    return UInt32(high) << 16 | UInt32(low)
  }

  /// Reads a big-endian 64-bit integer.
  public mutating func readUInt64() -> UInt64? {
    guard remaining >= 8, let high = readUInt32(), let low = readUInt32() else { return nil }
    return UInt64(high) << 32 | UInt64(low)
  }

  /// Reads `count` bytes.
  public mutating func readBytes(_ count: Int) -> [UInt8]? {
    guard count >= 0, remaining >= count else { return nil }
    defer { position += count }
    return Array(bytes[position..<position + count])
  }

  /// Reads everything that is left as one string: its terminator is the packet's last byte, and
  /// there is exactly one NUL. The terminator is not part of the result.
  public mutating func readTerminatedString() -> [UInt8]? {
    guard remaining >= 1, bytes[bytes.count - 1] == 0 else { return nil }
    let string = bytes[position..<bytes.count - 1]
    guard !string.contains(0) else { return nil }
    position = bytes.count
    return Array(string)
  }
}
