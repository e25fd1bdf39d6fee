// SPDX-License-Identifier: LGPL-2.1-or-later

import MountProtocol
import Testing

@Suite("What the wire fixes")
struct ProtocolLimitsTests {
  static let magics: [(Magic, String)] = [
    (.hello, "SAFT"), (.helloReply, "LAST"), (.open, "OPEN"), (.openBlockDevice, "BDEV"),
    (.filesystemContext, "TYPE"), (.source, "NAME"), (.superblockOptions, "OPTS"),
    (.userspaceOptions, "MTAB"), (.mountPoint, "MNTP"), (.mount, "DOIT"), (.lastWords, "SAYS"),
    (.ioMapping, "IOMA"), (.goodbye, "BYEE"), (.fileReply, "FILE"), (.simpleReply, "REPL"),
    (.arguments, "ARGS"),
  ]

  @Test(arguments: magics)
  func `A magic is its four ASCII letters`(magic: Magic, letters: String) {
    var writer = ByteWriter()
    writer.write(magic.rawValue)
    #expect(writer.bytes == Array(letters.utf8))
  }

  static let commands: [(Command, String)] = {
    let request = OpenRequest(path: [0x61], openFlags: 0)
    return [
      (.open(request), "OPEN"), (.openBlockDevice(request), "BDEV"),
      (.filesystemContext(.fuseblk), "TYPE"), (.source([0x61]), "NAME"),
      (.superblockOptions([]), "OPTS"), (.userspaceOptions([]), "MTAB"),
      (.mountPoint(expectedFormat: 0, path: [0x61]), "MNTP"), (.mount(flags: 0), "DOIT"),
      (.ioMapping(.optional), "IOMA"), (.lastWords([]), "SAYS"), (.goodbye(exitCode: 0), "BYEE"),
    ]
  }()

  @Test(arguments: commands)
  func `A command begins with its own magic`(command: Command, letters: String) {
    #expect(Array(command.encoded().prefix(4)) == Array(letters.utf8))
  }

  // No released peer sends these, so no recording shows their bytes.
  static let additions: [(Command, [UInt8])] = [
    (.ioMapping(.optional), Array("IOMAP?".utf8) + [0, 0]),
    (.ioMapping(.mandatory), Array("IOMAP!".utf8) + [0, 0]),
    (.lastWords(Array("no room".utf8)), Array("SAYSno room".utf8) + [0]),
    (
      .open(OpenRequest(path: [0x61], openFlags: 2, requestFlags: [.quiet, .loop])),
      Array("OPEN".utf8) + [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0x61, 0]
    ),
  ]

  @Test(arguments: additions)
  func `The project's own packets are the documented bytes`(command: Command, bytes: [UInt8]) {
    #expect(command.encoded() == bytes)
  }

  @Test
  func `The send buffer takes an open command of a path of 4096 bytes and no more`() {
    let path = [UInt8](repeating: 0x61, count: 4_096)
    let packet = Command.open(OpenRequest(path: path, openFlags: 0)).encoded()
    #expect(packet.count == ProtocolLimits.sendBufferSize)
  }

  @Test
  func `A hello offers version 1 alone and a reply picks it unless told otherwise`() {
    #expect(Hello(flags: .known).encoded() == Array("SAFT".utf8) + [0, 1, 0, 1, 0, 0, 0, 3])
    #expect(HelloReply().encoded() == Array("LAST".utf8) + [0, 1, 0, 0])
  }
}
