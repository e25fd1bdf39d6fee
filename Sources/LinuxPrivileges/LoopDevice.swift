// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives
internal import Literals
public import MountPolicy
internal import MountProtocol

/// How often a device that was free may turn out to be taken (LOOP_CTL_GET_FREE only looks).
private let attempts = 64

/// How long a child may take that the caller can neither stop nor kill, in seconds. Its parent may be
/// stopped, and then holds no clock.
private let longestLife: Int = 12

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`.
  ///
  /// The device's node is root's, so it is opened with root's ids for files; the ioctls of loop(4)
  /// ask for a descriptor and no capability.
  public mutating func attachLoopDevice(
    _ plan: LoopPlan, to file: borrowing FileDescriptor, caller: Caller, maximum: Int?,
    patience: Patience
  ) throws(Errno) -> FileDescriptor {
    guard LoopPlan.isSafe(onRelease: kernelRelease()) else { throw .notImplemented }
    let number = file.rawValue
    try look(for: number, expecting: 0, patience: patience)
    let device = try patience.descriptorFromChild(keeping: [number]) { () throws(Errno) in
      try becomeLoopChild()
      var charges =
        caller.isRoot || maximum == nil ? nil : try LoopChargeFile(userID: caller.userID)
      if let maximum { try charges?.makeRoom(within: maximum) }
      let device = try LoopDevice.attach(number, plan: plan, charges: &charges)
      if plan.blockSize != 0 { try device.setBlockSize(plan.blockSize) }
      return device.node
    }
    // Whoever attached it in the same moment sees this one as well, and both give up.
    try look(for: number, expecting: 1, patience: patience)
    return device
  }

  /// Makes sure that as many loop devices have `file` behind them as expected.
  ///
  /// What answers may be the server of a FUSE mount that others have attached something on, and hold
  /// who asks beyond SIGKILL. So this is done in a child that has neither the list of the user's
  /// devices locked nor the new one open: it can be abandoned.
  ///
  /// - Throws: `EBUSY` when there is another number of them.
  private func look(for file: Int32, expecting count: Int, patience: Patience) throws(Errno) {
    let status = try patience.runInChild(keeping: [file]) {
      do throws(Errno) {
        // May wait for the file's own file system, as the caller, who may end it.
        let backing = try BackingFile(judging: file)
        try becomeLoopChild()
        return try LoopDevice.count(attachedTo: backing) == count ? 0 : EBUSY
      } catch {
        return error.rawValue
      }
    }
    guard status == 0 else { throw Errno(rawValue: status) }
  }
}

/// Becomes a process that the caller can neither stop nor kill: stopped with somebody's device open, it
/// would keep that attached, or keep everybody from the number that is the next. It ends by itself.
///
/// The corresponding system call is `setitimer(2)`.
private func becomeLoopChild() throws(Errno) {
  guard clinux_end_after(longestLife) == 0 else { throw .last }
  try leaveCallersReach()
}

/// The running kernel's release.
///
/// The corresponding system call is `uname(2)`.
private func kernelRelease() -> [UInt8] {
  var name = utsname()
  // uname fills in the structure that it is given, and terminates each string in it.
  guard unsafe uname(&name) == 0 else { return [] }
  return unsafe withUnsafeBytes(of: &name.release) { unsafe $0.prefix { $0 != 0 }.map { $0 } }
}

/// The file behind a loop device, as the kernel tells it of an attached one.
private struct BackingFile {
  let device: UInt64
  let inode: UInt64

  /// Judges the open file `number`. May wait for its file system.
  ///
  /// The corresponding system calls are `fstatfs(2)` and `fstat(2)`.
  init(judging number: Int32) throws(Errno) {
    let file = try duplicateDescriptor(number)
    let magic = try file.fileSystemMagic()
    let status = try file.status()
    do throws(ErrorNumber) {
      try LoopPlan.judge(
        OpenedFile(kind: FileKind(mode: status.mode), fileSystemMagic: magic), size: status.size)
    } catch {
      throw Errno(rawValue: Int32(truncatingIfNeeded: error.rawValue))
    }
    device = status.device
    inode = status.inode
  }
}

/// An open loop device.
struct LoopDevice: ~Copyable {
  let number: UInt32
  let node: FileDescriptor

  /// Opens the node of a loop device, and makes sure that it is what it should be.
  ///
  /// - Throws: `EACCES` when the node is not root's.
  init(number: UInt32, flags: OpenFlags) throws(Errno) {
    let path = try CString(text("/dev/loop") + digits(UInt64(number)))
    let node = try openAsRoot(path, flags)
    let status = try node.status()
    guard status.isBlockDevice, status.owner == 0 else { throw .permissionDenied }
    self.number = number
    self.node = node
  }

  /// Attaches the open file `file` to a free device.
  ///
  /// - Throws: `EAGAIN` when others took every device that was free.
  ///
  /// The corresponding system call is `ioctl(2)` with `LOOP_CTL_GET_FREE` and `LOOP_CONFIGURE`.
  fileprivate static func attach(
    _ file: Int32, plan: LoopPlan, charges: inout LoopChargeFile?
  ) throws(Errno) -> LoopDevice {
    let control = try openAsRoot(CString("/dev/loop-control"), .readWrite)
    guard try control.status().isCharacterDevice(major: 10, minor: 237) else {
      throw .permissionDenied
    }
    for _ in 0..<attempts {
      let result = clinux_loop_free_number(control.rawValue)
      guard result >= 0 else { throw .last }
      let number = UInt32(result)
      // Before it is attached: a process that is killed in between leaves a charge, not a device.
      try charges?.charge(LoopCharges.Device(number: number, sequence: 0))
      do throws(Errno) {
        // Not with O_EXCL: a device that is claimed and not attached would be the next for everybody,
        // and of use to nobody.
        let free = try LoopDevice(
          number: number, flags: plan.isReadOnly ? .nonblocking : [.readWrite, .nonblocking])
        guard clinux_loop_attach(free.node.rawValue, file, plan.isReadOnly ? 1 : 0) == 0 else {
          throw .last
        }
        let device = try LoopDevice(
          number: number, flags: OpenFlags(rawValue: Int32(bitPattern: plan.openFlags)))
        // Until here the device would go with it.
        _ = consume free
        // A node with this name could be another's.
        guard try device.status().number == number else { throw .permissionDenied }
        try charges?.charge(
          LoopCharges.Device(number: number, sequence: device.sequence()))
        return device
      } catch {
        try charges?.release(number)
        guard error == .busy else { throw error }
      }
    }
    throw .resourceTemporarilyUnavailable
  }

  /// How many devices have this file behind them.
  fileprivate static func count(attachedTo file: BackingFile) throws(Errno) -> Int {
    var found = 0
    for name in try directoryEntries(text("/sys/block")) {
      guard let number = LoopNumber.number(ofName: name), isAttached(number) else { continue }
      let device: LoopDevice
      do throws(Errno) {
        device = try LoopDevice(number: number, flags: .nonblocking)
      } catch {
        // Without a node, or gone meanwhile, it cannot be looked at.
        guard error == .noSuchFile || error == .noSuchDevice else { throw error }
        continue
      }
      // Detached meanwhile, or the file is on a file system that does not answer, or not this process:
      // the one that is looked for did.
      guard let status = try? device.status() else { continue }
      if status.device == file.device, status.inode == file.inode { found += 1 }
    }
    return found
  }

  /// Whether anything is attached to a device; where nobody can tell, it is.
  ///
  /// The corresponding system call is `access(2)` of what sysfs shows of attached devices only.
  static func isAttached(_ number: UInt32) -> Bool {
    func exists(_ path: [UInt8]) -> Bool {
      guard let name = try? CString(path) else { return true }
      // The name is terminated and lives through the call.
      return unsafe name.withPointer { unsafe access($0, F_OK) } == 0 || Errno.last != .noSuchFile
    }
    return exists(text("/sys/block/loop") + digits(UInt64(number)) + text("/loop"))
      || !exists(text("/sys/block"))
  }

  /// What the kernel says of the attachment. May wait for the file system behind it.
  ///
  /// - Throws: `ENXIO` when nothing is attached.
  ///
  /// The corresponding system call is `ioctl(2)` with `LOOP_GET_STATUS64`.
  private func status() throws(Errno) -> clinux_loop_status {
    var status = clinux_loop_status()
    // The shim fills in the structure that it is given.
    guard unsafe clinux_loop_status(node.rawValue, &status) == 0 else { throw .last }
    return status
  }

  /// The kernel's number for this attachment; 0 where it has none (before 5.15).
  ///
  /// The corresponding system call is `ioctl(2)` with `BLKGETDISKSEQ`.
  func sequence() -> UInt64 {
    var sequence: UInt64 = 0
    // The shim writes the value that it is given.
    guard unsafe clinux_disk_sequence(node.rawValue, &sequence) == 0 else { return 0 }
    return sequence
  }

  /// Detaches the device when nobody else has it open, else when nobody has any more.
  ///
  /// The corresponding system call is `ioctl(2)` with `LOOP_CLR_FD`.
  func detachWhenUnused() { _ = clinux_loop_detach(node.rawValue) }

  /// Sets the size of a block, in bytes.
  ///
  /// The corresponding system call is `ioctl(2)` with `BLKBSZSET`, which needs `CAP_SYS_ADMIN`.
  fileprivate func setBlockSize(_ size: UInt32) throws(Errno) {
    let number = node.rawValue
    _ = try withSystemAdministration {
      var value = Int32(truncatingIfNeeded: size)
      // The ioctl reads one integer.
      return unsafe clinux_ioctl_int(number, clinux_BLKBSZSET, &value)
    }
  }
}
