// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy

/// The mounter's own side: it waits for the monitor's three orders.
extension Mounter {
  /// Takes the mount point when the worker has pinned it, makes the mount when the server asks for it,
  /// and attaches it when the server has said goodbye. Returns the process's exit status, which is 0 when
  /// the mount is attached and not otherwise.
  static func serve<Operations: PrivilegedOperations & ~Copyable>(
    _ line: borrowing PacketSocket, _ task: MountTask, _ configuration: FuseConfiguration,
    with operations: inout Operations, log: AttemptLog
  ) -> Int32 {
    // What fails here fails again when it is needed, and is told then.
    try? operations.prepareToMount()
    do throws(Errno) {
      guard var received = try order(from: line),
        case .mountPoint(let format) = received.order.intent,
        let mountPoint = received.takeDescriptor()
      else { throw .canceled }
      var mounter = try Mounter(
        task: task, configuration: configuration, mountPoint: mountPoint, format: format)
      mounter.prepareToCount()
      guard try mounter.makeAsOrdered(line, with: &operations),
        let order = try order(from: line)?.order, order.intent == .complete
      else { throw .canceled }
      try operations.becomeFinisher()
      return try mounter.finish(line, within: order.milliseconds, with: &operations, log: log)
    } catch {
      return error.rawValue
    }
  }

  /// Takes the first order. Returns whether there is a mount.
  private mutating func makeAsOrdered<Operations: PrivilegedOperations & ~Copyable>(
    _ line: borrowing PacketSocket, with operations: inout Operations
  ) throws(Errno) -> Bool {
    guard var received = try Self.order(from: line),
      case .mount(let request) = received.order.intent,
      let fuseDevice = received.takeDescriptor()
    else { return false }
    let patience = Self.patience(received.order.milliseconds, line)
    let report: MounterReport
    do throws(MountFailure) {
      let isMade = try makeDetached(
        request, fuseDevice: fuseDevice, with: &operations, patience: patience)
      report = isMade ? .made(isSuperblockNew: isSuperblockNew) : .oneStepOnly
    } catch {
      report = .failed(error.error, error.explanation)
    }
    try line.send(report.encoded(), passing: detachedNumber, until: .after(seconds: 1))
    // While the server takes leave. One that cannot be started is no reason to end before it is needed.
    if detachedNumber != nil, isToBeRecorded { try? operations.prepareToRecord() }
    return detachedNumber != nil
  }

  private var detachedNumber: Int32? {
    switch detached {
    case .none: return nil
    case .some(let mount): return mount.rawValue
    }
  }

  /// Attaches the mount. The system log hears the outcome from the process that the caller cannot
  /// silence.
  private mutating func finish<Operations: PrivilegedOperations & ~Copyable>(
    _ line: borrowing PacketSocket, within milliseconds: Int32, with operations: inout Operations,
    log: AttemptLog
  ) throws(Errno) -> Int32 {
    do throws(MountFailure) {
      try complete(with: &operations, patience: Self.patience(milliseconds, line))
    } catch {
      log.failed(error.explanation)
      try line.send(
        MounterReport.refused(error.explanation).encoded(), until: .after(seconds: 1))
      return MounterReport.saidWhy
    }
    log.mounted(at: try? mountPoint.currentPath())
    // The mount is there, whether anybody hears of it or not.
    try? line.send(MounterReport.done(lastSteps.line).encoded(), until: .after(seconds: 1))
    return 0
  }

  /// The next order; `nil` when the monitor is gone.
  private static func order(from line: borrowing PacketSocket) throws(Errno) -> ReceivedOrder? {
    guard
      var packet = try line.receive(
        limit: MounterOrder.maximumSize, acceptsDescriptor: true, until: .never)
    else { return nil }
    guard let order = MounterOrder(decoding: packet.bytes) else { throw .badMessage }
    return ReceivedOrder(order: order, descriptor: packet.takeDescriptor())
  }

  private static func patience(
    _ milliseconds: Int32, _ line: borrowing PacketSocket
  ) -> Patience {
    let end = milliseconds < 0 ? Deadline.never : .after(milliseconds: Int64(milliseconds))
    return Patience(until: end, interruptedBy: line.descriptor.rawValue)
  }
}

private struct ReceivedOrder: ~Copyable {
  let order: MounterOrder
  private var descriptor: FileDescriptor?

  init(order: MounterOrder, descriptor: consuming FileDescriptor?) {
    self.order = order
    self.descriptor = descriptor
  }

  mutating func takeDescriptor() -> FileDescriptor? { descriptor.take() }
}
