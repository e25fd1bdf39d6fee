// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives
internal import MountProtocol

/// The image or block device that a server mounts, and how it wants it.
public struct SourceRequest: Equatable, Sendable {
  /// The name, byte for byte as it stands on the command line.
  public var path: [UInt8]
  /// Whether to try to open it for writing first. Without it the source is never asked for but
  /// read-only, as `-o ro` has to mean.
  public var readWrite: Bool
  /// Whether it has to be a block device.
  public var requireBlockDevice: Bool
  /// The block size that a block device is set to, in bytes; 0 leaves it as it is. Only used with
  /// `requireBlockDevice`.
  public var blockSize: UInt32
  /// Whether to ask with `O_EXCL`, which keeps a block device from being opened twice. A `fuseblk`
  /// mount opens its device itself and has to go without.
  public var exclusive: Bool
  /// More `O_*` flags, such as `O_SYNC` or `O_DIRECT`.
  public var extraOpenFlags: Int32
  /// How long to ask again when the source is in use, in milliseconds: udev looks at a device for a
  /// moment after every change, and the last mount of an image may still be ending.
  public var busyPatience: Int64
  /// Whether a regular file is to be attached to a loop device, which comes in its place. A helper
  /// without loop devices is asked again without, and one that fails to attach the file passes the
  /// file: look at `OpenedSource.isBlockDevice`.
  public var loopDevice: Bool

  /// A request for `path`, by default to be written where that is allowed.
  public init(
    path: [UInt8], readWrite: Bool = true, requireBlockDevice: Bool = false,
    blockSize: UInt32 = 0, exclusive: Bool = true, extraOpenFlags: Int32 = 0,
    busyPatience: Int64 = 5_000, loopDevice: Bool = false
  ) {
    self.path = path
    self.readWrite = readWrite
    self.requireBlockDevice = requireBlockDevice
    self.blockSize = blockSize
    self.exclusive = exclusive
    self.extraOpenFlags = extraOpenFlags
    self.busyPatience = busyPatience
    self.loopDevice = loopDevice
  }
}

/// A source as the helper opened it.
public struct OpenedSource: ~Copyable, Sendable {
  /// The open file.
  public let descriptor: FileDescriptor
  /// Whether it can only be read.
  public let isReadOnly: Bool
  /// Whether it is a block device: the one that was named, or, where a loop device was asked for, the
  /// one that the named file is attached to. Otherwise it is the file itself.
  public let isBlockDevice: Bool

  /// The open file, for whoever keeps it.
  public consuming func takeDescriptor() -> FileDescriptor { descriptor }
}

extension FuseServiceConnection {
  /// Opens the source as file system servers do: for reading and writing when that is wished for,
  /// read-only when that is not permitted (`EPERM`, `EACCES`, `EROFS`), and again for some seconds
  /// when the source is in use (`EBUSY`).
  ///
  /// A loop device is asked for until a helper says that it has none (`EINVAL`).
  ///
  /// - Throws: `refused` with the last answer. The helper has told the caller about it: only
  ///   attempts that something else follows are made quietly. A server need not say it again.
  ///   `alreadyAttached` when a loop device was asked for and the source stayed in use.
  ///
  /// The corresponding system call, for the kind of file that came, is `fstat(2)`.
  public mutating func openSource(
    _ request: SourceRequest
  ) throws(FuseServiceError) -> OpenedSource {
    let deadline = Deadline.after(milliseconds: request.busyPatience)
    // What is still hoped for.
    var hope = request
    while true {
      do throws(FuseServiceError) {
        return try attempt(hope, flags: .quiet)
      } catch {
        switch next(after: error, hope, mayWait: !deadline.hasPassed) {
        case .withoutLoopDevice: hope.loopDevice = false
        case .readOnly: hope.readWrite = false
        case .again: sleep(milliseconds: 200)
        case .aloud: return try lastAttempt(hope)
        case .giveUp: throw error
        }
      }
    }
  }

  private mutating func lastAttempt(
    _ request: SourceRequest
  ) throws(FuseServiceError) -> OpenedSource {
    do throws(FuseServiceError) {
      return try attempt(request, flags: [])
    } catch {
      guard case .refused(_, .busy) = error, request.loopDevice else { throw error }
      throw .alreadyAttached
    }
  }

  private mutating func attempt(
    _ request: SourceRequest, flags: OpenRequestFlags
  ) throws(FuseServiceError) -> OpenedSource {
    let flags = request.loopDevice ? flags.union(.loop) : flags
    let openFlags =
      (request.readWrite ? O_RDWR : O_RDONLY) | (request.exclusive ? O_EXCL : 0)
      | request.extraOpenFlags
    let descriptor =
      request.requireBlockDevice
      ? try requestBlockDevice(
        request.path, openFlags: openFlags, blockSize: request.blockSize, flags: flags)
      : try requestFile(request.path, openFlags: openFlags, flags: flags)
    let isBlockDevice: Bool
    do throws(Errno) {
      isBlockDevice = try descriptor.status().isBlockDevice
    } catch {
      throw .system(error)
    }
    return OpenedSource(
      descriptor: descriptor, isReadOnly: !request.readWrite, isBlockDevice: isBlockDevice)
  }
}

/// What follows an attempt that failed.
private enum NextAttempt {
  case withoutLoopDevice, readOnly, again, aloud, giveUp
}

private func next(
  after error: FuseServiceError, _ request: SourceRequest, mayWait: Bool
) -> NextAttempt {
  guard case .refused(_, let reason) = error else { return .giveUp }
  switch reason {
  case .invalidArgument:
    return request.loopDevice ? .withoutLoopDevice : .aloud
  case .notPermitted, .permissionDenied, .readOnlyFileSystem:
    return request.readWrite ? .readOnly : .aloud
  case .busy:
    return mayWait ? .again : .aloud
  default:
    return .aloud
  }
}
