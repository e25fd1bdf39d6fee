// SPDX-License-Identifier: LGPL-2.1-or-later

public import LinuxPrimitives
internal import Literals
internal import MountPolicy
internal import MountProtocol

/// How long a mounter is waited for that puts away what it has begun, in seconds. It may take longer;
/// nobody has to watch.
private let timeToPutAway: Int64 = 5

/// A mount that is attached nowhere.
struct MadeMount: ~Copyable {
  var descriptor: FileDescriptor
  /// Whether the kernel has vouched for the superblock not to have been there before.
  var isSuperblockNew: Bool
}

/// The process that makes the mount and attaches it, as the monitor sees it.
///
/// It is there before it is needed, so that its start costs no time; what it does is in
/// `Mounter.serve(_:with:log:)`. Until the goodbye it has the monitor's ids and ends with it: a server
/// can hold the making for ever, and `SIGKILL` ends that. For the goodbye it takes root's, and is the
/// finisher, which no signal of the caller's reaches.
public struct MounterProcess: ~Copyable {
  /// Cutting the line is how the monitor says that its patience is over.
  private let child: LinkedChild

  /// The mounter that `child` is.
  public init(_ child: consuming LinkedChild) { self.child = child }

  /// Ends a mounter that has not been told to attach anything.
  func kill() { child.process.killAndReap() }

  /// Gives it the pinned mount point.
  func take(
    _ mountPoint: borrowing FileDescriptor, format: MountPointFormat
  ) throws(Errno) {
    let order = MounterOrder(intent: .mountPoint(format), milliseconds: -1)
    try child.line.send(
      order.encoded(), passing: mountPoint.rawValue, until: .after(seconds: 1))
  }

  /// Has the mount made. A process that does not come to an end with it is killed.
  ///
  /// - Returns: the mount, attached nowhere; `nil` when the kernel can only mount in one step, and then
  ///   nothing was done.
  func make(
    _ request: MountRequest, fuseDevice: borrowing FileDescriptor, patience: Patience
  ) throws(MountFailure) -> MadeMount? {
    let report: MounterReport
    var descriptor: FileDescriptor?
    do throws(Errno) {
      try order(.mount(request), passing: fuseDevice.rawValue, patience: patience)
      var packet = try hear(patience)
      guard let decoded = MounterReport(decoding: packet.bytes) else { throw .badMessage }
      report = decoded
      descriptor = packet.takeDescriptor()
    } catch {
      kill()
      if error == .connectionReset || error == .brokenPipe {
        throw .reported(text("the mounter process ended unexpectedly"), .inputOutput)
      }
      throw .system("creating the file system", error)
    }
    switch report {
    case .made(let isSuperblockNew):
      guard let descriptor = descriptor.take() else {
        throw .system("creating the file system", .badMessage)
      }
      return MadeMount(descriptor: descriptor, isSuperblockNew: isSuperblockNew)
    case .oneStepOnly: return nil
    case .failed(let error, let why): throw .reported(why, error)
    case .done, .refused: throw .system("creating the file system", .badMessage)
    }
  }

  /// Has the mount recorded and attached.
  ///
  /// The finisher's line is cut when patience is over, by this process's end for one. A kernel lock that
  /// holds it beyond any signal only delays it: it looks at the line afterwards.
  ///
  /// - Throws: `EIO` when the finisher ended without a word and may have left something behind.
  func complete(patience: Patience) throws(Errno) -> FinisherEnding {
    let putAway = Patience(cleaningUpUntil: .after(seconds: timeToPutAway))
    let report: MounterReport
    do throws(Errno) {
      try order(.complete, patience: patience)
      let packet = try hear(patience.extended(byMilliseconds: 500))
      guard let decoded = MounterReport(decoding: packet.bytes) else { throw .inputOutput }
      report = decoded
    } catch {
      // What was complete in this moment is complete.
      child.cut()
      let status = try putAway.status(of: child.process)
      if status == 0 { return .done([]) }
      // One that could not become the finisher says so by its end.
      throw error == .connectionReset && status < MounterReport.saidWhy
        ? Errno(rawValue: status) : error
    }
    switch report {
    case .done(let steps): return .done(steps)
    case .refused(let why): return .failed(why)
    case .made, .oneStepOnly, .failed: throw .inputOutput
    }
  }

  private func order(
    _ intent: Intent, passing descriptor: Int32? = nil, patience: Patience
  ) throws(Errno) {
    let order = MounterOrder(intent: intent, milliseconds: patience.deadline.pollTimeout)
    try child.line.send(order.encoded(), passing: descriptor, until: .after(seconds: 1))
  }

  private func hear(_ patience: Patience) throws(Errno) -> ReceivedPacket {
    guard
      let packet = try child.receive(
        limit: MounterReport.maximumSize, acceptsDescriptor: true, patience)
    else { throw .connectionReset }
    return packet
  }
}
