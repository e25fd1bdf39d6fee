// SPDX-License-Identifier: LGPL-2.1-or-later

/// Whether a FUSE mount that is in the tree may stay there, as far as `mount_max` goes.
///
/// A mount counts only once it is in the tree, so each helper looks after it has attached its own, and
/// takes it away when there are too many. Helpers that start together see each other's; if each that
/// sees too many went, all might go though there is room for some. So only as many go at once as are
/// too many, namely those with the latest ids, which all helpers see alike.
public enum MountStanding: Equatable, Sendable {
  /// There are not too many.
  case fits
  /// There are too many, and this one goes.
  case surplus
  /// There are too many, but others are to go first, if they are not there to stay.
  case undecided

  /// The standing of the mount `own` among all FUSE mounts, itself included.
  public init(of own: UInt64, among mounts: [UInt64], maximum: Int) {
    if mounts.count <= maximum {
      self = .fits
    } else {
      self = mounts.count { $0 < own } < maximum ? .undecided : .surplus
    }
  }
}
