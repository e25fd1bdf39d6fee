// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import Literals
internal import MountPolicy
internal import MountProtocol

/// Why the server does not get a file.
enum OpenError: Error {
  /// The kernel says no.
  case system(Errno)
  /// The mount that the file lies on cannot be cloned, so there is no read-only one.
  case noReadOnlyClone
  /// The file cannot be attached to a loop device.
  case noLoopDevice(ErrorNumber)
  /// MountPolicy says no to what the path turned out to be.
  case refused(Refusal)
  /// The session cannot go on.
  case worker(WorkerError)

  /// What the monitor's refusal, or its end, means for a file.
  init(_ error: WorkerError) {
    if case .refused(let number) = error {
      self = .system(Errno(rawValue: Int32(truncatingIfNeeded: number.rawValue)))
    } else {
      self = .worker(error)
    }
  }
}

/// Opens files for the server, with the caller's rights.
///
/// A file is pinned first (`O_PATH`, which touches nothing and waits for no device), judged, and
/// then opened through the pin, so that what was judged is what is opened.
struct FileOpener: ~Copyable {
  private let rules: OpenRules
  /// The files that a root caller named, pinned before the server was contacted, so that nobody
  /// swaps them later. `nil` for a user, whose own rights decide at each request.
  private let pinned: PinnedFiles?

  /// Opens under `rules`, of a root caller only what was `pinned`.
  init(rules: OpenRules, pinned: consuming PinnedFiles?) {
    self.rules = rules
    self.pinned = pinned
  }

  /// Opens the file that `plan` describes, without waiting in `open(2)`.
  func open(_ plan: OpenPlan, monitor: borrowing MonitorChannel) throws(OpenError) -> FileDescriptor
  {
    let pin: FileDescriptor
    do throws(Errno) {
      pin = try pinFile(plan)
    } catch {
      guard error == .noSuchFile, plan.creates else { throw .system(error) }
      return try create(plan)
    }
    if plan.mustCreate { throw .system(.fileExists) }
    guard try judge(pin, plan: plan) == .regular else {
      let device = try reopen(pin, plan: plan)
      if plan.blockSize != 0 { try setBlockSize(of: device, plan: plan, monitor: monitor) }
      return device
    }
    let readable = plan.needsReadOnlyClone ? try readOnlyClone(of: pin, monitor: monitor) : pin
    let file = try reopen(readable, plan: plan)
    guard let loop = plan.loop else { return file }
    return try attach(file, to: loop, plan: plan, monitor: monitor)
  }

  private func setBlockSize(
    of device: borrowing FileDescriptor, plan: OpenPlan, monitor: borrowing MonitorChannel
  ) throws(OpenError) {
    do throws(WorkerError) {
      try monitor.setBlockSize(plan.blockSize, of: device)
    } catch {
      throw OpenError(error)
    }
  }

  /// A loop device in the place of a regular file. OPEN only wishes for one: the plain file will do,
  /// unless it is in use by another, whose changes neither would see.
  private func attach(
    _ file: consuming FileDescriptor, to loop: LoopPlan, plan: OpenPlan,
    monitor: borrowing MonitorChannel
  ) throws(OpenError) -> FileDescriptor {
    do throws(WorkerError) {
      return try monitor.attachLoopDevice(loop, to: file)
    } catch {
      guard case .refused(let number) = error else { throw OpenError(error) }
      if plan.wantsBlockDevice || number == .busy { throw .noLoopDevice(number) }
      do throws(WorkerError) {
        try monitor.send(.explain(plan.explanation(ofNoLoopDevice: number)))
      } catch {
        throw .worker(error)
      }
      return file
    }
  }

  private func pinFile(_ plan: OpenPlan) throws(Errno) -> FileDescriptor {
    let flags: OpenFlags = plan.followsFinalLink ? .path : [.path, .noFollow]
    guard pinned != nil else { return try openFile(plan.path, flags, resolve: .noMagicLinks) }
    guard let pin = try pinned?.file(plan.path) else { throw .badFileDescriptor }
    if !plan.followsFinalLink {
      // The pin was made with links followed; it will do if there was none.
      let now = try openFile(plan.path, flags, resolve: .noMagicLinks)
      guard try now.status().isSameFile(as: try pin.status()) else { throw .tooManyLinks }
    }
    return pin
  }

  private func judge(
    _ pin: borrowing FileDescriptor, plan: OpenPlan
  ) throws(OpenError) -> FileKind {
    let file: OpenedFile
    do throws(Errno) {
      file = OpenedFile(
        kind: FileKind(mode: try pin.status().mode), fileSystemMagic: try pin.fileSystemMagic())
    } catch {
      throw .system(error)
    }
    do throws(Refusal) {
      try rules.judgeFile(file, plan: plan)
    } catch {
      throw .refused(error)
    }
    return file.kind
  }

  /// A plain read-only descriptor of a file that anyone may write can be opened again for writing
  /// through `/proc/self/fd`; one on a read-only mount cannot. Kernels that cannot make such a mount
  /// (before 5.2, or in a sandbox) leave the plain one.
  private func readOnlyClone(
    of pin: consuming FileDescriptor, monitor: borrowing MonitorChannel
  ) throws(OpenError) -> FileDescriptor {
    do throws(WorkerError) {
      return try monitor.readOnlyClone(of: pin)
    } catch {
      switch error {
      case .refused(.notImplemented): return pin
      // A mount of propagation type unbindable (mount_namespaces(7)).
      case .refused(.invalidArgument): throw .noReadOnlyClone
      default: throw OpenError(error)
      }
    }
  }

  private func reopen(
    _ pin: borrowing FileDescriptor, plan: OpenPlan
  ) throws(OpenError) -> FileDescriptor {
    do throws(Errno) {
      let file = try openFile(
        pin.processPath, [plan.reopenFlags, .nonblocking, .noControllingTerminal])
      try file.setNonblocking(plan.keepsNonblocking)
      return file
    } catch {
      throw .system(error)
    }
  }

  /// Creates the file in its directory, which is pinned and judged like a file: what lies on a file
  /// system that the kernel makes is not the caller's to hand out. `O_EXCL` keeps the kernel from
  /// following a link that appeared meanwhile.
  private func create(_ plan: OpenPlan) throws(OpenError) -> FileDescriptor {
    let directory = try directory(for: plan)
    do throws(Errno) {
      let file = OpenedFile(kind: .regular, fileSystemMagic: try directory.fileSystemMagic())
      do throws(Refusal) {
        try rules.judgeFile(file, plan: plan)
      } catch {
        throw .permissionDenied
      }
      let created = try openFile(
        splitPath(plan.path).name, in: directory.rawValue,
        [plan.reopenFlags, .create, .exclusive, .noFollow, .nonblocking], mode: plan.createMode,
        resolve: .noMagicLinks)
      try created.setNonblocking(plan.keepsNonblocking)
      return created
    } catch {
      throw .system(error)
    }
  }

  private func directory(for plan: OpenPlan) throws(OpenError) -> FileDescriptor {
    do throws(Errno) {
      guard pinned != nil else {
        return try openFile(splitPath(plan.path).directory, .path, resolve: .noMagicLinks)
      }
      guard let directory = try pinned?.directory(ofMissing: plan.path) else {
        throw .badFileDescriptor
      }
      return directory
    } catch {
      throw .system(error)
    }
  }
}

extension OpenPlan {
  /// One line that says why the file has no loop device.
  func explanation(ofNoLoopDevice error: ErrorNumber) -> [UInt8] {
    let known = LoopPlan.explanation(
      of: error, path: path, configurationPath: BuildConfiguration.ownConfigurationPath)
    return known
      ?? describe(
        path + text(": no loop device"),
        Errno(rawValue: Int32(truncatingIfNeeded: error.rawValue)))
  }

  fileprivate var reopenFlags: OpenFlags { OpenFlags(rawValue: Int32(bitPattern: openFlags)) }
}
