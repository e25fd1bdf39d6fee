// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy

/// The server's goodbye with 0: the mount gets its place in the tree.
extension Mounter {
  /// What finishing the mount needs of this process's descriptors.
  var descriptors: [Int32] {
    switch detached {
    case .none: return [mountPoint.rawValue]
    case .some(let mount): return [mountPoint.rawValue, mount.rawValue]
    }
  }

  /// Records the mount and attaches it. Throws when there is no mount after all, and then has taken
  /// away both.
  mutating func complete<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations, patience: Patience
  ) throws(MountFailure) {
    // A worker that was taken over may ask for this after a mount that failed; what then lies on the
    // mount point is somebody else's.
    guard detached != nil || oneStepMount != nil else {
      throw .system("completing the mount", .invalidArgument)
    }
    // What was mounted in one step may have been taken away since.
    if oneStepMount != nil { try checkPlace() }
    let isRecorded = isToBeRecorded
    lastSteps = LastSteps(isAsked: task.invocation.isVerbose)
    if isRecorded {
      try record(with: &operations, patience: patience)
      lastSteps.note("recorded in the mount table")
    }
    do throws(MountFailure) {
      try attach(with: &operations)
      if oneStepMount == nil {
        lastSteps.note("attached to the mount point")
        try checkPlace()
        try checkSuperblock()
        try checkStanding(othersWait: isRecorded, patience: patience)
        lastSteps.note("checked in its place")
      }
      // Attaching may have waited for a lock until long after the monitor gave up.
      if patience.isOver { throw .system("completing the mount", .canceled) }
      if isRecorded { try keepRecord(with: &operations) }
    } catch {
      // The entry comes second: the mount can be used.
      defer { if isRecorded { try? operations.takeBackRecord() } }
      try undo(with: &operations)
      throw error
    }
  }

  /// Whether there is something to record.
  var isToBeRecorded: Bool {
    guard let plan else { return false }
    return !plan.userspaceWords.isEmpty && !task.invocation.recordsNothing
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

  /// Records the mount before it is attached: a mount table that is locked for ever then costs the
  /// mount, not the other way round.
  private func record<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations, patience: Patience
  ) throws(MountFailure) {
    guard let plan else { return }
    let target = try pathInNamespace()
    do throws(Errno) {
      let record = MountRecord(
        source: plan.source, target: target, type: plan.mountType, words: plan.userspaceWords)
      try operations.record(record, patience: patience)
    } catch {
      switch error {
      case .notSupported: throw .tableIsAnother
      case .notExecutable: throw .noCompanion
      default: throw .system("recording the mount in the mount table", error)
      }
    }
  }

  private func keepRecord<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations
  ) throws(MountFailure) {
    do throws(Errno) {
      try operations.keepRecord()
    } catch {
      throw .system("recording the mount in the mount table", error)
    }
  }
}
