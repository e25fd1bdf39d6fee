// SPDX-License-Identifier: LGPL-2.1-or-later

import ServerSupport
import Testing

@testable import ServiceAdapter

private let server = ["--", "/bin/server", "{source}", "{mountpoint}"]

func describe(_ words: [String]) throws(DescriptionError) -> ServiceDescription {
  try ServiceDescription(arguments: (words + server).map { text($0) })
}

@Suite struct DescriptionTests {
  @Test func `A server's command line is enough`() throws {
    let description = try describe([])
    #expect(!description.isReadOnly)
    #expect(!description.hasDefaultPermissions)
    #expect(description.readWriteWord == text("rw"))
    #expect(description.startSeconds == 60)
    #expect(description.command == server.dropFirst().map { text($0) })
  }

  @Test func `Each argument says one thing`() throws {
    let description = try describe([
      "--read-only", "--default-permissions", "--read-write-word=rw+", "--option=a",
      "--option=uid=", "--file-option=journal=", "--banner=Hello ", "--start-timeout=300",
    ])
    #expect(description.isReadOnly)
    #expect(description.hasDefaultPermissions)
    #expect(description.readWriteWord == text("rw+"))
    #expect(description.callerWords == [text("a"), text("uid=")])
    #expect(description.fileWords == [text("journal=")])
    #expect(description.banners == [text("Hello ")])
    #expect(description.startSeconds == 300)
  }

  @Test(arguments: [
    "read-only", "--read-only=yes", "--bogus", "--option=", "--option", "--file-option=journal",
    "--banner=", "--read-write-word=", "",
  ])
  func `What is unknown or incomplete is named`(argument: String) {
    #expect(throws: DescriptionError.unknownArgument(text(argument))) { try describe([argument]) }
  }

  @Test(arguments: ["0", "301", "", "-1", "1s", "9999999999"])
  func `A time is from 1 to 300 seconds`(seconds: String) {
    let argument = "--start-timeout=" + seconds
    #expect(throws: DescriptionError.badTimeout(text(argument))) { try describe([argument]) }
  }

  @Test(
    arguments: [
      ([], .missingServer), (["--read-only"], .missingServer), (["--"], .missingServer),
      (["--url", "--file-option=a=", "--", "/s", "{source}", "{mountpoint}"], .filesOnTheWeb),
      (["--", "server"], .relativeServer(text("server"))),
      (["--", "/s", "{mountpoint}"], .missingPlaceholder(text("{source}"))),
      (["--", "/s", "{source}"], .missingPlaceholder(text("{mountpoint}"))),
    ] as [([String], DescriptionError)])
  func `A command line that cannot be run is refused`(words: [String], error: DescriptionError) {
    #expect(throws: error) { try ServiceDescription(arguments: words.map { text($0) }) }
  }

  @Test func `What follows the dashes is the server's alone`() throws {
    let words = ["--", "/s", "--read-only", "{source}", "--", "x={mountpoint}"]
    let description = try ServiceDescription(arguments: words.map { text($0) })
    #expect(!description.isReadOnly)
    #expect(description.command == words.dropFirst().map { text($0) })
  }
}
