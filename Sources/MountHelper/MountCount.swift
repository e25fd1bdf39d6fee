// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy

/// Above this many mounts one list of ids would be larger than the table is worth.
private let longestList = 1 << 16

/// Whether the FUSE mounts of this namespace, and `more` of them to come, stay within `maximum`.
func fuseMountsFit(_ maximum: Int, more: Int) throws(Errno) -> Bool {
  guard maximum >= more else { return false }
  if certainlyFit(maximum - more) { return true }
  return try fuseMounts().count <= maximum - more
}

/// How the FUSE mount `own` stands, which is in the tree, when there may be `maximum`.
func standing(of own: UInt64, maximum: Int) throws(Errno) -> MountStanding {
  if certainlyFit(maximum) { return .fits }
  return MountStanding(of: own, among: try fuseMounts(), maximum: maximum)
}

/// Whether the FUSE mounts are no more than `maximum` because all mounts are no more.
///
/// One listmount call tells; only when that is not enough, or the kernel has no such call, are the
/// FUSE mounts counted.
private func certainlyFit(_ maximum: Int) -> Bool {
  let bound = maximum + 1
  guard maximum >= 0, bound <= longestList else { return false }
  // Any error leaves the exact way: old kernels do not know the call, and sandboxes refuse what they
  // do not know.
  if let fewer = try? mountsAreFewer(than: bound), fewer { return true }
  return false
}

/// The ids of the FUSE mounts of this namespace.
private func fuseMounts() throws(Errno) -> [UInt64] {
  try MountTable.read().entries.filter { $0.countsAsFuse }.map { $0.identifier }
}
