// SPDX-License-Identifier: LGPL-2.1-or-later

import LinuxPrimitives
import MountPolicy
import Testing

@testable import MountHelper

/// One run of a `Mounter` from DOIT to the end, as the monitor leads it, on recording operations.
///
/// The mount point is a real one, because the mounter looks it up in the real mount table: `/`, and
/// `/proc` stands for the new mount, which lies on it.
struct MountAttempt {
  var caller = root
  var options = ""
  var recordsNothing = false
  var mountMaximum: Int? = 1000
  var request = MountRequest(source: bytes("disk.img"), flags: 1)
  var format = MountPointFormat.directory
  var mountPoint = "/"
  var newMount = "/proc"
  var newMountDescriptor: Int32?
  /// Whether the kernel vouches for a new superblock.
  var isExclusive = true
  var failures: [String: Errno] = [:]
  var failuresOnce: [String: Errno] = [:]
  var mounting: () -> Void = {}
  var attaching: () -> Void = {}
  /// Whether the server says goodbye with 0 even when DOIT failed.
  var completesAnyway = false

  /// What came of an attempt.
  struct Outcome {
    var calls: [Call] = []
    /// Why DOIT, the goodbye, and undoing failed.
    var makeFailure: MountFailure?
    var completeFailure: MountFailure?
    var undoFailure: MountFailure?

    var names: [String] { calls.map { $0.name } }
    /// What the caller reads of the first failure.
    var line: String { (makeFailure ?? completeFailure).map { text($0.explanation) } ?? "" }
    var isMounted: Bool { makeFailure == nil && completeFailure == nil }
  }

  func task() throws -> MountTask {
    var invocation = MountInvocation()
    invocation.type = bytes("ext4")
    invocation.operands = [bytes("disk.img"), bytes(mountPoint)]
    invocation.recordsNothing = recordsNothing
    let named = NamedFiles(operands: invocation.otherOperands, optionValues: [])
    let rules = MountRules(
      caller: caller, configuration: FuseConfiguration(),
      options: try CallerOptions(arguments: [bytes(options)], caller: caller),
      subtype: bytes("ext4"), namedFiles: named, mountPoint: bytes(mountPoint))
    return MountTask(
      invocation: invocation, caller: caller, subtype: bytes("ext4"), rules: rules,
      namedFiles: named)
  }

  func run() throws -> Outcome {
    let signals = try SignalDescriptor()
    defer { unblockAllSignals() }
    let patience = Patience(until: .after(seconds: 10), signals: signals)
    var configuration = FuseConfiguration()
    configuration.mountMaximum = mountMaximum
    let pin = try openFile(bytes(mountPoint), .path)

    var operations = RecordingOperations()
    operations.failures = failures
    operations.isExclusive = isExclusive
    operations.failuresOnce = failuresOnce
    operations.mountPath = bytes(newMount)
    operations.mountDescriptor = newMountDescriptor
    operations.mountPoint = pin.rawValue
    operations.mounting = mounting
    operations.attaching = attaching
    var mounter = try Mounter(
      task: try task(), configuration: configuration, mountPoint: pin, format: format)
    var outcome = Outcome()
    let device = try openFile(bytes("/dev/null"), .readWrite)
    let again = try device.duplicate()
    do throws(MountFailure) {
      let isMade = try mounter.makeDetached(
        request, fuseDevice: device, with: &operations, patience: patience)
      if !isMade {
        try mounter.mountInOneStep(
          request, fuseDevice: again, with: &operations, patience: patience)
      }
    } catch {
      outcome.makeFailure = error
    }
    if outcome.makeFailure == nil || completesAnyway {
      do throws(MountFailure) {
        try mounter.complete(with: &operations, patience: patience)
      } catch {
        outcome.completeFailure = error
      }
    }
    if !outcome.isMounted {
      do throws(MountFailure) {
        try mounter.undo(with: &operations)
      } catch {
        outcome.undoFailure = error
      }
    }
    outcome.calls = operations.log.calls
    return outcome
  }
}
