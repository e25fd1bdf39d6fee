// SPDX-License-Identifier: LGPL-2.1-or-later

/// Who runs the helper: the real ids, as `getuid(2)` and `getgid(2)` give them.
public struct Caller: Equatable, Sendable {
  /// The real user id.
  public var userID: UInt32
  /// The real group id.
  public var groupID: UInt32

  /// A caller with these real ids.
  public init(userID: UInt32, groupID: UInt32) {
    self.userID = userID
    self.groupID = groupID
  }

  /// Whether the caller is root, who may do what users may not.
  public var isRoot: Bool { userID == 0 }
}
