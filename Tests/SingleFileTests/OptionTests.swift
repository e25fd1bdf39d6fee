// SPDX-License-Identifier: LGPL-2.1-or-later

import FuseService
import ServerSupport
import Testing

@testable import SingleFile

/// Words, and the flags that they make of those that always hold.
private let flagTable: [(String, FuseMountFlags)] = [
  ("", [.noSetId, .noDevices]), ("suid", [.noDevices]), ("dev,suid", []),
  ("dev,suid,nodev,nosuid", [.noSetId, .noDevices]),
  ("ro,noexec", [.noSetId, .noDevices, .readOnly, .noExecute]),
  ("noexec,exec", [.noSetId, .noDevices]), ("sync", [.noSetId, .noDevices, .synchronous]),
  ("sync,nosync", [.noSetId, .noDevices]), ("sync,async", [.noSetId, .noDevices]),
  ("dirsync", [.noSetId, .noDevices, .synchronousDirectories]),
  ("noatime,nodiratime", [.noSetId, .noDevices, .noAccessTimes, .noDirectoryAccessTimes]),
  ("relatime", [.noSetId, .noDevices, .relativeAccessTimes]),
  ("strictatime", [.noSetId, .noDevices, .strictAccessTimes]),
  ("nosymfollow", [.noSetId, .noDevices, .noSymbolicLinks]),
  ("nosymfollow,symfollow,defaults,,", [.noSetId, .noDevices]),
]

@Suite struct OptionTests {
  @Test(arguments: flagTable)
  func `Words become the flags of DOIT`(words: String, flags: FuseMountFlags) throws {
    #expect(try parse(options: words).flags == flags)
  }

  @Test func `The options of this server are taken`() throws {
    let options = try parse(
      options: "size=1M,blocksize=4k,require_bdev,loop,nodio,name=disk,fsname=vol,sync,debug")
    #expect(options.size == 1 << 20 && options.blockSize == 4096)
    #expect(options.requireBlockDevice && !options.allowsDirectIO && options.isSynchronous)
    #expect(try options.loopDevice && !parse(options: "rw").loopDevice)
    #expect(options.fileName == text("disk") && options.sourceName == text("vol"))
    #expect(options.debug)
    #expect(try parse(options: "nodio,dio").allowsDirectIO)
    #expect(options.superblockWords == [] && options.userspaceWords == [])
  }

  @Test func `The kernel's options are handed on in their order`() throws {
    let options = try parse(
      options:
        "max_read=65536,allow_other,x-b=1,default_permissions,allow_other,user=me,blksize=512")
    #expect(
      options.superblockWords
        == ["max_read=65536", "allow_other", "default_permissions", "blksize=512"].map(text))
    #expect(options.userspaceWords == ["x-b=1", "user=me"].map(text))
    #expect(options.maxRead == 65_536 && options.allowOther)
  }

  @Test(arguments: [
    "bogus", "ro=1", "RO", "size", "name", "allow_root", "auto_unmount", "fd=3", "user_id=0",
    "rootmode=1", "group_id=0", "subtype=x", "uhelper=x", "loop=1", "allow_other=1", "x",
  ])
  func `An unknown word is refused`(word: String) {
    #expect(throws: OptionError.unknownOption(text(word))) { try parse(options: "rw," + word) }
  }

  @Test(arguments: [
    "size=", "size=0", "size=-1", "size=1Q", "size=K", "size=9223372036854775808",
    "size=9999999999T", "size=0x10", "blocksize=0", "blocksize=256", "blocksize=511",
    "blocksize=3000", "blocksize=2G", "blocksize=", "max_read=0", "max_read=4k", "max_read=",
    "max_read=4294967296", "name=", "name=.", "name=..", "name=a/b", "name=\n", "name=\u{7f}",
    "fsname=", "fsname=a\u{1b}",
  ])
  func `A value that is none is refused`(word: String) throws {
    let error = #expect(throws: OptionError.self) { try parse(options: word) }
    guard case .badValue(let option, let rule) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(option == text(word) && !rule.isEmpty)
  }

  @Test func `A file name may have 255 bytes and not one more`() throws {
    let longest = String(repeating: "n", count: 255)
    #expect(try parse(options: "name=" + longest).fileName == text(longest))
    #expect(throws: OptionError.self) { try parse(options: "name=n" + longest) }
  }

  @Test func `What the hello does not allow is refused`() throws {
    #expect(throws: OptionError.allowOtherNotPermitted) {
      try parse(options: "allow_other", rights: CallerRights(mayUseFuseblk: true))
    }
    #expect(throws: OptionError.fuseblkNotPermitted) {
      try parse(options: "blkdev", rights: CallerRights(mayAllowOther: true))
    }
    #expect(try parse(options: "blkdev").fuseblk)
  }

  @Test func `A quote that stays open is refused`() {
    #expect(throws: OptionError.openQuote(text("name=\"a,size=1"))) {
      try parse(options: "name=\"a,size=1")
    }
  }

  @Test func `The words of an error name the option and fit into last words`() {
    #expect(
      OptionError.unknownOption(text("bogus")).message.starts(with: text("unknown option 'bogus'")))
    #expect(OptionError.help.message.count <= 512)
  }
}
