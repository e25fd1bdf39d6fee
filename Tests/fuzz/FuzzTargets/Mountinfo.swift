// SPDX-License-Identifier: LGPL-2.1-or-later

#if DEBUG
  import LinuxPrimitives
  @testable import MountHelper
#endif

extension FuzzTarget {
  /// The input is `/proc/self/mountinfo`, in which every user's mounts stand: each line is read for
  /// itself, and an entry written anew reads as the same.
  ///
  /// The table is internal to its module, so there is nothing here without @testable.
  public static let mountinfo = FuzzTarget(name: "mountinfo") { (bytes) throws(BrokenPromise) in
    #if DEBUG
      let table = MountTable(parsing: bytes)
      var single: [MountTableEntry] = []
      for line in bytes.split(separator: UInt8(ascii: "\n")) {
        single += MountTable(parsing: Array(line)).entries
      }
      try promise(table.entries == single, "a line of \(shown(bytes)) depends on another")
      for entry in table.entries {
        try promise(
          MountTable(parsing: written(entry)).entries == [entry],
          "\(shown(written(entry))) is not \(entry)")
        try promise(table.entry(entry.identifier) != nil, "\(entry) cannot be found")
        _ = entry.countsAsFuse
      }
      if let entry = table.entries.first { _ = table.isCovered(entry) }
    #endif
  }

  #if DEBUG
    private static func written(_ entry: MountTableEntry) -> [UInt8] {
      let device = "\(entry.connection >> 20):\(entry.connection & 0xf_ffff)"
      return Array("\(entry.identifier) \(entry.parent) \(device) / ".utf8)
        + escapedForTable(entry.mountPoint) + Array(" rw shared:1 - ".utf8)
        + escapedForTable(entry.type) + Array(" source".utf8) + options(of: entry)
        + Array("\n".utf8)
    }

    private static func options(of entry: MountTableEntry) -> [UInt8] {
      if entry.superblockOptions.isEmpty { return [] }
      let words = entry.superblockOptions.map { escapedForTable($0, comma: true) }
      return Array(" ".utf8) + words.joined(separator: Array(",".utf8))
    }

    private static func escapedForTable(_ text: [UInt8], comma: Bool = false) -> [UInt8] {
      text.flatMap { byte -> [UInt8] in
        guard
          byte <= 0x20 || byte == UInt8(ascii: "\\") || comma && byte == UInt8(ascii: ",")
        else { return [byte] }
        return [UInt8(ascii: "\\")]
          + [byte >> 6, byte >> 3 & 7, byte & 7].map { UInt8(ascii: "0") + $0 }
      }
    }
  #endif
}
