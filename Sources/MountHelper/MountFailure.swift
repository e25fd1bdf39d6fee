// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import Literals
internal import MountPolicy
internal import MountProtocol

/// Why there is no mount.
enum MountFailure: Error {
  /// MountPolicy refuses it.
  case refused(Refusal)
  /// `mount_max` of fuse.conf is reached.
  case tooManyMounts
  /// The mounter process said this line.
  case reported([UInt8], ErrorNumber)
  /// A step failed; the text names it.
  case system(StaticString, Errno)
  /// Something was mounted over the mount point after it was pinned.
  case mountPointCovered
  /// The mount point lies in no mount of this namespace: in one that was unmounted, or another
  /// namespace's.
  case mountPointElsewhere
  /// The mount point is the root of a mount, and the kernel can only mount in one step.
  case mountPointIsMounted
  /// The server gave the fuse device to a file system that somebody has mounted already.
  case superblockIsAnothers
  /// libmount keeps another table than utab, whose lock is not the one that is held.
  case tableIsAnother
  /// The program that records mounts cannot be executed.
  case noCompanion
  /// A mount could not be taken away again because something lies on it.
  case cannotUndo

  /// The error that the server sees.
  var error: ErrorNumber {
    switch self {
    case .refused(let refusal): return refusal.error
    case .tooManyMounts: return .tooManyUsers
    case .reported(_, let error): return error
    case .system(_, let error): return ErrorNumber(rawValue: UInt32(error.rawValue))
    case .mountPointElsewhere: return .invalidArgument
    case .tableIsAnother: return .notSupported
    case .noCompanion: return .noSuchFile
    case .mountPointCovered, .mountPointIsMounted, .superblockIsAnothers, .cannotUndo: return .busy
    }
  }

  /// One line in words.
  var explanation: [UInt8] {
    switch self {
    case .refused(let refusal):
      return refusal.explanation(configurationPath: BuildConfiguration.configurationPath)
    case .tooManyMounts:
      return text("too many FUSE file systems are mounted; the administrator can set mount_max in ")
        + BuildConfiguration.configurationPath
    case .reported(let line, _):
      return line
    case .system(let step, let error):
      return describe(text(step), error)
    case .mountPointCovered:
      return text("something else was mounted over the mount point meanwhile; try again")
    case .mountPointElsewhere:
      return text("the mount point lies in no mount that this process can see; it was unmounted, ")
        + text("or belongs to another mount namespace")
    case .mountPointIsMounted:
      return text(
        "the mount point is mounted already, and this kernel cannot mount over that safely")
    case .superblockIsAnothers:
      return text("the service gave the fuse device to a file system that is mounted already")
    case .tableIsAnother:
      return text("the mount table is not /run/mount/utab here, but perhaps a regular /etc/mtab, ")
        + text("in which this program records nothing; leave out the x- options, or make ")
        + text("/etc/mtab a link to /proc/self/mounts")
    case .noCompanion:
      return text("recording the mount in the mount table takes ")
        + BuildConfiguration.companionPath
        + text(", which cannot be executed; is it installed, and libmount with it?")
    case .cannotUndo:
      return text(
        "the mount could not be taken away, because another lies on it; its server is cut off")
    }
  }
}
