// SPDX-License-Identifier: LGPL-2.1-or-later

public import LinuxPrimitives
internal import Literals
internal import MountPolicy

/// One mount of this namespace, as `/proc/self/mountinfo` tells it (proc_pid_mountinfo(5)).
public struct MountTableEntry: Equatable, Sendable {
  /// The mount's id.
  var identifier: UInt64
  /// The id of the mount that it lies on.
  var parent: UInt64
  /// The number that its FUSE connection has, if it is a FUSE mount.
  var connection: UInt32
  /// Where it is.
  var mountPoint: [UInt8]
  /// The file system type with its subtype.
  var type: [UInt8]
  /// The superblock's options.
  var superblockOptions: [[UInt8]] = []

  /// Whether its superblock was made for `caller`, and lets others use it only if that is wanted.
  func belongs(to caller: Caller, sharesWithOthers: Bool) -> Bool {
    superblockOptions.contains(text("user_id=") + digits(UInt64(caller.userID)))
      && superblockOptions.contains(text("group_id=") + digits(UInt64(caller.groupID)))
      && superblockOptions.contains(text("allow_other")) == sharesWithOthers
  }

  /// Whether fusermount3 counts it against `mount_max`.
  var countsAsFuse: Bool {
    type == "fuse" || type.begins(with: "fuse.")
  }
}

/// The mounts of this namespace. Reading them costs a microsecond for each, so it is done only where
/// the kernel has no cheaper answer.
public struct MountTable: Sendable {
  /// Far more than a machine can have, in bytes.
  private static let maximumSize = 64 << 20

  /// The mounts, in the kernel's order.
  var entries: [MountTableEntry]

  /// Reads the table.
  ///
  /// - Throws: what `open(2)` and `read(2)` say.
  public static func read() throws(Errno) -> MountTable {
    let file = try openFile(text("/proc/self/mountinfo"))
    return MountTable(parsing: try file.readToEnd(limit: maximumSize))
  }

  /// Reads the lines of the file; one that is not as the kernel writes it is left out.
  init(parsing content: [UInt8]) {
    entries = content[...].split(separator: UInt8(ascii: "\n")).compactMap(Self.entry)
  }

  /// The mount with this id.
  func entry(_ identifier: UInt64) -> MountTableEntry? {
    entries.first { $0.identifier == identifier }
  }

  /// Whether `entry` of another reading is still the same mount. Ids are given again at once, so the
  /// type and the connection count as well.
  public func contains(_ entry: MountTableEntry) -> Bool {
    entries.contains {
      $0.identifier == entry.identifier && $0.connection == entry.connection
        && $0.type == entry.type
    }
  }

  /// The mount that lies on `parent` at `mountPoint`; there can be but one.
  func entry(on parent: UInt64, at mountPoint: [UInt8]) -> MountTableEntry? {
    entries.first { $0.parent == parent && $0.mountPoint == mountPoint }
  }

  /// Whether another mount covers the root of `entry`.
  func isCovered(_ entry: MountTableEntry) -> Bool {
    entries.contains { $0.parent == entry.identifier && $0.mountPoint == entry.mountPoint }
  }

  private static func entry(_ line: ArraySlice<UInt8>) -> MountTableEntry? {
    let words = line.split(separator: UInt8(ascii: " "))
    guard words.count > 6, let identifier = decimal(words[0]), let parent = decimal(words[1]),
      let colon = words[2].firstIndex(of: UInt8(ascii: ":")),
      let major = decimal(words[2][..<colon]), major < 1 << 12,
      let minor = decimal(words[2][(colon + 1)...]), minor < 1 << 20,
      let dash = words[6...].firstIndex(where: { $0.elementsEqual([UInt8(ascii: "-")]) }),
      dash + 1 < words.count
    else { return nil }
    return MountTableEntry(
      identifier: identifier, parent: parent,
      connection: connectionNumber(major: UInt32(major), minor: UInt32(minor)),
      mountPoint: unescaped(words[4]), type: unescaped(words[dash + 1]),
      superblockOptions: (words.dropFirst(dash + 3).first ?? []).split(
        separator: UInt8(ascii: ",")
      ).map(unescaped))
  }

  /// Space, tab, newline and backslash stand as three octal digits behind a backslash.
  private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ 0x30...0x37 ~= $0 }) {
        result.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 0x30) })
        rest = rest.dropFirst(3)
      } else {
        result.append(byte)
      }
    }
    return result
  }

  private static func decimal(_ text: ArraySlice<UInt8>) -> UInt64? {
    guard !text.isEmpty, text.count < 20 else { return nil }
    var value: UInt64 = 0
    for byte in text {
      guard 0x30...0x39 ~= byte else { return nil }
      value = value &* 10 &+ UInt64(byte - 0x30)
    }
    return value
  }
}
