// SPDX-License-Identifier: LGPL-2.1-or-later

/// Builds a packet of big-endian integers and strings.
public struct ByteWriter {
  /// What has been written so far.
  public private(set) var bytes: [UInt8] = []

  /// Starts an empty packet.
  public init() {}

  /// Appends one byte.
  public mutating func write(_ value: UInt8) { bytes.append(value) }

  /// Appends a big-endian 16-bit integer.
  public mutating func write(_ value: UInt16) {
    bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    bytes.append(UInt8(truncatingIfNeeded: value))
  }

  /// Appends a big-endian 32-bit integer.
  public mutating func write(_ value: UInt32) {
    write(UInt16(truncatingIfNeeded: value >> 16))
    write(UInt16(truncatingIfNeeded: value))
  }

  /// Appends a big-endian 64-bit integer.
  public mutating func write(_ value: UInt64) {
    write(UInt32(truncatingIfNeeded: value >> 32))
    write(UInt32(truncatingIfNeeded: value))
  }

  /// Appends bytes as they are.
  public mutating func write(_ value: [UInt8]) { bytes += value }

  /// Appends a string and its terminator.
  public mutating func writeTerminated(_ value: [UInt8]) {
    bytes += value
    bytes.append(0)
  }
}
