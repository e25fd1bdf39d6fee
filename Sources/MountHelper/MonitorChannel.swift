// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import Literals
internal import MountPolicy
internal import MountProtocol

/// Why the worker stops.
enum WorkerError: Error {
  /// The service's socket does not exist.
  case noService
  /// Something failed, and this line says what.
  case failed([UInt8])
  /// The monitor did not do what it was asked.
  case refused(ErrorNumber)
  /// The monitor is gone, so there is nobody to tell.
  case monitorGone
}

/// The worker's line to the monitor, through which everything goes that it wants of the world: the
/// terminal, the clock, privilege.
struct MonitorChannel: ~Copyable {
  private let socket: PacketSocket

  init(_ socket: consuming PacketSocket) { self.socket = socket }

  /// Waits until the system log has heard of the attempt.
  func waitForStart() throws(WorkerError) {
    do throws(Errno) {
      guard try socket.receive(limit: 1, until: .never) != nil else { throw .connectionReset }
    } catch {
      throw broken(error)
    }
  }

  /// Lets the worker at the other end of `socket` start.
  static func start(by socket: borrowing PacketSocket) throws(Errno) {
    try socket.send([1], until: .after(seconds: 10))
  }

  /// Tells the monitor something that has no answer.
  func send(_ intent: Intent, passing descriptor: Int32? = nil) throws(WorkerError) {
    do throws(Errno) {
      try socket.send(intent.encoded(), passing: descriptor, until: .never)
    } catch {
      throw broken(error)
    }
  }

  /// Has the monitor make the mount, which is attached nowhere yet.
  func mount(_ request: MountRequest) throws(WorkerError) {
    _ = try ask(.mount(request))
  }

  /// Has the monitor set the block size of a device, in bytes.
  func setBlockSize(_ size: UInt32, of device: borrowing FileDescriptor) throws(WorkerError) {
    _ = try ask(.setBlockSize(size), passing: device.rawValue)
  }

  /// Has the monitor clone the mount of a file read-only; the result names the file on the clone.
  func readOnlyClone(of file: borrowing FileDescriptor) throws(WorkerError) -> FileDescriptor {
    guard let clone = try ask(.readOnlyClone, passing: file.rawValue) else { throw .monitorGone }
    return clone
  }

  /// Has the monitor attach a file to a loop device; the result is the device, open.
  func attachLoopDevice(
    _ plan: LoopPlan, to file: borrowing FileDescriptor
  ) throws(WorkerError) -> FileDescriptor {
    guard let device = try ask(.attachLoopDevice(plan), passing: file.rawValue) else {
      throw .monitorGone
    }
    return device
  }

  /// Asks the monitor for something and waits for its answer.
  private func ask(
    _ intent: Intent, passing descriptor: Int32? = nil
  ) throws(WorkerError) -> FileDescriptor? {
    try send(intent, passing: descriptor)
    let refusal: ErrorNumber?
    let passed: FileDescriptor?
    do throws(Errno) {
      guard var packet = try socket.receive(limit: 16, acceptsDescriptor: true, until: .never)
      else { throw .connectionReset }
      guard let answer = IntentAnswer(decoding: packet.bytes) else { throw .badMessage }
      refusal = answer.error
      passed = packet.takeDescriptor()
    } catch {
      throw broken(error)
    }
    if let refusal { throw .refused(refusal) }
    return passed
  }

  /// Nobody can be told that the monitor is gone; it can be told of anything else that went wrong.
  private func broken(_ error: Errno) -> WorkerError {
    if error == .connectionReset || error == .brokenPipe { return .monitorGone }
    return .failed(describe(text("speaking with the first process"), error))
  }
}
