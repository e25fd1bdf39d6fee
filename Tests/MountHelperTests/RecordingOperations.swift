// SPDX-License-Identifier: LGPL-2.1-or-later

import Glibc
import LinuxPrimitives
import MountPolicy
import Testing

@testable import MountHelper

/// A call of a privileged operation, with what it was asked to do.
enum Call: Equatable {
  case shedPrivileges
  case becomeMonitor
  case becomeWorker
  case confineWorker
  case becomeInspector
  case cloneReadOnly
  case createFilesystemContext(MountPlan, rootMode: UInt32, Caller)
  case createSuperblock
  case createDetachedMount(MountFlags)
  case createDetachedMountByMountCall(MountPlan, rootMode: UInt32, Caller)
  case becomeFinisher
  case finish
  case attach
  case mountInOneStep(MountPlan, rootMode: UInt32, Caller)
  case detachMount(atMountPoint: Bool)
  case abortConnection(UInt32)
  case setBlockSize(UInt32)
  case attachLoopDevice(LoopPlan, maximum: Int?)
  case name
  case prepareToRecord
  case record(MountRecord)
  case keepRecord
  case takeBackRecord

  /// The operation's name.
  var name: String { String("\(self)".prefix { $0 != "(" }) }
}

/// Outlives the operations that write into it.
final class CallLog {
  var calls: [Call] = []
  /// The names of the calls, a line for each, with those of a mounter, which is another process.
  private let file: Int32 = dup(fileno(tmpfile()))

  deinit { close(file) }

  func note(_ call: Call) {
    calls.append(call)
    try? writeAll(bytes(call.name + "\n"), to: file)
  }

  var names: [String] {
    lseek(file, 0, SEEK_SET)
    var content: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(file, &part, part.count)
      guard count > 0 else { break }
      content += part.prefix(count)
    }
    return String(decoding: content, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}

/// Privileged operations that do nothing but write down what is asked of them, and fail where they
/// are told to.
struct RecordingOperations: PrivilegedOperations, ~Copyable {
  let log = CallLog()
  /// Operations that fail, by name.
  var failures: [String: Errno] = [:]
  /// Operations that fail the first time, by name.
  var failuresOnce: [String: Errno] = [:]
  /// The path that stands for the new mount: where it lies is where this file lies.
  var mountPath = bytes("/proc")
  /// A descriptor that stands for the new mount instead.
  var mountDescriptor: Int32?
  /// The pinned mount point, where the test knows it.
  var mountPoint: Int32?
  /// What making the mount does, if anything, and attaching it.
  var mounting: () -> Void = {}
  var attaching: () -> Void = {}

  /// Whether the kernel can be told to make no superblock but a new one.
  var isExclusive = true

  private var context: Int32 = -1
  private var mount: Int32 = -1

  init() {}

  private mutating func note(_ call: Call) throws(Errno) {
    log.note(call)
    if let error = failuresOnce.removeValue(forKey: call.name) ?? failures[call.name] {
      throw error
    }
  }

  mutating func shedPrivileges(caller: Caller) throws(Errno) { try note(.shedPrivileges) }
  mutating func becomeMonitor(caller: Caller) throws(Errno) { try note(.becomeMonitor) }
  mutating func becomeWorker(caller: Caller) throws(Errno) { try note(.becomeWorker) }
  mutating func confineWorker() throws(Errno) { try note(.confineWorker) }
  mutating func becomeInspector(caller: Caller) throws(Errno) { try note(.becomeInspector) }

  mutating func cloneReadOnly(
    _ file: borrowing FileDescriptor, patience: Patience
  ) throws(Errno) -> FileDescriptor {
    try note(.cloneReadOnly)
    return try file.duplicate()
  }

  /// Not written down: whether a mounter gets that far before it is killed is a matter of time.
  mutating func prepareToMount() throws(Errno) {
    if let error = failures["prepareToMount"] { throw error }
  }

  mutating func createFilesystemContext(
    for plan: MountPlan, fuseDevice: borrowing FileDescriptor, rootMode: UInt32, caller: Caller
  ) throws(Errno) -> FileDescriptor {
    try note(.createFilesystemContext(plan, rootMode: rootMode, caller))
    let result = try openFile(bytes("/dev/null"))
    context = result.rawValue
    return result
  }

  mutating func createSuperblock(in context: borrowing FileDescriptor) throws(Errno) -> Bool {
    #expect(context.rawValue == self.context)
    try note(.createSuperblock)
    return isExclusive
  }

  mutating func createDetachedMount(
    of context: borrowing FileDescriptor, flags: MountFlags
  ) throws(Errno) -> FileDescriptor {
    #expect(context.rawValue == self.context)
    try note(.createDetachedMount(flags))
    mounting()
    if let mountDescriptor {
      self.mountDescriptor = nil
      return FileDescriptor(owning: mountDescriptor)
    }
    let result = try openFile(mountPath, .path)
    mount = result.rawValue
    return result
  }

  mutating func createDetachedMountByMountCall(
    _ plan: MountPlan, fuseDevice: borrowing FileDescriptor, rootMode: UInt32, caller: Caller,
    patience: Patience
  ) throws(Errno) -> FileDescriptor {
    try note(.createDetachedMountByMountCall(plan, rootMode: rootMode, caller))
    mounting()
    let result = try openFile(mountPath, .path)
    mount = result.rawValue
    return result
  }

  mutating func startMounter(
    _ work: (inout RecordingOperations, borrowing PacketSocket) -> Int32
  ) throws(Errno) -> MounterProcess {
    if let error = failures["startMounter"] { throw error }
    var pair = try PacketSocket.pair()
    guard let near = pair.first.take(), let far = pair.second.take() else {
      throw .badFileDescriptor
    }
    let number = near.descriptor.rawValue
    let process = try ChildProcess.fork {
      // The monitor's end, or its being gone would not be heard.
      close(number)
      return work(&self, far)
    }
    return MounterProcess(LinkedChild(process: process, line: near))
  }

  mutating func becomeFinisher() throws(Errno) { try note(.becomeFinisher) }

  mutating func finish(
    keeping descriptors: [Int32], patience: Patience,
    _ work: (inout RecordingOperations, Patience) -> FinisherEnding
  ) throws(Errno) -> FinisherEnding {
    try note(.finish)
    return work(&self, patience)
  }

  mutating func attach(
    _ mount: borrowing FileDescriptor, to mountPoint: borrowing FileDescriptor
  ) throws(Errno) {
    if let known = self.mountPoint { #expect(mountPoint.rawValue == known) }
    try note(.attach)
    attaching()
  }

  mutating func mountInOneStep(
    _ plan: MountPlan, at mountPoint: borrowing FileDescriptor,
    fuseDevice: borrowing FileDescriptor, rootMode: UInt32, caller: Caller, patience: Patience
  ) throws(Errno) {
    if let known = self.mountPoint { #expect(mountPoint.rawValue == known) }
    mounting()
    try note(.mountInOneStep(plan, rootMode: rootMode, caller))
  }

  mutating func detachMount(
    _ entry: MountTableEntry, at place: borrowing FileDescriptor
  ) throws(Errno) {
    #expect(mountPoint == nil || place.rawValue == mountPoint || place.rawValue == mount)
    try note(.detachMount(atMountPoint: place.rawValue == mountPoint))
  }

  mutating func abortConnection(_ number: UInt32, patience: Patience) throws(Errno) {
    try note(.abortConnection(number))
  }

  mutating func setBlockSize(
    _ size: UInt32, of device: borrowing FileDescriptor, patience: Patience
  ) throws(Errno) {
    try note(.setBlockSize(size))
  }

  mutating func attachLoopDevice(
    _ plan: LoopPlan, to file: borrowing FileDescriptor, caller: Caller, maximum: Int?,
    patience: Patience
  ) throws(Errno) -> FileDescriptor {
    try note(.attachLoopDevice(plan, maximum: maximum))
    return try file.duplicate()
  }

  mutating func name(of caller: Caller, patience: Patience) throws(Errno) -> [UInt8] {
    try note(.name)
    return bytes("joe")
  }

  mutating func prepareToRecord() throws(Errno) { try note(.prepareToRecord) }

  mutating func record(_ record: MountRecord, patience: Patience) throws(Errno) {
    try note(.record(record))
  }

  mutating func keepRecord() throws(Errno) { try note(.keepRecord) }
  mutating func takeBackRecord() throws(Errno) { try note(.takeBackRecord) }
}
