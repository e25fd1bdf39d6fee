// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy

/// How often a mount is looked for that somebody may be renaming.
private let attemptsToFind = 64

/// Mounting where the kernel lacks the new mount API: `mount(2)` attaches at once.
extension Mounter {
  mutating func mountInOneStep<Operations: PrivilegedOperations & ~Copyable>(
    _ request: MountRequest, fuseDevice: borrowing FileDescriptor,
    with operations: inout Operations, patience: Patience
  ) throws(MountFailure) {
    let plan = try judge(request)
    try checkCount()
    self.plan = plan
    let before: [UInt64]
    do throws(Errno) {
      // Undoing is umount2(2) at the mount point, which takes whatever is on top there. Were the mount
      // gone by then, it would take the mount whose root the mount point is.
      guard try !mountPoint.isMountRoot() else { throw .busy }
      let table = try MountTable.read()
      guard table.entry(on: parent, at: try mountPoint.currentPath()) == nil else { throw .busy }
      before = table.entries.map { $0.identifier }
    } catch {
      throw error == .busy ? .mountPointIsMounted : .system("mounting", error)
    }
    do throws(Errno) {
      do throws(Errno) {
        try operations.mountInOneStep(
          plan, at: mountPoint, fuseDevice: fuseDevice, rootMode: format.rootMode,
          caller: task.caller, patience: patience)
      } catch {
        // A child that was killed may have mounted all the same; undoing looks.
        if mayHaveHappened(error) { try findOneStepMount(among: before) }
        throw error
      }
      try findOneStepMount(among: before)
    } catch {
      try? undo(with: &operations)
      throw error == .busy ? .mountPointCovered : .system("mounting", error)
    }
    do throws(MountFailure) {
      try checkPlace()
      try checkSuperblock()
      try checkStanding(othersWait: false, patience: patience)
    } catch {
      try undo(with: &operations)
      throw error
    }
  }

  /// Notes the mount that was made: there is no descriptor of it, so it is known by its place, which
  /// was free, its type, and being new; from now on by its id. Somebody may rename the place all the
  /// time, so it is asked for until both say the same; and what is not found is not taken away, so a
  /// failure is not the end either.
  private mutating func findOneStepMount(among before: [UInt64]) throws(Errno) {
    var failure: Errno?
    for _ in 0..<attemptsToFind {
      do throws(Errno) {
        failure = nil
        let place = try mountPoint.currentPath()
        let entry = try MountTable.read().entry(on: parent, at: place)
        guard let entry, entry.type == plan?.mountType, !before.contains(entry.identifier) else {
          continue
        }
        oneStepMount = entry.identifier
        return
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  /// The mount that was made in one step, while it is there.
  func oneStepMount(in table: MountTable) -> MountTableEntry? {
    oneStepMount.flatMap { table.entry($0) }
  }
}
