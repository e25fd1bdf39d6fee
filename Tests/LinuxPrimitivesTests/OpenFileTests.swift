// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
import Foundation
import LinuxPrimitives
import TestSupport
import Testing

private func openError(
  _ path: [UInt8], _ flags: OpenFlags = .path, resolve: ResolveFlags?
) -> Errno? {
  errno { () throws(Errno) in
    if let resolve {
      _ = try openFile(path, flags, resolve: resolve).rawValue
    } else {
      _ = try openFile(path, flags).rawValue
    }
  }
}

@Suite("Opening files")
struct OpenFileTests {
  @Test(
    arguments: [
      "/proc/self/fd/0", "/proc/self/exe", "/proc/self/cwd", "/proc/self/root",
      "/proc/self/root/etc/passwd", "/proc/self/cwd/.", "/proc/self/ns/mnt",
    ])
  func `Magic links lead nowhere when they are not followed`(path: String) throws {
    #expect(openError(bytes(path), resolve: nil) == nil)
    #expect(openError(bytes(path), resolve: .noMagicLinks) == .tooManyLinks)
  }

  @Test func `A link to a magic link leads nowhere either`() throws {
    let directory = try TemporaryDirectory()
    let link = try directory.makeLink("l", to: "/proc/self/fd/0")
    #expect(openError(link, resolve: nil) == nil)
    #expect(openError(link, resolve: .noMagicLinks) == .tooManyLinks)
  }

  @Test func `Ordinary links are followed unless they are not wanted`() throws {
    let directory = try TemporaryDirectory()
    let file = try directory.makeFile("f")
    let link = try directory.makeLink("l", to: "f")
    let wanted = try openFile(file, .path).status()
    let found = try openFile(link, .path, resolve: .noMagicLinks).status()
    #expect(found.isSameFile(as: wanted))
    #expect(openError(link, resolve: .noSymbolicLinks) == .tooManyLinks)
    #expect(openError(file, resolve: .noSymbolicLinks) == nil)
    #expect(openError(link, .noFollow, resolve: .noMagicLinks) == .tooManyLinks)
    // Only named, the link itself can be had.
    let itself = try openFile(link, [.path, .noFollow], resolve: .noMagicLinks).status()
    #expect(!itself.isSameFile(as: wanted))
    #expect(itself.format == 0o120000)
  }

  @Test(arguments: [nil, .noMagicLinks] as [ResolveFlags?])
  func `What is not there, or is no name, is told`(resolve: ResolveFlags?) throws {
    let directory = try TemporaryDirectory()
    let file = try directory.makeFile("f")
    #expect(openError(directory.file("g"), resolve: resolve) == .noSuchFile)
    #expect(openError([], resolve: resolve) == .noSuchFile)
    #expect(openError(file + bytes("/g"), resolve: resolve) == .notDirectory)
    // A NUL would cut the name short and open another file.
    #expect(openError(file + [0] + bytes("g"), resolve: resolve) == .invalidArgument)
    #expect(
      openError(bytes("/") + [UInt8](repeating: 0x61, count: 256), resolve: resolve)
        == .nameTooLong)
    #expect(openError(file, [.create, .exclusive], resolve: resolve) == .fileExists)
  }

  @Test(arguments: [false, true])
  func `A created file has the mode that was asked for, and descriptors are close-on-exec`(
    resolves: Bool
  ) throws {
    let directory = try TemporaryDirectory()
    let flags: OpenFlags = [.readWrite, .create, .exclusive]
    let file =
      resolves
      ? try openFile(directory.file("f"), flags, mode: 0o600, resolve: .noMagicLinks)
      : try openFile(directory.file("f"), flags, mode: 0o600)
    #expect(try file.status().mode == 0o100600)
    #expect(isCloseOnExec(file.rawValue))
    // A mode without creating is left out, where openat2(2) would refuse it.
    expectError(nil) { () throws(Errno) in
      try openFile(directory.file("f"), .readWrite, mode: 0o600, resolve: .noMagicLinks)
    }
  }

  @Test func `A file's status tells what it is`() throws {
    let directory = try TemporaryDirectory()
    let file = try openFile(try directory.makeFile("f", "abc")).status()
    let folder = try openFile(bytes(directory.path)).status()
    let null = try openFile(bytes("/dev/null")).status()
    #expect(file.isRegularFile && !file.isDirectory && !file.isBlockDevice && !file.isSocket)
    #expect(file.size == 3)
    #expect(file.owner == geteuid())
    #expect(folder.isDirectory && !folder.isRegularFile)
    #expect(!folder.isSameFile(as: file))
    #expect(null.isCharacterDevice(major: 1, minor: 3))
    #expect(!null.isCharacterDevice(major: 1, minor: 5))
    #expect(!null.isCharacterDevice(major: 10, minor: 229))
    #expect(!file.isCharacterDevice(major: 0, minor: 0))
    let witness = try Witness()
    #expect(try duplicateDescriptor(witness.number).status().isSocket)
  }

  @Test func `A file system has the number of linux/magic.h`() throws {
    #expect(try openFile(bytes("/proc"), .path).fileSystemMagic() == 0x9fa0)
    #expect(try memoryFile([]).fileSystemMagic() == 0x0102_1994)
  }

  @Test func `A descriptor's path follows the file, and is not a link's`() throws {
    let directory = try TemporaryDirectory()
    let link = try directory.makeLink("l", to: try text(directory.makeFile("a b\n\\040")))
    let file = try openFile(link, .path)
    #expect(try file.currentPath() == directory.file("a b\n\\040"))
    try FileManager.default.moveItem(
      atPath: "\(directory.path)/a b\n\\040", toPath: "\(directory.path)/b")
    #expect(try file.currentPath() == directory.file("b"))
  }

  // MARK: Writable

  @Test func `A file of one's own can be written, unless its mode forbids it`() throws {
    let directory = try TemporaryDirectory()
    let file = try openFile(try directory.makeFile("f"), .path)
    #expect(try file.isWritable())
    #expect(try openFile(bytes(directory.path), .path).isWritable())
  }

  @Test(.enabled(if: geteuid() == 0), arguments: [0o600, 0o644, 0o666, 0o602] as [mode_t])
  func `Whether a file can be written goes by the ids of this process`(mode: mode_t) throws {
    let directory = try TemporaryDirectory()
    let file = try openFile(try directory.makeFile("f"), .path)
    #expect(chmod("\(directory.path)/f", mode) == 0)
    let child = try ChildProcess.fork {
      guard clinux_setresgid(65_534, 65_534, 65_534) == 0,
        clinux_setresuid(65_534, 65_534, 65_534) == 0,
        let isWritable = try? file.isWritable()
      else { return 2 }
      return isWritable ? 1 : 0
    }
    let ready = try wait(for: [child.descriptor.rawValue], until: patient)
    #expect(ready == [true])
    let ending = try child.reap()
    #expect(ending == .exited(mode & 0o002 != 0 ? 1 : 0))
  }
}
