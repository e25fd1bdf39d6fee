// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy
internal import MountProtocol

/// Why there is no mount.
enum MountFailure: Error {
  /// MountPolicy refuses it.
  case refused(Refusal)
  /// `mount_max` of fuse.conf is reached.
  case tooManyMounts
  /// A step failed; the text names it.
  case system(StaticString, Errno)
  /// Something was mounted over the mount point after it was pinned.
  case mountPointCovered
  /// A mount could not be taken away again because something lies on it.
  case cannotUndo

  /// The error that the server sees.
  var error: ErrorNumber {
    switch self {
    case .refused(let refusal): return refusal.error
    case .tooManyMounts: return .tooManyUsers
    case .system(_, let error): return ErrorNumber(rawValue: UInt32(error.rawValue))
    case .mountPointCovered, .cannotUndo: return .busy
    }
  }

  /// One line in words.
  var explanation: [UInt8] {
    switch self {
    case .refused(let refusal):
      return refusal.explanation(configurationPath: BuildConfiguration.configurationPath)
    case .tooManyMounts:
      return text("too many FUSE file systems are mounted; the administrator can set mount_max in ")
        + BuildConfiguration.configurationPath
    case .system(let step, let error):
      return describe(text(step), error)
    case .mountPointCovered:
      return text("something else was mounted over the mount point meanwhile; try again")
    case .cannotUndo:
      return text(
        "the mount could not be taken away, because another lies on it; its server is cut off")
    }
  }
}

/// Makes the one mount of a run: the superblock when the server asks (DOIT), its place in the tree
/// when the server says goodbye. What fails before that closes a descriptor, and there is nothing to
/// undo.
struct Mounter: ~Copyable {
  private let task: MountTask
  private let configuration: FuseConfiguration
  private let mountPoint: FileDescriptor
  private let format: MountPointFormat
  /// The id of the mount that the mount point lies on.
  private let parent: UInt64
  private var plan: MountPlan?
  /// The mount, attached nowhere until the goodbye.
  private var detached: FileDescriptor?
  /// The mount, once it is in the tree.
  private var attached: FileDescriptor?
  /// Whether the mount is in the tree already at DOIT, because the kernel can only mount in one step.
  private var isMountedInOneStep = false
  /// The mounts that were there before such a mount; it is found by not being one of them.
  private var mountsBefore: [UInt64] = []
  /// The type of such a mount.
  private var oneStepType: [UInt8] = []

  /// A mounter for the pinned `mountPoint`.
  init(
    task: MountTask, configuration: FuseConfiguration, mountPoint: consuming FileDescriptor,
    format: MountPointFormat
  ) throws(Errno) {
    self.task = task
    self.configuration = configuration
    parent = try mountPoint.mountID()
    self.mountPoint = mountPoint
    self.format = format
  }

  // MARK: DOIT

  /// Makes the mount that the server asked for. The request is judged here as if the server had sent
  /// it straight to this process.
  mutating func make<Operations: PrivilegedOperations & ~Copyable>(
    _ request: MountRequest, fuseDevice: consuming FileDescriptor,
    with operations: inout Operations,
    patience: Patience
  ) throws(MountFailure) {
    let plan = try judge(request)
    try checkCount(more: 1)
    guard
      let context = try createContext(for: plan, fuseDevice: fuseDevice, with: &operations)
    else {
      return try mountInOneStep(
        plan, fuseDevice: fuseDevice, with: &operations, patience: patience)
    }
    do throws(Errno) {
      try operations.createSuperblock(in: context, fuseDevice: fuseDevice, patience: patience)
    } catch {
      throw .system("creating the file system", error)
    }
    do throws(Errno) {
      detached = try operations.createDetachedMount(of: context, flags: plan.flags)
    } catch {
      throw .system("creating the mount", error)
    }
    self.plan = plan
  }

  private func judge(_ request: MountRequest) throws(MountFailure) -> MountPlan {
    do throws(Refusal) {
      return try task.rules.plan(for: request)
    } catch {
      throw .refused(error)
    }
  }

  /// A filesystem context, or `nil` when the kernel lacks a step of this way to mount.
  private func createContext<Operations: PrivilegedOperations & ~Copyable>(
    for plan: MountPlan, fuseDevice: borrowing FileDescriptor, with operations: inout Operations
  ) throws(MountFailure) -> FileDescriptor? {
    do throws(Errno) {
      return try operations.createFilesystemContext(
        for: plan, fuseDevice: fuseDevice, rootMode: format.rootMode, caller: task.caller)
    } catch {
      if error == .notImplemented { return nil }
      throw .system("preparing the file system", error)
    }
  }

  private mutating func mountInOneStep<Operations: PrivilegedOperations & ~Copyable>(
    _ plan: MountPlan, fuseDevice: borrowing FileDescriptor, with operations: inout Operations,
    patience: Patience
  ) throws(MountFailure) {
    self.plan = plan
    oneStepType = plan.mountType
    do throws(Errno) {
      mountsBefore = try MountTable.read().entries.map { $0.identifier }
      try operations.mountInOneStep(
        plan, at: mountPoint, fuseDevice: fuseDevice, rootMode: format.rootMode,
        caller: task.caller, patience: patience)
    } catch {
      // A child that was killed may have mounted all the same; undoing looks.
      isMountedInOneStep = error == .timedOut || error == .canceled || error == .inputOutput
      try? undo(with: &operations, patience: patience)
      throw .system("mounting", error)
    }
    isMountedInOneStep = true
    do throws(MountFailure) {
      try checkPlace()
      try checkCount(more: 0)
    } catch {
      try undo(with: &operations, patience: patience)
      throw error
    }
  }

  // MARK: Goodbye

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

  // MARK: Checks of what is in the tree

  /// The new mount must lie on the mount that was pinned. Anything stacked there meanwhile would
  /// have been mounted over without a check.
  private func checkPlace() throws(MountFailure) {
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
      guard let entry = try oneStepMount(in: table) else { return false }
      return entry.parent == parent && !table.isCovered(entry)
    case .some(let mount):
      do throws(Errno) {
        return try mount.parentMountID() == parent
      } catch {
        guard error == .notImplemented else { throw error }
        return try MountTable.read().entry(try mount.mountID())?.parent == parent
      }
    }
  }

  /// Counts after attaching, because a mount that is attached nowhere does not count and parallel
  /// starts would all pass; and before making one, so that the server hears of it.
  private func checkCount(more: Int) throws(MountFailure) {
    guard !task.caller.isRoot, let maximum = configuration.mountMaximum else { return }
    do throws(Errno) {
      guard try fuseMountsFit(maximum, more: more) else { throw .tooManyUsers }
    } catch {
      throw error == .tooManyUsers ? .tooManyMounts : .system("counting the mounts", error)
    }
  }

  // MARK: Undoing

  /// Takes the mount away, wherever it is. What was never attached goes with its descriptor.
  mutating func undo<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations, patience: Patience
  ) throws(MountFailure) {
    defer {
      detached = nil
      attached = nil
      isMountedInOneStep = false
    }
    do throws(Errno) {
      try cutOffDetached(with: &operations, patience: patience)
      try removeFromTree(with: &operations, patience: patience)
    } catch {
      throw error == .busy ? .cannotUndo : .system("taking the mount away again", error)
    }
  }

  /// Letting go of a fuseblk mount asks its server to end (DESTROY) and waits for the answer, for
  /// ever; a connection that was aborted has nobody to wait for.
  private func cutOffDetached<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations, patience: Patience
  ) throws(Errno) {
    guard plan?.fuseblk == true else { return }
    switch detached {
    case .none: break
    case .some(let mount):
      try operations.abortConnection(try mount.connectionNumber(), patience: patience)
    }
  }

  /// umount2 takes whatever is on top, so it is asked only when nothing covers the mount; otherwise
  /// the server is cut off from it, and the caller is told.
  private mutating func removeFromTree<Operations: PrivilegedOperations & ~Copyable>(
    with operations: inout Operations, patience: Patience
  ) throws(Errno) {
    guard attached != nil || isMountedInOneStep else { return }
    let table = try MountTable.read()
    guard let entry = try ownEntry(in: table) else { return }
    if table.isCovered(entry) || plan?.fuseblk == true {
      try operations.abortConnection(entry.connection, patience: patience)
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

  /// A mount that was made in one step is known by its place, its type, and by being new; there is no
  /// descriptor of it.
  private func oneStepMount(in table: MountTable) throws(Errno) -> MountTableEntry? {
    let place = try mountPoint.currentPath()
    return table.entries.last {
      $0.type == oneStepType && $0.mountPoint == place && !mountsBefore.contains($0.identifier)
    }
  }
}
