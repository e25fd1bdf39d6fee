// SPDX-License-Identifier: LGPL-2.1-or-later

import ServerSupport
import Testing

@testable import SingleFile

@Suite struct CommandLineTests {
  @Test func `An image and a mount point are enough`() throws {
    let options = try parse(["disk.img", "/mnt"])
    var expected = options
    expected.source = text("disk.img")
    expected.mountPoint = text("/mnt")
    expected.fileName = text("image")
    expected.flags = [.noSetId, .noDevices]
    #expect(options == expected)
    #expect(options.size == nil && options.blockSize == nil && options.maxRead == 0)
    #expect(!options.isReadOnly && !options.isSynchronous && options.allowsDirectIO)
    #expect(!options.requireBlockDevice && !options.allowOther && !options.fuseblk)
    #expect(!options.singleThreaded && !options.debug)
    #expect(options.superblockWords == [] && options.userspaceWords == [])
  }

  @Test(arguments: [
    ["-o", "ro", "a", "b"], ["a", "-o", "ro", "b"], ["a", "b", "-oro"], ["-r", "a", "b"],
    ["a", "b", "-o", "rw,ro"], ["a", "b", "-o", "rw", "-o", "ro"], ["-sr", "a", "b"],
    ["-o", "ro", "--", "a", "b"],
  ])
  func `Read-only can be said in every place and the last word counts`(arguments: [String]) throws {
    let options = try parse(arguments)
    #expect(options.isReadOnly)
    #expect(options.source == text("a") && options.mountPoint == text("b"))
  }

  @Test(arguments: [["a", "b", "-o", "ro,rw"], ["-r", "a", "b", "-orw"]])
  func `A later rw takes ro back`(arguments: [String]) throws {
    #expect(try !parse(arguments).isReadOnly)
  }

  @Test func `Behind two dashes and as one dash, words are operands`() throws {
    let options = try parse(["--", "-image", "-"])
    #expect(options.source == text("-image") && options.mountPoint == text("-"))
  }

  @Test(
    arguments: [
      ([], OptionError.missingOperand), (["/mnt"], .missingOperand),
      (["", "/mnt"], .missingOperand),
      (["a", ""], .missingOperand), (["a", "b", "c"], .extraOperand(text("c"))),
      (["a", "b", "-o"], .missingValue(text("-o"))),
      (["a", "b", "-x"], .unknownOption(text("-x"))),
      (["a", "b", "-sx"], .unknownOption(text("-sx"))),
      (["a", "b", "--bogus"], .unknownOption(text("--bogus"))),
      (["a", "b", "--debug=1"], .unknownOption(text("--debug=1"))),
      (["-h"], .help), (["--help", "-x"], .help), (["-V"], .version), (["--version"], .version),
    ] as [([String], OptionError)])
  func `A command line that says something else is refused`(
    arguments: [String], error: OptionError
  ) {
    #expect(throws: error) { try parse(arguments) }
  }

  @Test func `Single letters are accepted together and apart`() throws {
    let options = try parse(["-sfd", "-n", "-v", "a", "b"])
    #expect(options.singleThreaded && options.debug && !options.isReadOnly)
    #expect(options.userspaceWords == [text("-n")])
  }
}
