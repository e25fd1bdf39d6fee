// SPDX-License-Identifier: LGPL-2.1-or-later

/// The layout of the memory file that carries the command line to the server: a header, one
/// (offset, length) pair an element, then the strings, each with its terminator; a length counts it.
public enum ArgumentsFile {
  /// Why bytes are no command line.
  public enum DecodeError: Error, Equatable, Sendable {
    /// The header or the table of elements is cut short, or begins with something else.
    case badHeader
    /// The element with this index lies outside the file or lacks its terminator.
    case badElement(Int)
  }

  /// The file's content for `arguments`, of which the first is the subtype. No argument holds a NUL.
  public static func encode(_ arguments: [[UInt8]]) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(Magic.arguments.rawValue)
    writer.write(UInt32(truncatingIfNeeded: arguments.count))
    var offset = 8 + 8 * arguments.count
    for argument in arguments {
      writer.write(UInt32(truncatingIfNeeded: offset))
      writer.write(UInt32(truncatingIfNeeded: argument.count + 1))
      offset += argument.count + 1
    }
    for argument in arguments { writer.writeTerminated(argument) }
    return writer.bytes
  }

  /// Reads the command line back. An element ends at its first NUL, as a C string does.
  public static func decode(_ bytes: [UInt8]) throws(DecodeError) -> [[UInt8]] {
    var reader = ByteReader(bytes)
    guard reader.readUInt32() == Magic.arguments.rawValue, let count = reader.readUInt32(),
      reader.remaining / 8 >= Int(count)
    else { throw .badHeader }
    var arguments: [[UInt8]] = []
    var total = 0
    for index in 0..<Int(count) {
      guard let offset = reader.readUInt32(), let length = reader.readUInt32() else {
        throw .badHeader
      }
      let start = Int(offset)
      let end = start + Int(length)
      // Elements that overlap could add up to far more memory than the file has bytes.
      total += Int(length)
      guard length > 0, end <= bytes.count, total <= bytes.count, bytes[end - 1] == 0 else {
        throw .badElement(index)
      }
      arguments.append(Array(bytes[start..<end].prefix { $0 != 0 }))
    }
    return arguments
  }
}
