// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy

/// Above this many mounts one list of ids would be larger than the table is worth.
private let longestList = 1 << 16

/// The magic number of FUSE's superblocks (linux/magic.h), which those of fuseblk and virtiofs have too.
private let fuseMagic: UInt64 = 0x6573_5546

/// Whether the FUSE mounts of this namespace, and `more` of them to come, stay within `maximum`; of `all`
/// mounts, where the kernel tells how many there are.
func fuseMountsFit(_ maximum: Int, more: Int, ofAll all: Int?) throws(Errno) -> Bool {
  guard maximum >= more else { return false }
  if certainlyFit(maximum - more, ofAll: all) { return true }
  return try fuseMounts().count <= maximum - more
}

/// How the FUSE mount `own` stands, which is in the tree, when there may be `maximum`; of `all` mounts, as
/// above.
func standing(of own: UInt64, maximum: Int, ofAll all: Int?) throws(Errno) -> MountStanding {
  if certainlyFit(maximum, ofAll: all) { return .fits }
  return MountStanding(of: own, among: try fuseMounts(), maximum: maximum)
}

/// Whether the FUSE mounts are no more than `maximum` even if more mounts are counted than those.
///
/// The kernel knows the number of all mounts, and tells it since 6.12. Where it does not, one listmount
/// call tells whether there are as few: a microsecond for five mounts. Where there are more mounts of any
/// kind, statmount tells of each mount whether its superblock is one of FUSE, fuseblk
/// and virtiofs included, which costs 1.3 µs a mount. Only when there are too many of these as well the
/// exact answer is needed. It is mountinfo's, whose lines cost 2 to 3 µs each and about as much to read;
/// statmount's strings would cost as much as the lines, and kernels before 6.8 need mountinfo anyway.
private func certainlyFit(_ maximum: Int, ofAll all: Int?) -> Bool {
  // Any error leaves another way: old kernels do not know the calls, and sandboxes refuse what they do
  // not know.
  guard maximum >= 0 else { return false }
  if let all, all <= maximum { return true }
  let bound = maximum + 1
  guard bound <= longestList else { return false }
  if all == nil, let fewer = try? mountsAreFewer(than: bound), fewer { return true }
  let fewer = try? mountsAreFewer(than: bound, withMagic: fuseMagic, limit: longestList)
  return fewer ?? false
}

/// The ids of the FUSE mounts of this namespace.
private func fuseMounts() throws(Errno) -> [UInt64] {
  try MountTable.read().entries.filter { $0.countsAsFuse }.map { $0.identifier }
}
