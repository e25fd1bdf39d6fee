// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy

/// Taking the mount away again.
extension Mounter {
  /// The time that putting things away may take. A signal does not end it: it came already.
  var cleaningUp: Patience { Patience(cleaningUpUntil: .after(seconds: 10)) }

  /// Whether a child that ended with this error may have done all the same what it was to do.
  func mayHaveHappened(_ error: Errno) -> Bool {
    error == .timedOut || error == .canceled || error == .inputOutput
  }

  /// Takes the mount away, wherever it is. What was never attached goes with its descriptor.
  mutating func undo<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations
  ) throws(MountFailure) {
    defer {
      detached = nil
      attached = nil
      isMountedInOneStep = false
    }
    do throws(Errno) {
      try cutOffDetached(with: &operations)
      try removeFromTree(with: &operations)
    } catch {
      throw error == .busy ? .cannotUndo : .system("taking the mount away again", error)
    }
  }

  /// Takes over from a finisher that ended without a word, by the kernel's OOM killer for one: it may
  /// have recorded the mount, and attached it without a check. Undoing takes the mount away then.
  mutating func takeOver<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations
  ) {
    if isToBeRecorded, let target = try? mountPoint.currentPath() {
      try? operations.removeRecord(target: target, patience: cleaningUp)
    }
    guard let mount = detached.take() else { return }
    if isInTree(mount) {
      attached = consume mount
    } else {
      detached = consume mount
    }
  }

  /// Where the table cannot be read, undoing finds the same and says so.
  private func isInTree(_ mount: borrowing FileDescriptor) -> Bool {
    do throws(Errno) {
      return try MountTable.read().entry(try mount.mountID()) != nil
    } catch {
      return true
    }
  }

  /// Letting go of a fuseblk mount asks its server to end (DESTROY) and waits for the answer, for
  /// ever; a connection that was aborted has nobody to wait for.
  private func cutOffDetached<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations
  ) throws(Errno) {
    guard plan?.fuseblk == true else { return }
    switch detached {
    case .none: break
    case .some(let mount):
      try operations.abortConnection(try mount.connectionNumber(), patience: cleaningUp)
    }
  }

  /// umount2 takes whatever is on top, so it is asked only when nothing covers the mount; otherwise
  /// the server is cut off from it, and the caller is told.
  private mutating func removeFromTree<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations
  ) throws(Errno) {
    guard attached != nil || isMountedInOneStep else { return }
    let table = try MountTable.read()
    guard let entry = try ownEntry(in: table) else { return }
    if table.isCovered(entry) || plan?.fuseblk == true {
      try operations.abortConnection(entry.connection, patience: cleaningUp)
    }
    guard !table.isCovered(entry) else { throw .busy }
    if let mount = attached.take() {
      try operations.detachMount(at: mount)
    } else {
      try operations.detachMount(at: mountPoint)
    }
  }

  private func ownEntry(in table: MountTable) throws(Errno) -> MountTableEntry? {
    switch attached {
    case .none: return try oneStepMount(in: table)
    case .some(let mount): return table.entry(try mount.mountID())
    }
  }
}
