// SPDX-License-Identifier: LGPL-2.1-or-later

public import LinuxPrimitives
public import MountPolicy

/// How the finisher's work ended.
public enum FinisherEnding: Equatable, Sendable {
  /// All is done. The line has the steps, for a caller who asked for each; it may be lost on the way.
  case done([UInt8])
  /// It is not, and the line says why.
  case failed([UInt8])
}

/// Everything that needs more than the caller's rights, and nothing else.
///
/// The monitor is the only one to call these, with values that MountPolicy has decided. Tests give
/// it an implementation that records the calls and can make each fail in turn; the shipped one is
/// in LinuxPrivileges.
public protocol PrivilegedOperations: ~Copyable {
  /// Gives up, in the process that was exec'ed, everything that neither the monitor nor the worker
  /// needs: all ids but root's saved ones, all capabilities but those of the two, the bounding set.
  mutating func shedPrivileges(caller: Caller) throws(Errno)

  /// Keeps what the monitor needs, in the monitor, after the worker was started.
  mutating func becomeMonitor(caller: Caller) throws(Errno)

  /// Keeps what the worker needs, in the worker: the caller's ids, and for a root caller the two
  /// capabilities by which root reads any file.
  mutating func becomeWorker(caller: Caller) throws(Errno)

  /// Puts the worker under its filter, before it reads the first byte of the service's.
  mutating func confineWorker() throws(Errno)

  /// Keeps what looking at the services' sockets needs, in the process that was exec'ed: a worker's
  /// rights, and none of its ways to speak with anybody but the caller.
  mutating func becomeInspector(caller: Caller) throws(Errno)

  /// Names `file`, which is no directory, on a clone of its mount that is read-only and attached
  /// nowhere; before 5.12, in a child.
  ///
  /// - Throws: `ENOSYS` when the kernel cannot make one.
  mutating func cloneReadOnly(
    _ file: borrowing FileDescriptor, patience: Patience
  ) throws(Errno) -> FileDescriptor

  /// Makes ready in the mounter, while nobody waits for it, what every mount begins with.
  ///
  /// - Throws: what `createFilesystemContext` will throw as well.
  mutating func prepareToMount() throws(Errno)

  /// Makes a filesystem context for `plan` with everything set that its superblock needs.
  ///
  /// - Throws: `ENOSYS` when the kernel lacks a step of this way to mount.
  mutating func createFilesystemContext(
    for plan: MountPlan, fuseDevice: borrowing FileDescriptor, rootMode: UInt32, caller: Caller
  ) throws(Errno) -> FileDescriptor

  /// Makes the superblock. The server may hold this step for ever, so that only a process that another
  /// one watches, and can kill, may call it.
  ///
  /// - Returns: whether the kernel was told to make a new one or none; before 6.6 it cannot be.
  /// - Throws: `EBUSY` when the server has given the fuse device to a superblock that is there.
  mutating func createSuperblock(in context: borrowing FileDescriptor) throws(Errno) -> Bool

  /// Makes a mount of the context's superblock that is attached nowhere.
  mutating func createDetachedMount(
    of context: borrowing FileDescriptor, flags: MountFlags
  ) throws(Errno) -> FileDescriptor

  /// Makes a mount that is attached nowhere by `mount(2)`, in a child and in a mount namespace that
  /// ends with it, for what a filesystem context cannot say.
  ///
  /// - Throws: `ENOSYS` when the kernel cannot, and then nothing was done.
  mutating func createDetachedMountByMountCall(
    _ plan: MountPlan, fuseDevice: borrowing FileDescriptor, rootMode: UInt32, caller: Caller,
    patience: Patience
  ) throws(Errno) -> FileDescriptor

  /// Starts the mounter: a child with the monitor's rights and none of its descriptors that runs `work`
  /// with its end of a line to the monitor.
  mutating func startMounter(
    _ work: (inout Self, borrowing PacketSocket) -> Int32
  ) throws(Errno) -> MounterProcess

  /// Takes root's ids, in the mounter, so that the caller can neither stop nor kill it from now on: what
  /// it begins it finishes or takes away. Then it does not end with its parent either.
  mutating func becomeFinisher() throws(Errno)

  /// Runs `work` in a child of root's ids, which the caller can neither stop nor kill, so that what
  /// it begins it finishes or takes away. The patience that `work` gets is over when this process
  /// gives up or is gone.
  ///
  /// - Returns: what `work` returns.
  /// - Throws: `EIO` when the child ended without a word and may have left something behind.
  mutating func finish(
    keeping descriptors: [Int32], patience: Patience,
    _ work: (inout Self, Patience) -> FinisherEnding
  ) throws(Errno) -> FinisherEnding

  /// Attaches a detached mount to the pinned mount point.
  mutating func attach(
    _ mount: borrowing FileDescriptor, to mountPoint: borrowing FileDescriptor
  ) throws(Errno)

  /// Mounts in one step onto the pinned mount point, in a child, where the kernel lacks the others.
  mutating func mountInOneStep(
    _ plan: MountPlan, at mountPoint: borrowing FileDescriptor,
    fuseDevice: borrowing FileDescriptor, rootMode: UInt32, caller: Caller, patience: Patience
  ) throws(Errno)

  /// Takes away the mount that is on top at `place`, which should be `entry`.
  ///
  /// - Throws: `EBUSY` when `entry` is there all the same, because another was mounted on it
  ///   meanwhile and has been taken in its stead.
  mutating func detachMount(
    _ entry: MountTableEntry, at place: borrowing FileDescriptor
  ) throws(Errno)

  /// Ends the FUSE connection with this number for good, so that nothing waits for its server.
  mutating func abortConnection(_ number: UInt32, patience: Patience) throws(Errno)

  /// Sets the block size of a device, in bytes, in a child.
  mutating func setBlockSize(
    _ size: UInt32, of device: borrowing FileDescriptor, patience: Patience
  ) throws(Errno)

  /// Attaches `file` to a loop device, in a child, because the file system that it is on may hold that
  /// for ever. Of a user, no more than `maximum` devices are attached at once.
  ///
  /// - Returns: the device, open as `plan` says. It lasts as long as somebody has it open.
  /// - Throws: `EBUSY` when the file is attached to a loop device already, `EUSERS` when the user has
  ///   as many as there may be, `ENOSYS` where the kernel is too old for it (before 6.11), and what `LoopPlan.judge(_:size:)` and the kernel say.
  mutating func attachLoopDevice(
    _ plan: LoopPlan, to file: borrowing FileDescriptor, caller: Caller, maximum: Int?,
    patience: Patience
  ) throws(Errno) -> FileDescriptor

  /// The caller's name in the user database, looked up in a child that has only the caller's rights.
  ///
  /// - Throws: `ENOENT` when the caller has none.
  mutating func name(of caller: Caller, patience: Patience) throws(Errno) -> [UInt8]

  /// Starts the child that records, if there is none yet, because starting it takes longer than all of a
  /// mount. It has touched nothing, and ends when the line to this process does.
  mutating func prepareToRecord() throws(Errno)

  /// Writes a mount into the userspace mount table, in a child that keeps the table locked until it
  /// hears what comes of the mount, and takes the entry back when this process ends without a word.
  ///
  /// - Throws: `ETIMEDOUT` or `ECANCELED` when others kept the table locked, `EIO` when the child
  ///   ended without a word, `ENOEXEC` when it cannot be started, `EOPNOTSUPP` when the table is
  ///   another than utab, and what writing the entry says.
  mutating func record(_ record: MountRecord, patience: Patience) throws(Errno)

  /// Lets the entry stand and unlocks the table.
  ///
  /// - Throws: when the child has taken the entry back already, because it took too long until now.
  mutating func keepRecord() throws(Errno)

  /// Takes the entry back before anybody else can lock the table.
  mutating func takeBackRecord() throws(Errno)
}
