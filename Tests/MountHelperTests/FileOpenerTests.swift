// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation
import LinuxPrimitives
import MountPolicy
import MountProtocol
import TestSupport
import Testing

@testable import MountHelper

/// A directory with one of each kind of file, which goes with the test.
private final class Files {
  private let directory: TemporaryDirectory
  var path: String { directory.path }

  init() throws {
    directory = try TemporaryDirectory()
    _ = try directory.makeFile("image", "image")
    mkdir("\(path)/directory", 0o700)
    mkfifo("\(path)/fifo", 0o600)
    symlink("image", "\(path)/link")
    symlink("/proc/self/fd/0", "\(path)/magic")
    symlink("missing", "\(path)/dangling")
  }

  func name(_ file: String) -> [UInt8] {
    bytes(file.hasPrefix("/") ? file : "\(path)/\(file)")
  }

  func exists(_ file: String) -> Bool {
    var status = stat()
    return lstat("\(path)/\(file)", &status) == 0
  }
}

/// What came of a request for a file.
private struct Opened {
  var error: Int32?
  var content: [UInt8] = []
  var statusFlags: Int32 = 0
  var mode: UInt32 = 0
}

private let everyone = Caller(userID: getuid(), groupID: getgid())

/// Has a file of `files` opened as the worker does, after `meanwhile` is done to a root caller's.
/// A loop device is asked for when the monitor has an answer to that: an error, or `/dev/null`, which
/// stands for the device.
private func open(
  _ file: String, in files: Files, flags: Int32 = 0, mode: UInt32 = 0, blockDevice: Bool = false,
  caller: Caller = everyone, pins: Bool = false, loop: IntentAnswer? = nil,
  meanwhile: () -> Void = {}
) throws -> Opened {
  let named = NamedFiles(operands: [files.name(file)], optionValues: [])
  let rules = OpenRules(namedFiles: named, readOnly: false, caller: caller)
  var pair = try PacketSocket.pair()
  guard let end = pair.first.take() else { throw Unexpected(what: "no pair") }
  let opener = FileOpener(rules: rules, pinned: pins ? try PinnedFiles(named) : nil)
  meanwhile()
  let plan = try rules.judge(
    OpenRequest(
      path: files.name(file), openFlags: UInt32(bitPattern: flags), createMode: mode,
      requestFlags: loop == nil ? [] : .loop),
    blockDevice: blockDevice)
  if let loop {
    let device = try openFile(bytes("/dev/null"))
    try pair.second?.send(
      loop.encoded(), passing: loop.error == nil ? device.rawValue : nil,
      until: .after(seconds: 5))
  }
  do throws(OpenError) {
    let opened = try opener.open(plan, monitor: MonitorChannel(end))
    return Opened(
      content: (try? opened.readToEnd(limit: 1000)) ?? [],
      statusFlags: (try? opened.statusFlags()) ?? -1, mode: (try? opened.status().mode) ?? 0)
  } catch {
    switch error {
    case .system(let error): return Opened(error: error.rawValue)
    case .refused(let refusal): return Opened(error: Int32(refusal.error.rawValue))
    case .noLoopDevice(let error): return Opened(error: Int32(error.rawValue))
    case .noReadOnlyClone, .worker: throw Unexpected(what: "\(error)")
    }
  }
}

@Suite("Opening files for a server")
struct FileOpenerTests {
  @Test(arguments: [O_RDONLY, O_RDWR, O_RDONLY | O_EXCL, O_RDWR | O_SYNC, O_RDWR | O_APPEND])
  func `A regular file is opened as it was asked for, and without O_NONBLOCK`(flags: Int32) throws {
    let files = try Files()
    for pins in [false, true] {
      let opened = try open("image", in: files, flags: flags, pins: pins)
      #expect(opened.error == nil)
      #expect(opened.content == bytes("image"))
      #expect(opened.statusFlags & O_ACCMODE == flags & O_ACCMODE)
      #expect(opened.statusFlags & (O_SYNC | O_APPEND) == flags & (O_SYNC | O_APPEND))
      #expect(opened.statusFlags & O_NONBLOCK == 0)
    }
  }

  @Test func `A server that asked for O_NONBLOCK has it`() throws {
    let opened = try open("image", in: try Files(), flags: O_NONBLOCK)
    #expect(opened.statusFlags & O_NONBLOCK != 0)
  }

  @Test(
    arguments: [
      ("directory", 0, EISDIR), ("directory", O_CREAT, EISDIR), ("/", 0, EISDIR),
      // A FIFO would be waited for.
      ("fifo", O_RDONLY, EACCES), ("fifo", O_RDWR, EACCES),
      ("magic", 0, ELOOP), ("/proc/self/fd/0", 0, ELOOP), ("/proc/self/exe", 0, ELOOP),
      ("/proc/self/mem", 0, EACCES), ("/proc/self/status", 0, EACCES),
      ("/proc/sys/kernel/hostname", O_RDONLY, EACCES),
      ("/dev/null", 0, EACCES), ("/dev/tty", 0, EACCES),
      ("link", O_NOFOLLOW, ELOOP), ("missing", 0, ENOENT), ("missing", O_RDWR, ENOENT),
      ("missing/image", O_CREAT, ENOENT), ("image/image", 0, ENOTDIR),
      ("image", O_CREAT | O_EXCL, EEXIST), ("link", O_CREAT | O_EXCL, EEXIST),
      // Creating never follows a link.
      ("dangling", O_CREAT | O_RDWR, EEXIST), ("dangling", O_CREAT | O_NOFOLLOW, ELOOP),
    ])
  func `What is no ordinary file, or not there, is refused`(
    file: String, flags: Int32, error: Int32
  ) throws {
    let files = try Files()
    #expect(try open(file, in: files, flags: flags).error == error)
    // What kept a root caller's file from being pinned is what the server hears. Pins are made with
    // links followed.
    let pinned = try open(file, in: files, flags: flags, pins: true).error
    #expect(pinned == (file == "dangling" ? EEXIST : error))
    #expect(!files.exists("missing"))
  }

  @Test func `Of a link the file behind it is opened`() throws {
    #expect(try open("link", in: try Files()).content == bytes("image"))
  }

  @Test(arguments: ["image", "directory", "fifo", "/dev/null"])
  func `BDEV opens nothing but a block device`(file: String) throws {
    #expect(try open(file, in: try Files(), blockDevice: true).error == ENOTBLK)
  }

  @Test(arguments: [false, true])
  func `A loop device takes the place of a regular file`(blockDevice: Bool) throws {
    let opened = try open(
      "image", in: try Files(), flags: O_RDWR, blockDevice: blockDevice, loop: IntentAnswer())
    #expect(opened.error == nil)
    #expect(opened.mode & UInt32(S_IFMT) == UInt32(S_IFCHR))
  }

  @Test func `Where there is no loop device, OPEN has the plain file unless that is in use`() throws
  {
    let files = try Files()
    for error in everyErrno {
      let answer = IntentAnswer(error: ErrorNumber(rawValue: UInt32(error.rawValue)))
      let opened = try open("image", in: files, flags: O_RDWR, loop: answer)
      #expect(opened.error == (error == .busy ? EBUSY : nil))
      #expect(opened.content == (error == .busy ? [] : bytes("image")))
      let device = try open("image", in: files, flags: O_RDWR, blockDevice: true, loop: answer)
      #expect(device.error == error.rawValue)
    }
  }

  @Test func `What cannot be behind a loop device is opened as it is, and the monitor not asked`()
    throws
  {
    let files = try Files()
    let busy = IntentAnswer(error: .busy)
    for flags in [O_WRONLY, O_RDWR | O_APPEND] {
      #expect(try open("image", in: files, flags: flags, loop: busy).error == nil)
    }
    #expect(try open("new", in: files, flags: O_RDWR | O_CREAT, loop: busy).error == nil)
    #expect(try open("directory", in: files, loop: busy).error == EISDIR)
  }

  @Test func `A file is truncated and created only when that was asked for`() throws {
    let files = try Files()
    #expect(try open("image", in: files, flags: O_RDWR | O_CREAT).content == bytes("image"))
    #expect(try open("image", in: files, flags: O_RDWR | O_TRUNC).content == [])
    let created = try open("new", in: files, flags: O_RDWR | O_CREAT, mode: 0o7777)
    #expect(created.error == nil)
    // No set-id and sticky bits, nothing that others may write to.
    #expect(created.mode & 0o7022 == 0)
    #expect(created.mode & 0o700 == 0o700)
    #expect(created.statusFlags & O_NONBLOCK == 0)
  }

  @Test func `A file that is refused is not truncated`() throws {
    let files = try Files()
    #expect(
      try open("image", in: files, flags: O_RDWR | O_TRUNC, blockDevice: true).error == ENOTBLK)
    #expect(try open("image", in: files).content == bytes("image"))
  }

  // MARK: Root's files are pinned

  @Test func `A root caller's file that was swapped is the one that was there at the start`() throws
  {
    let files = try Files()
    let opened = try open("image", in: files, caller: root, pins: true) {
      rename("\(files.path)/image", "\(files.path)/old")
      symlink("/etc/passwd", "\(files.path)/image")
    }
    #expect(opened.content == bytes("image"))
  }

  @Test func `A root caller's file that appears later is not there`() throws {
    let files = try Files()
    let opened = try open("late", in: files, caller: root, pins: true) {
      symlink("/etc/passwd", "\(files.path)/late")
    }
    #expect(opened.error == ENOENT)
  }

  @Test func `A root caller's file that could not be pinned is not made later`() throws {
    let files = try Files()
    let opened = try open(
      "image/late", in: files, flags: O_CREAT | O_RDWR, caller: root, pins: true
    ) {
      unlink("\(files.path)/image")
      mkdir("\(files.path)/image", 0o700)
    }
    #expect(opened.error == ENOTDIR)
    #expect(!files.exists("image/late"))
  }

  @Test func `A root caller's link is not followed when the server says so`() throws {
    let files = try Files()
    #expect(try open("link", in: files, flags: O_NOFOLLOW, pins: true).error == ELOOP)
    #expect(try open("image", in: files, flags: O_NOFOLLOW, pins: true).content == bytes("image"))
  }
}

@Suite("Pinning the mount point")
struct MountPointPinTests {
  private func line(_ path: [UInt8], caller: Caller) -> String? {
    do throws(WorkerError) {
      _ = try MountPointPin.pin(path, caller: caller).descriptor.rawValue
      return nil
    } catch {
      guard case .failed(let line) = error else { return "\(error)" }
      return text(line)
    }
  }

  @Test(arguments: ["directory", "image", "link"])
  func `A directory or a file is pinned as what it is`(name: String) throws {
    let files = try Files()
    let pin = try MountPointPin.pin(files.name(name), caller: root)
    let format = pin.format
    let kind = pin.kind
    #expect(format == (name == "directory" ? .directory : .regularFile))
    #expect(kind == (name == "directory" ? .directory : .regular))
    let path = try pin.descriptor.currentPath()
    #expect(path == files.name(name == "link" ? "image" : name))
  }

  @Test(
    arguments: [
      ("missing", "No such file or directory"), ("image/x", "Not a directory"),
      ("magic", "Too many levels of symbolic links"),
      ("/proc/self/cwd", "Too many levels of symbolic links"),
      ("fifo", "the mount point is a FIFO; use a directory or a regular file"),
      ("/dev/null", "the mount point is a character device; use a directory or a regular file"),
    ])
  func `What cannot be a mount point is told`(name: String, why: String) throws {
    let files = try Files()
    let reason = line(files.name(name), caller: root)
    #expect(reason == text(files.name(name)) + ": " + why)
  }

  @Test func `A user mounts neither on a sticky directory of others nor in proc`() throws {
    let files = try Files()
    chmod("\(files.path)/directory", 0o1777)
    let sticky = line(files.name("directory"), caller: Caller(userID: getuid() + 1, groupID: 1))
    #expect(sticky?.contains("sticky") == true)
    let kernel = line(bytes("/proc/\(getpid())/attr"), caller: Caller(userID: 1000, groupID: 1))
    #expect(kernel != nil)
  }
}
