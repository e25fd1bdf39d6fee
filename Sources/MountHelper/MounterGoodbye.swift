// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy

/// The server's goodbye with 0: the mount gets its place in the tree.
extension Mounter {
  /// Attaches the mount and records it. Throws when there is no mount after all, and then leaves
  /// nothing behind.
  mutating func complete<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations, patience: Patience
  ) throws(MountFailure) {
    let target = try record(with: &operations, patience: patience)
    do throws(MountFailure) {
      try attach(with: &operations)
      if !isMountedInOneStep {
        try checkPlace()
        try checkCount(more: 0)
      }
    } catch {
      if let target { try? operations.removeRecord(target: target, patience: patience) }
      try undo(with: &operations, patience: patience)
      throw error
    }
  }

  private mutating func attach<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations
  ) throws(MountFailure) {
    guard let mount = detached.take() else { return }
    do throws(Errno) {
      try operations.attach(mount, to: mountPoint)
    } catch {
      // Undoing lets go of it, after cutting its server off where that is needed.
      detached = consume mount
      throw .system("attaching the mount", error)
    }
    attached = consume mount
  }

  /// Records the mount where there is something to record, before it is attached: a mount table that
  /// is locked for ever then costs the mount, not the other way round.
  ///
  /// - Returns: the target that was recorded, or `nil`.
  private func record<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations, patience: Patience
  ) throws(MountFailure) -> [UInt8]? {
    guard let plan, !plan.userspaceWords.isEmpty, !task.invocation.recordsNothing else {
      return nil
    }
    do throws(Errno) {
      let target = try mountPoint.currentPath()
      let record = MountRecord(
        source: plan.source, target: target, type: plan.mountType, words: plan.userspaceWords)
      try operations.record(
        record, namesCaller: plan.recordsUserName, caller: task.caller, patience: patience)
      return target
    } catch {
      throw .system("recording the mount in the mount table", error)
    }
  }
}
