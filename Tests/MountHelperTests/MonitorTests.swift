// SPDX-License-Identifier: LGPL-2.1-or-later

import Glibc
import LinuxPrimitives
import MountPolicy
import MountProtocol
import Testing

@testable import MountHelper

/// What a worker sends.
private enum Packet {
  /// An intent, with a descriptor of this path if one is given.
  case intent(Intent, String?)
  case raw([UInt8])

  static func intent(_ intent: Intent) -> Packet { .intent(intent, nil) }
}

private let prepared: [Packet] = [
  .intent(.mountPoint(.directory), "/"), .intent(.fuseDevice, "/dev/null"),
]
private let talking = prepared + [.intent(.awaiting(.command))]
private let request = Packet.intent(.mount(MountRequest(source: bytes("disk.img"))))

private let made = ["createFilesystemContext", "createSuperblock", "createDetachedMount"]

/// A worker that has sent these packets, and what the monitor makes of it.
private struct Script: CustomTestStringConvertible {
  var name: String
  var packets: [Packet]
  var status = MountHelper.ExitStatus.failure
  var calls: [String] = []
  var answers: [UInt32] = []
  var failures: [String: Errno] = [:]
  /// The caller's options.
  var options = ""

  var testDescription: String { name }

  static let all: [Script] = [
    Script(
      name: "a whole mount", packets: talking + [request, .intent(.complete)], status: .success,
      calls: made + ["becomeFinisher", "attach"], answers: [0]),
    Script(
      name: "a mounter that cannot make ready", packets: talking + [request, .intent(.complete)],
      status: .success, calls: made + ["becomeFinisher", "attach"], answers: [0],
      failures: ["prepareToMount": .notImplemented]),
    Script(
      name: "words for the terminal",
      packets: prepared + [
        .intent(.report(bytes("a \u{1b}[31m report"))), .intent(.explain(bytes("unseen"))),
        .intent(.failed(.failed)),
      ]),
    // Exit 2 lets a caller start a driver that is not contained.
    Script(
      name: "no service", packets: [.intent(.failed(.noService))], status: .noService),
    Script(
      name: "no service, after a wait",
      packets: [.intent(.awaiting(.connection)), .intent(.failed(.noService))],
      status: .noService),
    Script(
      name: "no service, after the mount point",
      packets: [.intent(.mountPoint(.directory), "/"), .intent(.failed(.noService))]),
    Script(name: "no service, after the hello", packets: prepared + [.intent(.failed(.noService))]),
    Script(
      name: "a server that gave up after DOIT",
      packets: talking + [request, .intent(.failed(.failed))], calls: made, answers: [0]),
    Script(name: "a goodbye without a mount", packets: talking + [.intent(.complete)]),
    Script(
      name: "a goodbye after a mount that failed",
      packets: talking + [request, .intent(.complete)],
      calls: ["createFilesystemContext", "createSuperblock"], answers: [1],
      failures: ["createSuperblock": .notPermitted]),
    Script(
      name: "a mount that cannot be attached",
      packets: talking + [request, .intent(.complete)], calls: made + ["becomeFinisher", "attach"],
      answers: [0],
      failures: ["attach": .noSuchFile]),
    // Whatever ended it, nobody else will look after what it began.
    Script(
      name: "a finisher that ends without a word",
      packets: talking + [request, .intent(.complete)],
      calls: made + ["becomeFinisher", "detachMount"],
      answers: [0], failures: ["becomeFinisher": .inputOutput]),
    Script(
      name: "a finisher that ends without a word, with something to record",
      packets: talking + [request, .intent(.complete)],
      calls: made + ["prepareToRecord", "becomeFinisher", "detachMount"], answers: [0],
      failures: ["becomeFinisher": .inputOutput], options: "x-a"),
    Script(
      name: "a mounter that cannot be started", packets: talking + [request],
      failures: ["startMounter": .resourceTemporarilyUnavailable]),
    Script(
      name: "a finisher that is late, and alive",
      packets: talking + [request, .intent(.complete)], calls: made + ["becomeFinisher"],
      answers: [0], failures: ["becomeFinisher": .timedOut]),
    Script(
      name: "two mounts", packets: talking + [request, request], calls: made, answers: [0]),
    Script(
      name: "a mount that no session lets through",
      packets: talking + [
        .intent(.mount(MountRequest(source: bytes("a"), flags: 1 << 12))),
        .intent(.failed(.failed)),
      ], answers: [22]),
    Script(
      name: "a mount before the hello",
      packets: [.intent(.mountPoint(.directory), "/"), request]),
    Script(
      name: "a mount point without a descriptor",
      packets: [.intent(.mountPoint(.directory))]),
    Script(
      name: "a fuse device without a descriptor",
      packets: [.intent(.mountPoint(.directory), "/"), .intent(.fuseDevice)]),
    Script(
      name: "a second mount point",
      packets: talking + [.intent(.mountPoint(.directory), "/tmp"), request]),
    Script(
      name: "a block size",
      packets: talking + [
        .intent(.setBlockSize(512), "/dev/null"), .intent(.failed(.failed)),
      ], calls: ["setBlockSize"], answers: [0]),
    Script(
      name: "a block size of what is no device",
      packets: talking + [
        .intent(.setBlockSize(512), "/dev/null"), .intent(.failed(.failed)),
      ], calls: ["setBlockSize"], answers: [15], failures: ["setBlockSize": .notBlockDevice]),
    Script(
      name: "a block size of what is only read",
      packets: talking + [
        .intent(.setBlockSize(512), "/dev/zero"), .intent(.failed(.failed)),
      ], answers: [13]),
    Script(
      name: "a block size of nothing",
      packets: talking + [.intent(.setBlockSize(512)), .intent(.failed(.failed))], answers: [9]),
    Script(
      name: "a loop device",
      packets: talking + [.intent(loop, "/dev/null"), .intent(.failed(.failed))],
      calls: ["attachLoopDevice"], answers: [0]),
    Script(
      name: "a loop device to write to, under ro",
      packets: talking + [.intent(loop, "/dev/null"), .intent(.failed(.failed))],
      answers: [13], options: "ro"),
    // Opened with O_PATH.
    Script(
      name: "a loop device for what was opened for nothing",
      packets: talking + [.intent(loop, "/etc/passwd"), .intent(.failed(.failed))], answers: [13]),
    Script(
      name: "a loop device for nothing",
      packets: talking + [.intent(loop), .intent(.failed(.failed))], answers: [9]),
    Script(
      name: "a loop device that no request can ask for",
      packets: talking + [.raw([9, 0, 0, 4, 0, 0, 0, 0, 0]), .intent(.failed(.failed))]),
    Script(
      name: "a loop device before the hello",
      packets: [.intent(.mountPoint(.directory), "/"), .intent(loop, "/dev/null")]),
    Script(
      name: "a loop device after the mount",
      packets: talking + [request, .intent(loop, "/dev/null")], calls: made, answers: [0]),
    Script(
      name: "a clone",
      packets: talking + [.intent(.readOnlyClone, "/etc/passwd"), .intent(.failed(.failed))],
      calls: ["cloneReadOnly"], answers: [0]),
    Script(
      name: "a clone of a directory",
      packets: talking + [.intent(.readOnlyClone, "/"), .intent(.failed(.failed))], answers: [22]),
    Script(
      name: "a clone that the kernel cannot make",
      packets: talking + [.intent(.readOnlyClone, "/etc/passwd"), .intent(.failed(.failed))],
      calls: ["cloneReadOnly"], answers: [38], failures: ["cloneReadOnly": .notImplemented]),
    Script(
      name: "a clone of nothing",
      packets: talking + [.intent(.readOnlyClone), .intent(.failed(.failed))], answers: [9]),
    Script(name: "no byte", packets: prepared + [.raw([])]),
    Script(name: "an unknown intent", packets: prepared + [.raw([99])]),
    Script(name: "a broken intent", packets: talking + [.raw([8, 0])]),
  ]
}

/// How the monitor and its worker are set up.
private struct Run {
  var packets: [Packet] = []
  var failures: [String: Errno] = [:]
  var options = ""
  var timeout: UInt32? = 20
  var workerEnds = false
  var closesChannel = false
  var signal: Int32?

  /// The exit status, what was done, and what was answered.
  func status() throws -> (status: MountHelper.ExitStatus, calls: [String], answers: [UInt32]) {
    let signals = try SignalDescriptor()
    defer {
      // The signal is pending still and would end the process when it is let through.
      if signal != nil { _ = try? SignalDescriptor().descriptor.read(128) }
      unblockAllSignals()
    }
    var pair = try PacketSocket.pair()
    guard let line = pair.first.take() else { throw Unexpected(what: "no pair") }
    // The other end holds all that the worker sends; nobody waits for an answer.
    for packet in packets {
      switch packet {
      case .intent(let intent, let path):
        guard let path else {
          try pair.second?.send(intent.encoded(), until: .after(seconds: 5))
          continue
        }
        let file = try openFile(bytes(path), path == "/dev/null" ? .readWrite : .path)
        try pair.second?.send(
          intent.encoded(), passing: file.rawValue, until: .after(seconds: 5))
      case .raw(let bytes):
        try pair.second?.send(bytes, until: .after(seconds: 5))
      }
    }
    if closesChannel { pair.second = nil }
    let workerEnds = workerEnds
    let worker = try ChildProcess.fork {
      if !workerEnds { LinuxPrimitives.sleep(milliseconds: 30_000) }
      return 0
    }
    if let signal { raise(signal) }
    var operations = RecordingOperations()
    operations.failures = failures
    let log = operations.log
    var attempt = MountAttempt()
    attempt.options = options
    let task = try attempt.task()
    var monitor = Monitor(
      task: task, configuration: FuseConfiguration(),
      worker: LinkedChild(process: worker, line: line), signals: signals, operations: operations,
      diagnostics: Diagnostics(),
      log: AttemptLog(task.invocation, caller: root, service: nil), timeout: timeout)
    let status = monitor.run()
    var answers: [UInt32] = []
    while let end = pair.second?.descriptor.rawValue,
      (try? LinuxPrimitives.wait(for: [end], until: .after(milliseconds: 0))) == [true],
      let packet = try? pair.second?.receive(
        limit: 16, acceptsDescriptor: true, until: .after(seconds: 1))?.bytes
    {
      answers.append(IntentAnswer(decoding: packet).map { $0.error?.rawValue ?? 0 } ?? .max)
    }
    return (status, log.names, answers)
  }
}

@Suite("The monitor and a worker that may have been taken over", .serialized)
struct MonitorTests {
  @Test(arguments: Script.all)
  private func `What a worker asks for is done or refused, and the exit status is ours`(
    script: Script
  ) throws {
    let result = try Run(
      packets: script.packets, failures: script.failures, options: script.options
    ).status()
    #expect(result.status == script.status)
    #expect(result.calls == script.calls)
    #expect(result.answers == script.answers)
  }

  @Test(arguments: [
    ("cloneReadOnly", Packet.intent(.readOnlyClone, "/etc/passwd")),
    ("setBlockSize", .intent(.setBlockSize(512), "/dev/null")),
    ("attachLoopDevice", .intent(loop, "/dev/null")),
  ])
  private func `What the kernel says of a file is answered`(call: String, packet: Packet) throws {
    for error in everyErrno {
      let result = try Run(
        packets: talking + [packet, .intent(.failed(.failed))], failures: [call: error]
      ).status()
      #expect(result.status == .failure)
      #expect(result.calls == [call])
      #expect(result.answers == [UInt32(error.rawValue)])
    }
  }

  @Test func `Only what a finisher may have left that ended without a word is looked for`() throws {
    for error in everyErrno {
      let result = try Run(
        packets: talking + [request, .intent(.complete)], failures: ["becomeFinisher": error]
      ).status()
      #expect(result.status == .failure)
      #expect(
        result.calls == made + ["becomeFinisher"] + (error == .inputOutput ? ["detachMount"] : []))
    }
  }

  @Test func `A worker that ends without a word is a failure`() throws {
    #expect(try Run(workerEnds: true).status().status == .failure)
    #expect(try Run(packets: prepared, workerEnds: true).status().status == .failure)
    #expect(try Run(packets: talking, closesChannel: true).status().status == .failure)
  }

  @Test func `What a worker said before it ended is heard`() throws {
    let result = try Run(
      packets: [.intent(.failed(.noService))], workerEnds: true
    ).status()
    #expect(result.status == .noService)
  }

  @Test func `A step that takes too long is a failure, in time`() throws {
    let start = ContinuousClock.now
    #expect(try Run(packets: talking, timeout: 1).status().status == .failure)
    #expect(ContinuousClock.now - start < .seconds(15))
  }

  @Test(arguments: [1, 2, 3, 15] as [Int32])
  func `A signal ends it before anything that is still to be done`(signal: Int32) throws {
    let result = try Run(
      packets: talking + [request, .intent(.complete)], signal: signal
    ).status()
    #expect(result.status == .failure)
    #expect(result.calls.isEmpty)
  }
}
