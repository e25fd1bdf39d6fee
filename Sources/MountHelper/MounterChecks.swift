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

  private func isOnPinnedMount() throws(Errno) -> Bool {
    switch attached {
    case .none:
      let table = try MountTable.read()
      guard let entry = oneStepMount(in: table) else { return false }
      return entry.parent == parent && !table.isCovered(entry)
    case .some(let mount):
      // The table is the answer of kernels that do not know the call, and of sandboxes that refuse
      // what they do not know.
      if let found = try? mount.parentMountID() { return found == parent }
      return try MountTable.read().entry(try mount.mountID())?.parent == parent
    }
  }

  /// A server can attach the fuse device to a connection that is there already
  /// (FUSE_DEV_IOC_CLONE), and the kernel then mounts that one's file system, with the user and the
  /// rights of whoever mounted it first. Where the kernel was not told to refuse that, this looks.
  func checkSuperblock() throws(MountFailure) {
    guard !isSuperblockNew, let plan else { return }
    do throws(Errno) {
      let table = try MountTable.read()
      guard let entry = try ownEntry(in: table),
        entry.belongs(to: task.caller, sharesWithOthers: plan.sharesWithOthers)
      else { throw .busy }
    } catch {
      throw error == .busy ? .superblockIsAnothers : .system("looking at the new mount", error)
    }
  }

  /// A mount point of another mount namespace, or of a mount that was taken away lazily, is not where
  /// its path says: the kernel tells its path from the root of what it lies in. Nothing can be mounted
  /// there, and its path must not come into the mount table.
  func checkNamespace() throws(MountFailure) {
    do throws(Errno) {
      _ = try mountPoint.parentMountID()
    } catch {
      if error == .noSuchFile { throw .mountPointElsewhere }
      // Kernels before 6.12, and sandboxes.
      _ = try pathInNamespace()
    }
  }

  /// The mount point's path, by the mount table.
  func pathInNamespace() throws(MountFailure) -> [UInt8] {
    do throws(Errno) {
      // In this order: what was taken away after the first does not come back before the second.
      let path = try mountPoint.currentPath()
      guard let entry = try MountTable.read().entry(parent), path.isAtOrBelow(entry.mountPoint)
      else { throw .noSuchFile }
      return path
    } catch {
      throw error == .noSuchFile
        ? .mountPointElsewhere : .system("looking for the mount point's mount", error)
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

extension [UInt8] {
  /// Whether this absolute path is `directory` or something in it.
  fileprivate func isAtOrBelow(_ directory: [UInt8]) -> Bool {
    let slash = UInt8(ascii: "/")
    guard starts(with: directory) else { return false }
    return count == directory.count || directory.last == slash || self[directory.count] == slash
  }
}
