// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

private let target = text("TARGET=")

/// What `/run/mount/utab` holds.
public enum UserspaceTableContent {
  /// The number of entries: lines that name a target. Whatever else there may be, libmount does not
  /// keep when it writes the table again. In place, because there may be thousands.
  public static func numberOfEntries(_ content: [UInt8]) -> Int {
    var entries = 0
    var rest = content[...]
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
      if namesTarget(rest[..<end]) { entries += 1 }
      rest = rest[end...].dropFirst()
    }
    return entries
  }

  private static func namesTarget(_ line: ArraySlice<UInt8>) -> Bool {
    guard line.first != UInt8(ascii: "#") else { return false }
    var word = line
    while !word.starts(with: target) {
      guard let space = word.firstIndex(of: UInt8(ascii: " ")) else { return false }
      word = word[(space + 1)...]
    }
    return true
  }
}
