// SPDX-License-Identifier: LGPL-2.1-or-later

import FuseService
import ServerSupport
import Testing

@testable import ServiceAdapter

func request(
  _ words: [String], _ description: [String] = [], mayAllowOther: Bool = true
) throws -> CallerRequest {
  try CallerRequest(
    arguments: words.map { text($0) }, description: describe(description),
    mayAllowOther: mayAllowOther)
}

private func refusal(_ words: [String], _ description: [String] = []) -> RequestError? {
  do {
    _ = try request(words, description)
    return nil
  } catch {
    return error as? RequestError
  }
}

@Suite struct RequestTests {
  @Test func `A source and a mount point are a request to write`() throws {
    let found = try request(["d.img", "/mnt"])
    #expect(found.source == text("d.img"))
    #expect(found.mountPoint == text("/mnt"))
    #expect(found.flags == [.noSetId, .noDevices])
    #expect(!found.isReadOnly)
  }

  @Test(
    arguments: [
      (["-o", "ro"], [], true), (["-r"], [], true), (["-o", "ro,rw"], [], false),
      (["-r", "-w"], [], false), (["-o", "rw"], ["--read-only"], true), ([], ["--read-only"], true),
    ] as [([String], [String], Bool)])
  func `What the caller wants last counts, and what the description forces more`(
    words: [String], description: [String], isReadOnly: Bool
  ) throws {
    #expect(try request(["d", "/m"] + words, description).isReadOnly == isReadOnly)
  }

  @Test func `Words go to the kernel, to the mount table or to the server`() throws {
    let found = try request(
      ["d", "/m", "-o", "noexec,x-a,uid=5,default_permissions,fsname=n", "-v", "-f", "-n"],
      ["--option=uid="])
    #expect(found.flags == [.noSetId, .noDevices, .noExecute])
    #expect(found.userspaceWords == [text("x-a"), text("-n")])
    #expect(found.serverWords == [text("uid=5")])
    #expect(found.superblockWords == [text("default_permissions")])
    #expect(found.sourceName == text("n"))
  }

  @Test func `A word that names a file is a file to open`() throws {
    let found = try request(["d", "/m", "-o", "journal=/dev/j"], ["--file-option=journal="])
    #expect(found.files == [NamedFile(word: text("journal="), path: text("/dev/j"))])
  }

  @Test(arguments: ["bogus", "uid=1", "fakeroot=1", "blksize=512", "blkdev", "suid=1", "rw+"])
  func `A word that nobody knows is refused with those that there are`(word: String) throws {
    let error = try #require(refusal(["d", "/m", "-o", word], ["--option=fakeroot"]))
    guard case .unknownOption(text(word), let known) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(holds(known, text("fakeroot")))
    // Last words have 512 bytes.
    #expect(error.message.count < 400)
  }

  @Test(arguments: ["uid=1\\,suid", "uid=a\\\\b", "journal=", "fsname=", "fsname=a\\012b"])
  func `A value that would be more than one word is refused`(word: String) throws {
    let description = ["--option=uid=", "--file-option=journal="]
    let error = try #require(refusal(["d", "/m", "-o", word], description))
    guard case .badValue = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test func `A server has nine files beside its source at most`() throws {
    let words = (1...10).map { "f=\($0)" }
    #expect(
      try request(["d", "/m", "-o", words.dropLast().joined(separator: ",")], ["--file-option=f="])
        .files.count == 9)
    #expect(
      refusal(["d", "/m", "-o", words.joined(separator: ",")], ["--file-option=f="])
        == .tooManyFiles)
  }

  @Test(
    arguments: [
      ([], .missingOperand), (["d"], .missingOperand), (["", "/m"], .missingOperand),
      (["d", "/m", "x"], .extraOperand(text("x"))), (["d", "/m", "-o"], .missingValue(text("-o"))),
      (["d", "/m", "-o", "a=\"b"], .openQuote(text("a=\"b"))),
    ] as [([String], RequestError)])
  func `A command line that is none is refused`(words: [String], error: RequestError) {
    #expect(refusal(words) == error)
  }

  @Test func `Others are let in only where the hello permits it`() throws {
    #expect(try request(["d", "/m", "-o", "allow_other"]).allowsOthers)
    #expect(throws: RequestError.allowOtherNotPermitted) {
      try request(["d", "/m", "-o", "allow_other"], mayAllowOther: false)
    }
  }

  @Test(arguments: ["http://a", "https://a/{mountpoint}?b#c"])
  func `An address of the web is a source for reading`(source: String) throws {
    let found = try request([source, "/m"], ["--url"])
    #expect(found.source == text(source))
    #expect(found.isReadOnly)
    let command = serverCommand(
      try describe(["--url"]), found, mountPoint: text("/tmp/m"), isReadOnly: true)
    #expect(command == [text("/bin/server"), text(source), text("/tmp/m")])
  }

  @Test(arguments: ["a", "-o", "http://", "ftp://a", "http://a b", "HTTP://a", " http://a"])
  func `Any other source is none then`(source: String) {
    #expect(refusal(["--", source, "/m"], ["--url"]) == .noAddress(text(source)))
  }

  @Test(arguments: ["-h", "--help"])
  func `Help lists the words of this file system`(option: String) throws {
    guard case .help(let words) = refusal([option], ["--option=uid=", "--file-option=journal="])
    else {
      Issue.record("no help")
      return
    }
    #expect(words.starts(with: text("ro, rw, uid=, journal=FILE, allow_other")))
  }
}
