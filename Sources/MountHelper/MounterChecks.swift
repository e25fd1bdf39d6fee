// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy

/// How many turns there are to go, and how long each of them is, in milliseconds: two seconds in all.
private let turns: UInt64 = 128
private let timeOfTurn: Int64 = 16

/// The longest time between two looks at how many mounts there are, in milliseconds.
private let longestPause: Int64 = 64

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

  /// Opens what will be asked for the number of mounts; where it cannot be opened, there are other ways to
  /// count.
  mutating func prepareToCount() { if limit != nil { namespace = try? MountNamespace() } }

  /// Counts before making the mount, so that the server hears of it.
  func checkCount() throws(MountFailure) {
    guard let maximum = limit else { return }
    do throws(Errno) {
      guard try fuseMountsFit(maximum, more: 1, ofAll: numberOfMounts) else { throw .tooManyUsers }
    } catch {
      throw error == .tooManyUsers ? .tooManyMounts : .system("counting the mounts", error)
    }
  }

  /// Counts after attaching, because a mount that is attached nowhere does not count and parallel
  /// starts would all pass. Where there are too many, and it is others that should go, it waits for
  /// them, but not where `othersWait`: those that hold utab's lock come one after the other, and need
  /// not hold it for longer.
  func checkStanding(othersWait: Bool, patience: Patience) throws(MountFailure) {
    guard let maximum = limit else { return }
    do throws(Errno) {
      guard let own = try ownIdentifier() else { throw .noSuchFile }
      // Those that go because nobody else does go one by one, as far as their ids are apart.
      let end = Deadline.after(milliseconds: Int64(own % turns + 1) * timeOfTurn)
      var pause: Int64 = 4
      while true {
        let isLast = othersWait || end.hasPassed || patience.isOver
        switch try standing(of: own, maximum: maximum, ofAll: numberOfMounts) {
        case .fits: return
        case .surplus: throw .tooManyUsers
        case .undecided: if isLast { throw .tooManyUsers }
        }
        _ = try? wait(for: [], until: min(end, .after(milliseconds: pause)))
        pause = min(2 * pause, longestPause)
      }
    } catch {
      throw error == .tooManyUsers ? .tooManyMounts : .system("counting the mounts", error)
    }
  }

  /// How many FUSE mounts there may be, if there is a limit for this caller.
  private var limit: Int? { task.caller.isRoot ? nil : configuration.mountMaximum }

  /// How many mounts there are of any kind, where the kernel tells that.
  private var numberOfMounts: Int? {
    switch namespace {
    case .none:
      guard let namespace = try? MountNamespace() else { return nil }
      return try? namespace.numberOfMounts()
    case .some(let namespace): return try? namespace.numberOfMounts()
    }
  }

  private func ownIdentifier() throws(Errno) -> UInt64? {
    switch attached {
    case .none: return oneStepMount
    case .some(let mount): return try mount.mountID()
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
