// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// What `/run/mount/utab` holds.
public enum UserspaceTableContent {
  /// The number of entries: lines that name a target. Whatever else there may be, libmount does not
  /// keep when it writes the table again.
  public static func numberOfEntries(_ content: [UInt8]) -> Int {
    content.split(separator: UInt8(ascii: "\n")).count { line in
      line.first != UInt8(ascii: "#")
        && line.split(separator: UInt8(ascii: " ")).contains { $0.starts(with: text("TARGET=")) }
    }
  }
}
