// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives

/// Above this many mounts one list of ids would be larger than the table is worth.
private let longestList = 1 << 16

/// Whether the FUSE mounts of this namespace, and `more` of them to come, stay within `maximum`.
///
/// One listmount call bounds them from above, since there cannot be more FUSE mounts than mounts;
/// only when that is not enough, or the kernel has no such call, are they counted.
func fuseMountsFit(_ maximum: Int, more: Int) throws(Errno) -> Bool {
  guard maximum >= more else { return false }
  let bound = maximum - more + 1
  if bound <= longestList {
    // Any error leaves the exact way: old kernels do not know the call, and sandboxes refuse what they
    // do not know.
    if let fewer = try? mountsAreFewer(than: bound), fewer { return true }
  }
  return try MountTable.read().entries.count { $0.countsAsFuse } < bound
}
