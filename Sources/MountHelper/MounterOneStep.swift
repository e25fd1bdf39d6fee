// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy

/// Mounting where the kernel lacks the new mount API: `mount(2)` attaches at once.
extension Mounter {
  mutating func mountInOneStep<Operations: PrivilegedOperations & ~Copyable>(
    _ plan: MountPlan, fuseDevice: borrowing FileDescriptor, with operations: inout Operations,
    patience: Patience
  ) throws(MountFailure) {
    self.plan = plan
    oneStepType = plan.mountType
    do throws(Errno) {
      let table = try MountTable.read()
      let place = try mountPoint.currentPath()
      guard table.entry(on: parent, at: place) == nil else { throw .busy }
      mountsBefore = table.entries.map { $0.identifier }
      try operations.mountInOneStep(
        plan, at: mountPoint, fuseDevice: fuseDevice, rootMode: format.rootMode,
        caller: task.caller, patience: patience)
    } catch {
      // A child that was killed may have mounted all the same; undoing looks.
      isMountedInOneStep = mayHaveHappened(error)
      try? undo(with: &operations)
      throw error == .busy ? .mountPointCovered : .system("mounting", error)
    }
    isMountedInOneStep = true
    do throws(MountFailure) {
      try checkPlace()
      try checkCount(more: 0)
    } catch {
      try undo(with: &operations)
      throw error
    }
  }

  /// A mount that was made in one step is known by its place, which was free, and its type; there is
  /// no descriptor of it. Where the place was renamed meanwhile, or something else has taken it, the
  /// mount is known by being new.
  func oneStepMount(in table: MountTable) throws(Errno) -> MountTableEntry? {
    let place = try mountPoint.currentPath()
    if let entry = table.entry(on: parent, at: place), entry.type == oneStepType { return entry }
    let new = table.entries.filter {
      $0.type == oneStepType && !mountsBefore.contains($0.identifier)
    }
    return new.last { $0.parent == parent } ?? new.last { $0.mountPoint == place }
  }
}
