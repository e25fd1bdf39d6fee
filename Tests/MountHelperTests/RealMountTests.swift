// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation
import LinuxPrimitives
import MountPolicy
import TestSupport
import Testing

@testable import MountHelper

/// A directory on which tests really mount; what lies on it goes with it.
private final class Place {
  private let directory: TemporaryDirectory
  var path: String { directory.path }

  init() throws { directory = try TemporaryDirectory() }

  deinit {
    while umount2(path, Int32(MNT_DETACH)) == 0 {}
  }

  @discardableResult func mountTemporaryFiles() -> Bool {
    mount("none", path, "tmpfs", 0, "size=4k") == 0
  }

  /// Mounts a FUSE file system whose server is gone at once. Nothing here asks it anything.
  @discardableResult func mountFuse(_ type: String = "fuse.ext4", owner: Caller = root) -> Bool {
    let device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
    guard device >= 0 else { return false }
    defer { close(device) }
    let options =
      "fd=\(device),rootmode=40000,user_id=\(owner.userID),group_id=\(owner.groupID)"
    return mount("disk.img", path, type, 0, options) == 0
  }

  /// The types of what is mounted here, the lowest first.
  var types: [String] {
    let entries = (try? MountTable.read().entries) ?? []
    return entries.filter { $0.mountPoint == bytes(path) }.map { text($0.type) }
  }

  var minorOfSecond: UInt32? {
    let entries = (try? MountTable.read().entries) ?? []
    return entries.filter { $0.mountPoint == bytes(path) }.dropFirst().first?.connection
  }

  /// Whether this process may mount both kinds.
  static let isPossible: Bool = {
    guard geteuid() == 0, let place = try? Place() else { return false }
    return place.mountTemporaryFiles() && place.mountFuse()
  }()
}

private let detached = ["createFilesystemContext", "createSuperblock", "createDetachedMount"]
private let inOneStep = [
  "createFilesystemContext", "createDetachedMountByMountCall", "mountInOneStep",
]

/// These mount for a moment in a temporary directory, so they need root; they are serialized because
/// they count mounts.
@Suite("Looking at real mounts", .serialized)
struct RealMountTests {
  private func attempt(at place: Place, oneStep: Bool) -> MountAttempt {
    var attempt = MountAttempt()
    attempt.options = "x-a"
    attempt.mountPoint = place.path
    attempt.newMount = place.path
    if oneStep {
      attempt.failures = [
        "createFilesystemContext": .notImplemented,
        "createDetachedMountByMountCall": .notImplemented,
      ]
    }
    return attempt
  }

  @Test func `Mounts are counted exactly where it matters, whatever the kernel tells`() throws {
    let mounted = try MountTable.read().entries.count { $0.countsAsFuse }
    // Kernels before 6.12 do not tell the number of all.
    for all in [nil, try? MountNamespace().numberOfMounts()] {
      #expect(try fuseMountsFit(1 << 40, more: 1, ofAll: all))
      #expect(try fuseMountsFit(60_000, more: 1, ofAll: all))
      #expect(try !fuseMountsFit(0, more: 1, ofAll: all))
      #expect(try !fuseMountsFit(-1, more: 0, ofAll: all))
      #expect(try fuseMountsFit(mounted + 1, more: 1, ofAll: all))
      #expect(try fuseMountsFit(mounted, more: 0, ofAll: all))
      #expect(try !fuseMountsFit(mounted, more: 1, ofAll: all))
    }
  }

  // MARK: Attached last

  @Test(.enabled(if: Place.isPossible))
  func `A mount on the pinned mount is complete`() throws {
    let place = try Place()
    var attempt = attempt(at: place, oneStep: false)
    attempt.mounting = { place.mountTemporaryFiles() }
    let outcome = try attempt.run()
    #expect(place.types == ["tmpfs"])
    #expect(outcome.isMounted)
    #expect(outcome.names == detached + ["record", "attach", "keepRecord"])
  }

  @Test(.enabled(if: Place.isPossible))
  func `A mount that came between the pin and the new one costs the mount`() throws {
    let place = try Place()
    var attempt = attempt(at: place, oneStep: false)
    attempt.mounting = {
      place.mountTemporaryFiles()
      place.mountTemporaryFiles()
    }
    let outcome = try attempt.run()
    #expect(place.types == ["tmpfs", "tmpfs"])
    #expect(outcome.line.hasPrefix("something else was"))
    #expect(outcome.names == detached + ["record", "attach", "detachMount", "takeBackRecord"])
  }

  @Test(.enabled(if: Place.isPossible))
  func `A mount that is covered is cut off, because unmounting would take another`() throws {
    let place = try Place()
    var attempt = attempt(at: place, oneStep: false)
    attempt.mounting = {
      place.mountTemporaryFiles()
      place.mountTemporaryFiles()
    }
    attempt.attaching = { place.mountTemporaryFiles() }
    let outcome = try attempt.run()
    let minor = try #require(place.minorOfSecond)
    #expect(place.types.count == 3)
    #expect(outcome.line.hasPrefix("the mount could not be"))
    #expect(outcome.calls.contains(.abortConnection(minor)))
    #expect(!outcome.names.contains("detachMount"))
  }

  @Test(.enabled(if: Place.isPossible))
  func `A mount beyond mount_max is taken away after parallel starts have passed`() throws {
    let place = try Place()
    let other = try Place()
    var attempt = attempt(at: place, oneStep: false)
    attempt.caller = user
    attempt.mountMaximum = try MountTable.read().entries.count { $0.countsAsFuse } + 1
    attempt.mounting = {
      other.mountFuse()
      place.mountFuse()
    }
    let outcome = try attempt.run()
    #expect(outcome.makeFailure == nil)
    #expect(outcome.completeFailure?.error == .tooManyUsers)
    #expect(
      outcome.names == detached + ["record", "attach", "detachMount", "takeBackRecord"])
  }

  // MARK: In one step

  @Test(.enabled(if: Place.isPossible))
  func `A one-step mount in its place is complete with the goodbye`() throws {
    let place = try Place()
    var attempt = attempt(at: place, oneStep: true)
    attempt.mounting = { place.mountFuse() }
    let outcome = try attempt.run()
    #expect(place.types == ["fuse.ext4"])
    #expect(outcome.isMounted)
    #expect(outcome.names == inOneStep + ["record", "keepRecord"])
  }

  @Test(.enabled(if: Place.isPossible))
  func `A one-step mount that cannot be recorded is taken away`() throws {
    let place = try Place()
    var attempt = attempt(at: place, oneStep: true)
    attempt.mounting = { place.mountFuse() }
    attempt.failures["record"] = .timedOut
    let outcome = try attempt.run()
    #expect(outcome.completeFailure?.error == .timedOut)
    #expect(outcome.names == inOneStep + ["record", "finish", "detachMount"])
    #expect(outcome.calls.last == .detachMount(atMountPoint: true))
  }

  @Test(.enabled(if: Place.isPossible), arguments: ["fuse.other", "fuse", "fuse.ext4x", "tmpfs"])
  func `What is in the place of a one-step mount but of another type is left alone`(
    type: String
  ) throws {
    let place = try Place()
    var attempt = attempt(at: place, oneStep: true)
    attempt.mounting = {
      if type == "tmpfs" {
        place.mountTemporaryFiles()
      } else {
        place.mountFuse(type)
      }
    }
    let outcome = try attempt.run()
    #expect(place.types.count == 1)
    #expect(outcome.makeFailure?.error == .busy)
    #expect(outcome.names == inOneStep)
  }

  @Test(.enabled(if: Place.isPossible))
  func `A one-step mount that is covered is cut off`() throws {
    let place = try Place()
    var attempt = attempt(at: place, oneStep: true)
    attempt.mounting = {
      place.mountFuse()
      place.mountTemporaryFiles()
    }
    let outcome = try attempt.run()
    #expect(outcome.line.hasPrefix("the mount could not be"))
    #expect(outcome.names == inOneStep + ["finish", "abortConnection"])
  }

  @Test(
    .enabled(if: Place.isPossible),
    arguments: [.timedOut, .canceled, .inputOutput] as [Errno])
  func `A killed one-step mount that happened all the same is taken away`(error: Errno) throws {
    let place = try Place()
    var attempt = attempt(at: place, oneStep: true)
    attempt.mounting = { place.mountFuse() }
    attempt.failures["mountInOneStep"] = error
    let outcome = try attempt.run()
    #expect(outcome.makeFailure?.error.rawValue == UInt32(error.rawValue))
    #expect(outcome.names == inOneStep + ["finish", "detachMount"])
  }

  @Test(.enabled(if: Place.isPossible))
  func `Another's mount is neither taken away nor taken for ours when our own failed`() throws {
    let place = try Place()
    var attempt = attempt(at: place, oneStep: true)
    attempt.mounting = { place.mountFuse() }
    attempt.failures["mountInOneStep"] = .notPermitted
    // The worker may have been taken over.
    attempt.completesAnyway = true
    let outcome = try attempt.run()
    #expect(outcome.makeFailure?.error == .notPermitted)
    #expect(outcome.completeFailure != nil)
    #expect(outcome.names == inOneStep)
  }

  @Test(.enabled(if: Place.isPossible))
  func `A one-step mount of another's superblock is taken away`() throws {
    let place = try Place()
    var attempt = attempt(at: place, oneStep: true)
    attempt.caller = user
    attempt.mountMaximum = nil
    attempt.mounting = { place.mountFuse() }
    let outcome = try attempt.run()
    #expect(outcome.line.hasPrefix("the service gave the fuse device to a file system that is"))
    #expect(outcome.names == inOneStep + ["finish", "detachMount"])
  }

  @Test(.enabled(if: Place.isPossible))
  func `A one-step mount beyond mount_max is taken away`() throws {
    let place = try Place()
    let other = try Place()
    var attempt = attempt(at: place, oneStep: true)
    attempt.caller = user
    attempt.mountMaximum = try MountTable.read().entries.count { $0.countsAsFuse } + 1
    attempt.mounting = {
      other.mountFuse()
      place.mountFuse(owner: user)
    }
    let outcome = try attempt.run()
    #expect(outcome.makeFailure?.error == .tooManyUsers)
    #expect(outcome.names == inOneStep + ["finish", "detachMount"])
  }
}
