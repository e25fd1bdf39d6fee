// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import ServerSupport

/// What the server writes to standard output and error: all of it goes to the log, and its beginning
/// is kept, because it may be the reason why there is no mount.
struct ServerOutput: ~Copyable {
  private let pipe: FileDescriptor
  private var isOpen = true
  private(set) var beginning: [UInt8] = []

  /// How much is kept, in bytes.
  private static let limit = 4_096

  /// Takes over the reading end, which does not block.
  init(_ pipe: consuming FileDescriptor) { self.pipe = pipe }

  /// The number to wait for, or -1 when nothing more comes.
  var number: Int32 { isOpen ? pipe.rawValue : -1 }

  /// Hands on what is there.
  mutating func handOn() {
    // A bound, so that a server that never stops writing cannot keep the adapter from anything else.
    for _ in 0..<8 {
      do throws(Errno) {
        // Escaped it is four times as long at most, which a pipe that is ready takes at once.
        let bytes = try pipe.read(1_024)
        if bytes.isEmpty {
          isOpen = false
          return
        }
        // A log that takes nothing for so long loses some of it; the mount does not wait for it.
        try? writeAll(escapedLines(bytes), to: 2, until: .after(milliseconds: 100))
        beginning += bytes.prefix(Self.limit - beginning.count)
      } catch {
        if error != .resourceTemporarilyUnavailable { isOpen = false }
        return
      }
    }
  }
}

/// The server's own words as one line: its lines but the banners, with the caller's names in the
/// place of those that were made up; `nil` when it said nothing.
func reason(in output: [UInt8], banners: [[UInt8]], names: [Replacement]) -> [UInt8]? {
  let lines = output.split(separator: newline)
    .map { Array($0.drop(while: isSpace).reversed().drop(while: isSpace).reversed()) }
    .filter { line in !line.isEmpty && !banners.contains { line.starts(with: $0) } }
  guard !lines.isEmpty else { return nil }
  return replacing(names, in: Array(lines.joined(separator: text("; "))))
}

private let newline = UInt8(ascii: "\n")

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }
