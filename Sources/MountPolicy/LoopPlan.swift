// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals
public import MountProtocol

/// A loop device for a regular file: what the request flag LOOP asks for, once it has been judged.
public struct LoopPlan: Equatable, Sendable {
  /// The flags for the open(2) of the device: reading or reading and writing, `O_EXCL`, `O_SYNC`,
  /// `O_DSYNC`, `O_DIRECT`, `O_LARGEFILE`, and no others.
  public let openFlags: UInt32
  /// The block size to set, in bytes; 0 leaves it as it is.
  public let blockSize: UInt32

  /// Whether the device is to be read only.
  public var isReadOnly: Bool {
    HostOpenFlags(rawValue: openFlags).isDisjoint(with: .accessMode)
  }

  /// What a device's open may be asked for.
  private static let offered: HostOpenFlags = [
    .readWrite, .exclusive, .sync, .dataSync, .direct, .largeFile,
  ]
  /// What concerns the file's name and is done with when the file is open.
  private static let done: HostOpenFlags = [.noAccessTime, .create]

  /// Judges the flags and the block size of a request; `nil` for what no device can be asked for: the
  /// kernel has to read the file behind it, and to write where it is told.
  public init?(openFlags: UInt32, blockSize: UInt32) {
    let flags = HostOpenFlags(rawValue: openFlags).subtracting(Self.done)
    guard flags.isSubset(of: Self.offered), blockSize == 0 || BlockSize.isPossible(blockSize)
    else { return nil }
    self.openFlags = flags.rawValue
    self.blockSize = blockSize
  }

  /// Whether a file that is open with `fileFlags` can be behind the device. The kernel's driver reads
  /// and writes it whatever it was opened for, so it must have been opened for that.
  public func suits(fileFlags: UInt32) -> Bool {
    let flags = HostOpenFlags(rawValue: fileFlags)
    let accessMode = flags.intersection(.accessMode)
    guard !flags.contains(.append), fileFlags & 0o10_000_000 == 0 else { return false }
    return accessMode == .readWrite || (accessMode.isEmpty && isReadOnly)
  }

  /// Whether a kernel of this release (`uname(2)`) lets a server have a loop device.
  ///
  /// Before Linux 6.11, detaching a device that only the server has open frees it at once, while the
  /// server's descriptor stays good: whoever attaches a file to it next shares that with the server.
  public static func isSafe(onRelease release: [UInt8]) -> Bool {
    let numbers = release[...].split(separator: UInt8(ascii: "."), maxSplits: 2)
    guard numbers.count >= 2, let major = decimal(numbers[0]),
      let minor = decimal(numbers[1].prefix { 0x30...0x39 ~= $0 })
    else { return false }
    return major > 6 || (major == 6 && minor >= 11)
  }

  /// Judges the file behind a device, before it is attached.
  ///
  /// A server of a FUSE mount could hold the kernel's own thread, and everybody who asks the kernel
  /// what is behind the device.
  /// - Throws: `EINVAL` for what is no regular file or has no block, `EACCES` for the kernel's own
  ///   files, `EOPNOTSUPP` for one on a FUSE mount.
  public static func judge(_ file: OpenedFile, size: Int64) throws(ErrorNumber) {
    guard file.kind == .regular, size >= 512 else { throw .invalidArgument }
    guard !FileSystemMagic.isKernelMade(file.fileSystemMagic) else { throw .permissionDenied }
    guard !FileSystemMagic.isFuse(file.fileSystemMagic) else { throw .notSupported }
  }

  /// One line that says why a file has no loop device. `configurationPath` is where `loop_max` is.
  public static func explanation(
    of error: ErrorNumber, path: [UInt8], configurationPath: [UInt8]
  ) -> [UInt8]? {
    let subject = text("'") + Refusal.shortened(path) + text("': ")
    switch error {
    case .busy:
      return subject + text("attached to a loop device already; detach it with losetup -d, ")
        + text("or unmount what uses it")
    case .tooManyUsers:
      return subject + text("no loop device, because you have as many as loop_max in ")
        + configurationPath + text(" permits")
    case .invalidArgument:
      return subject + text("no loop device: the file has not even one block of 512 bytes")
    case .notSupported:
      return subject + text("no loop device for a file on a FUSE mount")
    case .notImplemented:
      return subject + text("no loop device before Linux 6.11, where a server could keep it for ")
        + text("what others attach to it")
    default:
      return nil
    }
  }
}
