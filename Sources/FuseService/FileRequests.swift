// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives
public import MountProtocol

extension FuseServiceConnection {
  /// Asks the helper to open a file that the caller named on the command line.
  ///
  /// - Parameters:
  ///   - path: the name, byte for byte as it stands among `arguments` or behind a `key=` of an `-o`.
  ///   - openFlags: `O_*` as `open(2)` takes them.
  ///   - mode: the permission bits of a file that `O_CREAT` makes.
  ///   - flags: `quiet` keeps the helper from telling a refusal to the caller's terminal; `loop` asks
  ///     for a loop device in the place of a regular file. Only this project's helper has them:
  ///     another answers `EINVAL`, and one that fails to attach the file passes the file itself.
  ///     `openSource(_:)` sees to both.
  /// - Throws: `refused` with the helper's `open(2)` error, among others; with `loop`, `EBUSY` when
  ///   the file is attached to a loop device already.
  public mutating func requestFile(
    _ path: [UInt8], openFlags: Int32, mode: UInt32 = 0, flags: OpenRequestFlags = []
  ) throws(FuseServiceError) -> FileDescriptor {
    try request(
      .open(
        OpenRequest(
          path: path, openFlags: UInt32(bitPattern: openFlags), createMode: mode,
          requestFlags: flags)),
      path)
  }

  /// Asks the helper to open a block device that the caller named, and to set its block size.
  ///
  /// - Parameters:
  ///   - path: the name, byte for byte as it stands on the command line.
  ///   - openFlags: `O_*` as `open(2)` takes them.
  ///   - blockSize: in bytes; 0 leaves it as it is (`BLKBSZSET`).
  ///   - flags: as for `requestFile`.
  /// - Throws: `refused` with `ENOTBLK` when it is no block device, among others.
  public mutating func requestBlockDevice(
    _ path: [UInt8], openFlags: Int32, blockSize: UInt32 = 0, flags: OpenRequestFlags = []
  ) throws(FuseServiceError) -> FileDescriptor {
    try request(
      .openBlockDevice(
        OpenRequest(
          path: path, openFlags: UInt32(bitPattern: openFlags), requestFlags: flags,
          blockSize: blockSize)),
      path)
  }

  /// Tells the kernel that no more files are wanted, so that nothing that comes later can bring a
  /// descriptor in. To be called after the last request for a file, and before `mount(_:)`.
  ///
  /// - Throws: `system`.
  ///
  /// The corresponding system call is `setsockopt(2)` with `SO_PASSRIGHTS` (kernel 6.16). A kernel
  /// without it drops descriptors all the same, because from here on nothing is received with room
  /// for one.
  public mutating func finishRequests() throws(FuseServiceError) {
    do throws(Errno) {
      try socket.refuseDescriptors()
    } catch {
      if error != .noProtocolOption { throw .system(error) }
    }
  }

  private mutating func request(
    _ command: Command, _ path: [UInt8]
  ) throws(FuseServiceError) -> FileDescriptor {
    guard !path.isEmpty, path.count <= Int(PATH_MAX), !path.contains(0) else {
      throw .unsendableString
    }
    let deadline = Deadline.after(seconds: timeouts.reply)
    try socket.sendPacket(command.encoded(), until: deadline)
    return try socket.receiveFile(path, answering: command.magic, until: deadline)
  }
}
