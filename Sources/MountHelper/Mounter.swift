// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy

/// Makes the one mount of a run: the superblock when the server asks (DOIT), its place in the tree
/// when the server says goodbye. What fails before that closes a descriptor, and there is nothing to
/// undo.
struct Mounter: ~Copyable {
  let task: MountTask
  let configuration: FuseConfiguration
  let mountPoint: FileDescriptor
  let format: MountPointFormat
  /// The id of the mount that the mount point lies on.
  let parent: UInt64
  /// The namespace whose mounts are counted, in the mounter process.
  var namespace: MountNamespace?
  var plan: MountPlan?
  /// The mount, attached nowhere until the goodbye.
  var detached: FileDescriptor?
  /// The mount, once it is in the tree.
  var attached: FileDescriptor?
  /// Whether the kernel has vouched for the superblock not to have been there before.
  var isSuperblockNew = false
  /// The id of a mount that is in the tree already at DOIT, because the kernel can only mount in one
  /// step.
  var oneStepMount: UInt64?
  /// What was done at the goodbye, for a caller who asked for each step.
  var lastSteps = LastSteps(isAsked: false)

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

  /// Makes the mount that the server asked for, attached nowhere. The request is judged here as if the
  /// server had sent it straight to this process.
  ///
  /// - Returns: whether it was made; if not, the kernel can only mount in one step.
  mutating func makeDetached<Operations: PrivilegedOperations & ~Copyable>(
    _ request: MountRequest, fuseDevice: consuming FileDescriptor,
    with operations: inout Operations,
    patience: Patience
  ) throws(MountFailure) -> Bool {
    let plan = try judge(request)
    try checkCount()
    if let context = try createContext(for: plan, fuseDevice: fuseDevice, with: &operations) {
      do throws(Errno) {
        isSuperblockNew = try operations.createSuperblock(in: context)
      } catch {
        throw error == .busy && !plan.fuseblk
          ? .superblockIsAnothers : .system("creating the file system", error)
      }
      do throws(Errno) {
        detached = try operations.createDetachedMount(of: context, flags: plan.flags)
      } catch {
        throw .system("creating the mount", error)
      }
      self.plan = plan
      return true
    }
    do throws(Errno) {
      detached = try operations.createDetachedMountByMountCall(
        plan, fuseDevice: fuseDevice, rootMode: format.rootMode, caller: task.caller,
        patience: patience)
      self.plan = plan
      return true
    } catch {
      guard error == .notImplemented else { throw .system("mounting", error) }
      return false
    }
  }

  /// Takes over what the mounter process has made.
  mutating func take(_ made: consuming MadeMount, of request: MountRequest) throws(MountFailure) {
    plan = try judge(request)
    isSuperblockNew = made.isSuperblockNew
    detached = consume made.descriptor
  }

  func judge(_ request: MountRequest) throws(MountFailure) -> MountPlan {
    do throws(Refusal) {
      return try task.rules.plan(for: request)
    } catch {
      throw .refused(error)
    }
  }

  /// A filesystem context, or `nil` when it cannot say what is to be mounted, or the kernel lacks a
  /// step of this way to mount.
  private func createContext<Operations: PrivilegedOperations & ~Copyable>(
    for plan: MountPlan, fuseDevice: borrowing FileDescriptor, with operations: inout Operations
  ) throws(MountFailure) -> FileDescriptor? {
    if plan.needsMountSyscall { return nil }
    do throws(Errno) {
      return try operations.createFilesystemContext(
        for: plan, fuseDevice: fuseDevice, rootMode: format.rootMode, caller: task.caller)
    } catch {
      if error == .notImplemented { return nil }
      throw .system("preparing the file system", error)
    }
  }
}
