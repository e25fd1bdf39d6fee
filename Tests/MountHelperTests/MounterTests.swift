// SPDX-License-Identifier: LGPL-2.1-or-later

import LinuxPrimitives
import MountPolicy
import MountProtocol
import Testing

@testable import MountHelper

private let made = ["createFilesystemContext", "createSuperblock", "createDetachedMount"]

/// What can fail, with the line that the caller then reads.
private struct Fault: CustomTestStringConvertible {
  var call: String
  var line: String
  /// All calls of the run.
  var calls: [String]
  var isAtGoodbye = false

  var testDescription: String { call }

  static let all = [
    Fault(
      call: "createFilesystemContext", line: "preparing the file system",
      calls: ["createFilesystemContext"]),
    Fault(
      call: "createSuperblock", line: "creating the file system",
      calls: ["createFilesystemContext", "createSuperblock"]),
    Fault(call: "createDetachedMount", line: "creating the mount", calls: made),
    Fault(
      call: "record", line: "recording the mount in the mount table", calls: made + ["record"],
      isAtGoodbye: true),
    Fault(
      call: "attach", line: "attaching the mount",
      calls: made + ["record", "attach", "takeBackRecord"],
      isAtGoodbye: true),
    Fault(
      call: "keepRecord", line: "recording the mount in the mount table",
      calls: made + ["record", "attach", "keepRecord", "detachMount", "takeBackRecord"],
      isAtGoodbye: true),
  ]
}

private let inOneStep = [
  "createFilesystemContext", "createDetachedMountByMountCall", "mountInOneStep",
]
private let noDetachedMount: [String: Errno] = [
  "createFilesystemContext": .notImplemented, "createDetachedMountByMountCall": .notImplemented,
]

@Suite("Making the mount")
struct MounterTests {
  @Test func `DOIT makes a detached mount, and the goodbye records and attaches it`() throws {
    var attempt = MountAttempt()
    attempt.options = "x-a=b,noexec"
    let outcome = try attempt.run()
    #expect(outcome.isMounted)
    #expect(outcome.names == made + ["record", "attach", "keepRecord"])
    let flags: MountFlags = [.readOnly, .noExecution, .noSetID, .noDevices]
    guard case .createFilesystemContext(let plan, let rootMode, let caller) = outcome.calls[0]
    else {
      Issue.record("no context")
      return
    }
    #expect(plan.source == bytes("disk.img"))
    #expect(plan.subtype == bytes("ext4"))
    #expect(plan.flags == flags)
    #expect(rootMode == 0o040000)
    #expect(caller == root)
    #expect(outcome.calls[2] == .createDetachedMount(flags))
    #expect(
      outcome.calls[3]
        == .record(
          MountRecord(
            source: bytes("disk.img"), target: bytes("/"), type: bytes("fuse.ext4"),
            words: [bytes("x-a=b")])))
  }

  @Test func `A user's words are recorded without its name, and the caller goes to the kernel`()
    throws
  {
    var attempt = MountAttempt()
    attempt.caller = user
    attempt.options = "x-a"
    attempt.mountMaximum = nil
    attempt.format = .regularFile
    let outcome = try attempt.run()
    #expect(outcome.isMounted)
    guard case .record(let record) = outcome.calls[3],
      case .createFilesystemContext(_, let rootMode, let caller) = outcome.calls[0]
    else {
      Issue.record("\(outcome.names)")
      return
    }
    #expect(record.words == [bytes("x-a")])
    #expect(caller == user)
    #expect(rootMode == 0o100000)
  }

  @Test func `Without words, or with -n, nothing is recorded`() throws {
    var attempt = MountAttempt()
    #expect(try attempt.run().names == made + ["attach"])
    attempt.options = "x-a"
    attempt.recordsNothing = true
    #expect(try attempt.run().names == made + ["attach"])
    attempt.recordsNothing = false
    attempt.request.userspaceOptions = bytes("-n")
    #expect(try attempt.run().names == made + ["attach"])
  }

  @Test(arguments: Fault.all)
  private func `A step that fails is named, and nothing is left`(fault: Fault) throws {
    for error in everyErrno {
      // Another way to mount is tried then.
      if fault.call == "createFilesystemContext", error == .notImplemented { continue }
      // Said in other words.
      if fault.call == "createSuperblock", error == .busy { continue }
      if fault.call == "record", error == .notSupported || error == .notExecutable { continue }
      var attempt = MountAttempt()
      attempt.options = "x-a"
      attempt.failures = [fault.call: error]
      let outcome = try attempt.run()
      let failure = try #require(
        fault.isAtGoodbye ? outcome.completeFailure : outcome.makeFailure)
      #expect(text(failure.explanation) == fault.line + ": " + text(error.message))
      #expect(failure.error.rawValue == UInt32(error.rawValue))
      #expect(outcome.names == fault.calls)
      #expect(outcome.undoFailure == nil)
    }
  }

  @Test func `A mount table that is not utab costs the mount that would be recorded`() throws {
    var attempt = MountAttempt()
    attempt.failures = ["record": .notSupported]
    #expect(try attempt.run().isMounted)
    attempt.options = "x-a"
    let outcome = try attempt.run()
    let failure = try #require(outcome.completeFailure)
    #expect(text(failure.explanation).contains("/etc/mtab"))
    #expect(failure.error == .notSupported)
    #expect(outcome.names == made + ["record"])
  }

  @Test(arguments: ["createSuperblock", "createDetachedMount"])
  func `A missing step after the context is a failure, for the superblock has the device`(
    call: String
  ) throws {
    var attempt = MountAttempt()
    attempt.failures = [call: .notImplemented]
    let outcome = try attempt.run()
    #expect(outcome.makeFailure?.error == .notImplemented)
    #expect(!outcome.names.contains("mountInOneStep"))
  }

  @Test func `A mount that cannot be attached is closed`() throws {
    var pair = try PacketSocket.pair()
    guard let other = pair.second.take(), let number = pair.first?.descriptor.rawValue else {
      Issue.record("no pair")
      return
    }
    let mount = try duplicateDescriptor(number)
    pair.first = nil
    var attempt = MountAttempt()
    attempt.newMountDescriptor = mount.release()
    attempt.failures = ["attach": .notPermitted]
    #expect(try attempt.run().completeFailure != nil)
    // The other end hears it when the last descriptor of this end is closed.
    let isClosed = try other.receive(limit: 1, until: .after(seconds: 20)) == nil
    #expect(isClosed)
  }

  @Test func `A goodbye after a DOIT that failed attaches and records nothing`() throws {
    for call in made {
      var attempt = MountAttempt()
      attempt.options = "x-a"
      attempt.failures = [call: .notPermitted]
      attempt.completesAnyway = true
      let outcome = try attempt.run()
      #expect(outcome.completeFailure != nil)
      #expect(!outcome.names.contains("attach"))
      #expect(!outcome.names.contains("record"))
    }
  }

  // MARK: Judging again

  @Test(
    arguments: [
      (MountRequest(source: []), 22), (MountRequest(source: bytes("/etc/shadow")), 22),
      (MountRequest(source: bytes("a"), flags: 1 << 12), 22),
      (MountRequest(source: bytes("a"), superblockOptions: bytes("fd=0")), 22),
      (MountRequest(fuseblk: true, source: bytes("disk.img")), 1),
      (MountRequest(source: bytes("a"), superblockOptions: bytes("allow_other")), 1),
    ] as [(MountRequest, UInt32)])
  func `A request that no session lets through is refused before anything is done`(
    request: MountRequest, number: UInt32
  ) throws {
    var attempt = MountAttempt()
    attempt.caller = user
    attempt.request = request
    let outcome = try attempt.run()
    #expect(outcome.makeFailure?.error.rawValue == number)
    #expect(outcome.calls.isEmpty)
  }

  @Test func `mount_max is asked before anything is done, but not of root`() throws {
    var attempt = MountAttempt()
    attempt.mountMaximum = 0
    #expect(try attempt.run().isMounted)
    attempt.caller = user
    let outcome = try attempt.run()
    #expect(outcome.makeFailure?.error == .tooManyUsers)
    #expect(outcome.calls.isEmpty)
    attempt.mountMaximum = nil
    #expect(try attempt.run().isMounted)
    attempt.mountMaximum = 1_000_000
    #expect(try attempt.run().isMounted)
  }

  // MARK: The place

  @Test func `A mount that lies on another mount than the pinned one is taken away`() throws {
    var attempt = MountAttempt()
    attempt.options = "x-a"
    // The new mount is then `/` itself, whose parent is not `/`.
    attempt.newMount = "/"
    let outcome = try attempt.run()
    #expect(outcome.completeFailure?.error == .busy)
    #expect(
      outcome.names == made + ["record", "attach", "detachMount", "takeBackRecord"])
    #expect(outcome.calls.contains(.detachMount(atMountPoint: false)))
    #expect(outcome.undoFailure == nil)
  }

  @Test func `A mount that cannot be taken away is told`() throws {
    var attempt = MountAttempt()
    attempt.newMount = "/"
    attempt.failures = ["detachMount": .notPermitted, "takeBackRecord": .notPermitted]
    attempt.options = "x-a"
    let outcome = try attempt.run()
    let failure = try #require(outcome.completeFailure)
    #expect(
      text(failure.explanation)
        == "taking the mount away again: " + text(Errno.notPermitted.message))
    // The record is taken out all the same. It is tried once more, and not again by the monitor.
    #expect(
      outcome.names == made
        + ["record", "attach", "detachMount", "detachMount", "takeBackRecord"])
  }

  @Test(arguments: [.noMemory, .inputOutput] as [Errno])
  func `A mount that could not be taken away at first is taken away then`(error: Errno) throws {
    var attempt = MountAttempt()
    attempt.newMount = "/"
    attempt.failuresOnce = ["detachMount": error]
    let outcome = try attempt.run()
    #expect(outcome.completeFailure?.error == .busy)
    #expect(outcome.undoFailure == nil)
    #expect(outcome.names == made + ["attach", "detachMount", "detachMount"])
  }

  @Test func `A mount that was covered when it was taken away is cut off`() throws {
    var attempt = MountAttempt()
    attempt.newMount = "/"
    attempt.failures = ["detachMount": .busy]
    let outcome = try attempt.run()
    let line = text(try #require(outcome.completeFailure).explanation)
    #expect(line.hasPrefix("the mount could not be taken away"))
    #expect(outcome.names == made + ["attach", "detachMount", "abortConnection"])
  }

  // MARK: By mount(2)

  @Test(arguments: [255, 256, 4095])
  func `A source that no context takes goes to mount(2), and what comes of it is looked at`(
    length: Int
  ) throws {
    var attempt = MountAttempt()
    attempt.request.source = [UInt8](repeating: 0x61, count: length)
    let outcome = try attempt.run()
    // What stands for the new mount is no FUSE mount of the caller's.
    #expect(outcome.isMounted == (length == 255))
    #expect(
      outcome.names
        == (length == 255
          ? made + ["attach"] : ["createDetachedMountByMountCall", "attach", "detachMount"]))
  }

  @Test func `Where the kernel lacks the context, mount(2) has the same plan`() throws {
    var attempt = MountAttempt()
    attempt.failures = ["createFilesystemContext": .notImplemented]
    let outcome = try attempt.run()
    guard case .createFilesystemContext(let plan, let mode, let caller) = outcome.calls[0] else {
      Issue.record("\(outcome.names)")
      return
    }
    #expect(
      outcome.calls[1] == .createDetachedMountByMountCall(plan, rootMode: mode, caller))
  }

  @Test func `A fuse device that belongs to another file system is said to be that`() throws {
    var attempt = MountAttempt()
    attempt.failures = ["createSuperblock": .busy]
    #expect(
      try attempt.run().line
        == "the service gave the fuse device to a file system that is mounted already")
    attempt.failures = [:]
    attempt.isExclusive = false
    let outcome = try attempt.run()
    #expect(
      outcome.line == "the service gave the fuse device to a file system that is mounted already")
    #expect(outcome.names == made + ["attach", "detachMount"])
  }

  @Test(arguments: [.notPermitted, .notSupported, .timedOut, .inputOutput] as [Errno])
  func `A mount(2) that fails is named, and not tried in another way`(error: Errno) throws {
    var attempt = MountAttempt()
    attempt.failures = [
      "createFilesystemContext": .notImplemented, "createDetachedMountByMountCall": error,
    ]
    let outcome = try attempt.run()
    #expect(outcome.line == "mounting: " + text(error.message))
    #expect(outcome.names == ["createFilesystemContext", "createDetachedMountByMountCall"])
  }

  // MARK: In one step

  @Test func `Where the kernel attaches nothing later the mount is made in one step`() throws {
    var attempt = MountAttempt()
    attempt.caller = user
    attempt.mountMaximum = nil
    attempt.options = "x-a"
    attempt.failures = noDetachedMount
    attempt.mountPoint = "/etc"
    let outcome = try attempt.run()
    #expect(outcome.names == inOneStep)
    guard case .createFilesystemContext(let plan, _, _) = outcome.calls[0],
      case .mountInOneStep(let same, let rootMode, let caller) = outcome.calls[2]
    else {
      Issue.record("\(outcome.names)")
      return
    }
    #expect(plan == same)
    #expect(rootMode == 0o040000)
    #expect(caller == user)
    // Nothing was mounted, so it is not found in its place, and nothing is taken away.
    #expect(outcome.makeFailure?.error == .busy)
  }

  @Test(
    arguments: [
      .notPermitted, .invalidArgument, .noSuchFile, .permissionDenied, .timedOut, .canceled,
    ] as [Errno])
  func `Only a missing step leads to the one-step mount`(error: Errno) throws {
    var attempt = MountAttempt()
    attempt.failures = ["createFilesystemContext": error]
    #expect(try attempt.run().names == ["createFilesystemContext"])
  }

  @Test func `A mount point that is a mount's root is not mounted in one step`() throws {
    // What undoing takes away there, when the mount is gone already, is that mount.
    var attempt = MountAttempt()
    attempt.failures = noDetachedMount
    let outcome = try attempt.run()
    #expect(outcome.line.hasPrefix("the mount point is mounted already"))
    #expect(!outcome.names.contains("mountInOneStep"))
  }

  @Test func `A one-step mount that fails is named, and another's mount is not taken away`() throws
  {
    for error in everyErrno {
      var attempt = MountAttempt()
      attempt.failures = noDetachedMount
      attempt.mountPoint = "/etc"
      attempt.failures["mountInOneStep"] = error
      let outcome = try attempt.run()
      #expect(outcome.makeFailure?.error.rawValue == UInt32(error.rawValue))
      #expect(outcome.names == inOneStep)
      #expect(outcome.undoFailure == nil)
    }
  }

  // MARK: Words

  @Test(
    arguments: [
      (
        .refused(.allowOtherNotPermitted), 1,
        "option allow_other needs user_allow_other in \(text(BuildConfiguration.configurationPath))"
      ),
      (
        .tooManyMounts, 87,
        "too many FUSE file systems are mounted; the administrator can set mount_max in "
          + text(BuildConfiguration.configurationPath)
      ),
      (.system("mounting", .noSuchFile), 2, "mounting: No such file or directory"),
      (
        .mountPointCovered, 16,
        "something else was mounted over the mount point meanwhile; try again"
      ),
      (
        .mountPointElsewhere, 22,
        "the mount point lies in no mount that this process can see; it was unmounted, or belongs "
          + "to another mount namespace"
      ),
      (
        .mountPointIsMounted, 16,
        "the mount point is mounted already, and this kernel cannot mount over that safely"
      ),
      (
        .superblockIsAnothers, 16,
        "the service gave the fuse device to a file system that is mounted already"
      ),
      (
        .tableIsAnother, 95,
        "the mount table is not /run/mount/utab here, but perhaps a regular /etc/mtab, in which this "
          + "program records nothing; leave out the x- options, or make /etc/mtab a link to "
          + "/proc/self/mounts"
      ),
      (
        .cannotUndo, 16,
        "the mount could not be taken away, because another lies on it; its server is cut off"
      ),
    ] as [(MountFailure, UInt32, String)])
  func `Every failure has an error number and a line`(
    failure: MountFailure, number: UInt32, line: String
  ) {
    #expect(failure.error.rawValue == number)
    #expect(text(failure.explanation) == line)
  }
}
