// SPDX-License-Identifier: LGPL-2.1-or-later

public import MountPolicy
public import MountProtocol

/// The file type of a mount point, as the kernel wants it in `rootmode`.
public enum MountPointFormat: UInt8, CaseIterable, Equatable, Sendable {
  /// A directory.
  case directory
  /// A regular file.
  case regularFile

  /// `S_IFDIR` or `S_IFREG`.
  public var rootMode: UInt32 { self == .directory ? 0o040000 : 0o100000 }
}

/// Why the worker gave up.
public enum WorkerFailure: UInt8, CaseIterable, Equatable, Sendable {
  /// There is no socket for the type. Believed only before the service was contacted.
  case noService
  /// Anything else; a report has said what.
  case failed
}

/// What the worker asks of the monitor or tells it. Everything that hostile input can reach lives in
/// the worker, so the monitor takes each intent as if the server had written it.
public enum Intent: Equatable, Sendable {
  /// The pinned mount point and what it is. One descriptor rides along. No answer.
  case mountPoint(MountPointFormat)
  /// The open `/dev/fuse`. One descriptor rides along. No answer.
  case fuseDevice
  /// The worker is about to wait. No answer.
  case awaiting(Step)
  /// A line for the caller's terminal, not yet escaped. No answer.
  case report([UInt8])
  /// A line for the caller's terminal if it asked for each step. No answer.
  case explain([UInt8])
  /// The server wants this user's name recorded: tell the caller that it is not, unless it is the
  /// caller's own. No answer.
  case userName([UInt8])
  /// Clone the mount of a file read-only. One descriptor rides along each way. Answered.
  case readOnlyClone
  /// Set the block size of a device, in bytes. One descriptor rides along. Answered.
  case setBlockSize(UInt32)
  /// Attach a file to a loop device. One descriptor rides along each way. Answered.
  case attachLoopDevice(LoopPlan)
  /// Make the mount, not yet attached anywhere. Answered.
  case mount(MountRequest)
  /// The server said goodbye with 0: attach the mount. The worker ends.
  case complete
  /// There will be no mount. The worker ends.
  case failed(WorkerFailure)
}

extension Intent {
  private enum Tag: UInt8 {
    case mountPoint = 1, fuseDevice, awaiting, report, explain, userName, readOnlyClone,
      setBlockSize, attachLoopDevice
    case mount, complete, failed
  }

  /// The largest intent, in bytes: a mount request with three strings of at most a packet each. It
  /// fits the default send buffer of a unix socket.
  public static let maximumSize = 3 * ProtocolLimits.packetSize

  /// The intent as it travels between worker and monitor.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    switch self {
    case .mountPoint(let format):
      writer.write(Tag.mountPoint.rawValue)
      writer.write(format.rawValue)
    case .fuseDevice:
      writer.write(Tag.fuseDevice.rawValue)
    case .awaiting(let step):
      writer.write(Tag.awaiting.rawValue)
      writer.write(step.rawValue)
    case .report(let line):
      writer.write(Tag.report.rawValue)
      writer.write(line)
    case .explain(let line):
      writer.write(Tag.explain.rawValue)
      writer.write(line)
    case .userName(let name):
      writer.write(Tag.userName.rawValue)
      writer.write(name)
    case .readOnlyClone:
      writer.write(Tag.readOnlyClone.rawValue)
    case .setBlockSize(let size):
      writer.write(Tag.setBlockSize.rawValue)
      writer.write(size)
    case .attachLoopDevice(let plan):
      writer.write(Tag.attachLoopDevice.rawValue)
      writer.write(plan.openFlags)
      writer.write(plan.blockSize)
    case .mount(let request):
      writer.write(Tag.mount.rawValue)
      request.write(to: &writer)
    case .complete:
      writer.write(Tag.complete.rawValue)
    case .failed(let failure):
      writer.write(Tag.failed.rawValue)
      writer.write(failure.rawValue)
    }
    return writer.bytes
  }

  /// Reads an intent back; `nil` when the bytes are none.
  public init?(decoding bytes: [UInt8]) {
    var reader = ByteReader(bytes)
    guard let raw = reader.readUInt8(), let tag = Tag(rawValue: raw),
      let intent = Intent(tag, from: &reader), reader.remaining == 0
    else { return nil }
    self = intent
  }

  private init?(_ tag: Tag, from reader: inout ByteReader) {
    switch tag {
    case .mountPoint:
      guard let format = reader.readUInt8().flatMap(MountPointFormat.init(rawValue:)) else {
        return nil
      }
      self = .mountPoint(format)
    case .fuseDevice:
      self = .fuseDevice
    case .awaiting:
      guard let step = reader.readUInt8().flatMap(Step.init(rawValue:)) else { return nil }
      self = .awaiting(step)
    case .report:
      guard let line = reader.readBytes(reader.remaining) else { return nil }
      self = .report(line)
    case .explain:
      guard let line = reader.readBytes(reader.remaining) else { return nil }
      self = .explain(line)
    case .userName:
      guard let name = reader.readBytes(reader.remaining) else { return nil }
      self = .userName(name)
    case .readOnlyClone:
      self = .readOnlyClone
    case .setBlockSize:
      guard let size = reader.readUInt32() else { return nil }
      self = .setBlockSize(size)
    case .attachLoopDevice:
      guard let flags = reader.readUInt32(), let size = reader.readUInt32(),
        let plan = LoopPlan(openFlags: flags, blockSize: size), plan.openFlags == flags
      else { return nil }
      self = .attachLoopDevice(plan)
    case .mount:
      guard let request = MountRequest(from: &reader) else { return nil }
      self = .mount(request)
    case .complete:
      self = .complete
    case .failed:
      guard let failure = reader.readUInt8().flatMap(WorkerFailure.init(rawValue:)) else {
        return nil
      }
      self = .failed(failure)
    }
  }
}

extension MountRequest {
  fileprivate func write(to writer: inout ByteWriter) {
    writer.write(UInt8(fuseblk ? 1 : 0))
    writer.write(flags)
    for string in [source, superblockOptions, userspaceOptions] {
      writer.write(UInt8(string == nil ? 0 : 1))
      writer.write(UInt32(truncatingIfNeeded: string?.count ?? 0))
      writer.write(string ?? [])
    }
  }

  fileprivate init?(from reader: inout ByteReader) {
    guard let fuseblk = reader.readUInt8(), fuseblk <= 1, let flags = reader.readUInt32() else {
      return nil
    }
    var strings: [[UInt8]?] = []
    for _ in 0..<3 {
      guard let isPresent = reader.readUInt8(), isPresent <= 1, let length = reader.readUInt32(),
        isPresent == 1 || length == 0, let string = reader.readBytes(Int(length))
      else { return nil }
      strings.append(isPresent == 1 ? string : nil)
    }
    guard let source = strings[0] else { return nil }
    self.init(
      fuseblk: fuseblk == 1, source: source, superblockOptions: strings[1],
      userspaceOptions: strings[2], flags: flags)
  }
}

/// The monitor's answer to an intent that has one.
public struct IntentAnswer: Equatable, Sendable {
  /// Why the intent was not carried out; `nil` when it was.
  public var error: ErrorNumber?

  /// An answer.
  public init(error: ErrorNumber? = nil) { self.error = error }

  /// The answer as it travels.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(error?.rawValue ?? 0)
    return writer.bytes
  }

  /// Reads an answer back; `nil` when the bytes are none.
  public init?(decoding bytes: [UInt8]) {
    var reader = ByteReader(bytes)
    guard let raw = reader.readUInt32(), reader.remaining == 0 else { return nil }
    error = raw == 0 ? nil : ErrorNumber(rawValue: raw)
  }
}
