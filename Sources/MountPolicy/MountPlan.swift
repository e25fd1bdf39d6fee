// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// A mount that has been judged: what both engines make, word for word.
public struct MountPlan: Equatable, Sendable {
  /// The service's name.
  public var subtype: [UInt8]
  /// The source for mountinfo.
  public var source: [UInt8]
  /// Whether the type is fuseblk.
  public var fuseblk: Bool
  /// All flags: the server's, the caller's, and nosuid and nodev unless root took them back.
  public var flags: MountFlags
  /// The superblock options in order, without `fd`, `rootmode`, `user_id`, `group_id`, `source` and
  /// `subtype`, which the engine adds.
  public var parameters: [SuperblockParameter]
  /// What is recorded in utab; empty when nothing is.
  public var userspaceWords: [[UInt8]]

  /// Whether other users may use the mount (`allow_other`).
  public var sharesWithOthers: Bool { parameters.contains { $0.key == "allow_other" } }

  /// The file system's name for `fsopen(2)`.
  public var filesystemName: [UInt8] { fuseblk ? text("fuseblk") : text("fuse") }

  /// The type as mountinfo shows it, and as mount(2) takes it: `fuse.SUBTYPE`.
  public var mountType: [UInt8] { filesystemName + text(".") + subtype }

  /// Whether only mount(2) can make this mount, because the source is too long for `fsconfig(2)`.
  public var needsMountSyscall: Bool { source.count > SourceName.fsconfigLength }

  /// The data string for mount(2). `rootMode` is `st_mode` of the mount point, of which the format
  /// counts. Values with a comma, which only security contexts have, stand in double quotes: the
  /// kernel's security modules take them off again.
  public func mountSyscallOptions(
    fuseDevice: Int32, rootMode: UInt32, caller: Caller
  ) -> [UInt8] {
    var options = text("fd=") + digits(UInt64(UInt32(bitPattern: fuseDevice)))
    options += text(",rootmode=") + MountPlan.rootMode(rootMode)
    options += text(",user_id=") + digits(UInt64(caller.userID))
    options += text(",group_id=") + digits(UInt64(caller.groupID))
    for parameter in parameters {
      options.append(UInt8(ascii: ","))
      options += parameter.key
      guard case .value(_, let value) = parameter else { continue }
      let quote = value.contains(UInt8(ascii: ",")) ? text("\"") : []
      options += text("=") + quote + value + quote
    }
    return options
  }

  /// The value of `rootmode`: the format bits of `mode` in octal.
  public static func rootMode(_ mode: UInt32) -> [UInt8] {
    digits(UInt64(mode & 0o170000), radix: 8)
  }
}
