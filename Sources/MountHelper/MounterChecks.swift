// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy

/// What must hold for the mount in the tree.
extension Mounter {
  /// The new mount must lie on the mount that was pinned. Anything stacked there meanwhile would
  /// have been mounted over without a check.
  func checkPlace() throws(MountFailure) {
    do throws(Errno) {
      guard try isOnPinnedMount() else { throw .busy }
    } catch {
      throw error == .busy ? .mountPointCovered : .system("looking at the new mount", error)
    }
  }

  func isOnPinnedMount() throws(Errno) -> Bool {
    switch attached {
    case .none:
      let table = try MountTable.read()
      guard let entry = try oneStepMount(in: table) else { return false }
      return entry.parent == parent && !table.isCovered(entry)
    case .some(let mount):
      // The table is the answer of kernels that do not know the call, and of sandboxes that refuse
      // what they do not know.
      if let found = try? mount.parentMountID() { return found == parent }
      return try MountTable.read().entry(try mount.mountID())?.parent == parent
    }
  }

  /// Counts after attaching, because a mount that is attached nowhere does not count and parallel
  /// starts would all pass; and before making one, so that the server hears of it.
  func checkCount(more: Int) throws(MountFailure) {
    guard !task.caller.isRoot, let maximum = configuration.mountMaximum else { return }
    do throws(Errno) {
      guard try fuseMountsFit(maximum, more: more) else { throw .tooManyUsers }
    } catch {
      throw error == .tooManyUsers ? .tooManyMounts : .system("counting the mounts", error)
    }
  }
}
