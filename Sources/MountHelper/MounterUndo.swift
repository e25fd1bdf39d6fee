// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import Literals
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
      oneStepMount = nil
    }
    let isGone: Bool
    do throws(Errno) {
      do throws(Errno) {
        isGone = try takeAway(with: &operations)
      } catch {
        guard error != .timedOut else { throw error }
        // A machine that fails once is no reason to leave something behind.
        isGone = try takeAway(with: &operations)
      }
    } catch {
      throw .system("taking the mount away again", error)
    }
    guard isGone else { throw .cannotUndo }
  }

  /// Returns whether there is no mount any more; if not, another covers it.
  private func takeAway<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations
  ) throws(Errno) -> Bool {
    try cutOffDetached(with: &operations)
    return try removeFromTree(with: &operations)
  }

  /// Takes over from a finisher that ended without a word, by the kernel's OOM killer for one: it may
  /// have attached the mount without a check. Undoing takes the mount away then; the entry in the
  /// mount table goes with the finisher.
  mutating func takeOver() {
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

  private func removeFromTree<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations
  ) throws(Errno) -> Bool {
    if attached != nil { return try remove(with: &operations) }
    guard oneStepMount != nil else { return true }
    // Between looking at what is on top and taking it away the caller must not be able to stop this.
    let ending = try operations.finish(keeping: [mountPoint.rawValue], patience: cleaningUp) {
      operations, _ in
      do throws(Errno) {
        return try remove(with: &operations) ? .done([]) : .failed(text("covered"))
      } catch {
        return .failed(error.message)
      }
    }
    guard case .failed(let why) = ending else { return true }
    guard why == "covered" else { throw .inputOutput }
    return false
  }

  /// umount2 takes whatever is on top, so it is asked only when nothing covers the mount; otherwise
  /// the server is cut off from it, and the caller is told. Returns whether nothing covers it.
  private func remove<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations
  ) throws(Errno) -> Bool {
    let table = try MountTable.read()
    guard let entry = try ownEntry(in: table) else { return true }
    if table.isCovered(entry) || plan?.fuseblk == true {
      try operations.abortConnection(entry.connection, patience: cleaningUp)
    }
    if table.isCovered(entry) { return false }
    do throws(Errno) {
      switch attached {
      case .none: try operations.detachMount(entry, at: mountPoint)
      case .some(let mount): try operations.detachMount(entry, at: mount)
      }
    } catch {
      guard error == .busy else { throw error }
      try operations.abortConnection(entry.connection, patience: cleaningUp)
      return false
    }
    return true
  }

  /// The new mount in the tree.
  func ownEntry(in table: MountTable) throws(Errno) -> MountTableEntry? {
    switch attached {
    case .none: return oneStepMount(in: table)
    case .some(let mount): return table.entry(try mount.mountID())
    }
  }
}
