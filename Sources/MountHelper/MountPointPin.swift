// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import Literals
internal import MountPolicy

/// The mount point, held by a descriptor so that no later change of its path moves the mount.
struct MountPointPin: ~Copyable {
  /// Names the mount point for the kernel (`O_PATH`).
  let descriptor: FileDescriptor
  /// What it is.
  let kind: FileKind

  /// What it is, for the monitor.
  var format: MountPointFormat { kind == .directory ? .directory : .regularFile }

  /// Walks to `path` with the caller's rights and judges what is there. Before the service is
  /// contacted, so that a server has no say in it.
  static func pin(_ path: [UInt8], caller: Caller) throws(WorkerError) -> MountPointPin {
    let descriptor = try open(path)
    let facts = try facts(of: descriptor, path: path, caller: caller)
    do throws(Refusal) {
      try MountPointRules.judge(facts, caller: caller)
    } catch {
      throw .failed(path + text(": ") + error.explanation)
    }
    return MountPointPin(descriptor: descriptor, kind: facts.kind)
  }

  /// Magic links lead where no path leads; kernels without openat2 (before 5.6) follow them, and
  /// then the list of file systems keeps users out of /proc.
  private static func open(_ path: [UInt8]) throws(WorkerError) -> FileDescriptor {
    do throws(Errno) {
      do throws(Errno) {
        return try openFile(path, .path, resolve: .noMagicLinks)
      } catch {
        guard error == .notImplemented else { throw error }
        return try openFile(path, .path)
      }
    } catch {
      throw .failed(describe(path, error))
    }
  }

  private static func facts(
    of descriptor: borrowing FileDescriptor, path: [UInt8], caller: Caller
  ) throws(WorkerError) -> MountPointFacts {
    do throws(Errno) {
      let status = try descriptor.status()
      return MountPointFacts(
        mode: status.mode, owner: status.owner,
        writableByCaller: caller.isRoot ? true : try descriptor.isWritable(),
        fileSystemMagic: try descriptor.fileSystemMagic())
    } catch {
      throw .failed(describe(path, error))
    }
  }

  private init(descriptor: consuming FileDescriptor, kind: FileKind) {
    self.descriptor = descriptor
    self.kind = kind
  }
}
