// SPDX-License-Identifier: LGPL-2.1-or-later

/// What a mount leaves in the userspace mount table.
public struct MountRecord: Equatable, Sendable {
  /// The size of the longest record that is sent, in bytes; it fits a packet.
  public static let maximumSize = 128 << 10

  /// The mount's source.
  public var source: [UInt8]
  /// Where the mount is, an absolute path.
  public var target: [UInt8]
  /// The file system type, `fuse.SUBTYPE`.
  public var type: [UInt8]
  /// The words to record.
  public var words: [[UInt8]]

  /// A record of these values. None of them may hold a NUL, and there is at least one word.
  public init(source: [UInt8], target: [UInt8], type: [UInt8], words: [[UInt8]]) {
    self.source = source
    self.target = target
    self.type = type
    self.words = words
  }

  /// A record from what `encoded()` made; `nil` for anything else.
  public init?(decoding bytes: [UInt8]) {
    guard bytes.last == 0, bytes.count <= Self.maximumSize else { return nil }
    let fields = bytes.dropLast().split(separator: 0, omittingEmptySubsequences: false)
    guard fields.count >= 4, fields.allSatisfy({ !$0.isEmpty }) else { return nil }
    self.init(
      source: Array(fields[0]), target: Array(fields[1]), type: Array(fields[2]),
      words: fields.dropFirst(3).map { Array($0) })
  }

  /// The record as bytes for another process: each value with a NUL behind it. `nil` where that cannot
  /// be read back.
  public func encoded() -> [UInt8]? {
    var bytes: [UInt8] = []
    for value in [source, target, type] + words {
      guard !value.isEmpty, !value.contains(0) else { return nil }
      bytes += value + [0]
    }
    guard !words.isEmpty, bytes.count <= Self.maximumSize else { return nil }
    return bytes
  }
}
