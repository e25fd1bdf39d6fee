// SPDX-License-Identifier: LGPL-2.1-or-later

import MountProtocol
import Testing

/// Bytes that a peer might send, with what is wrong about them.
struct MalformedPacket: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let bytes: [UInt8]

  init(_ description: String, _ magic: String, _ body: [UInt8]) {
    testDescription = "\(magic): \(description)"
    bytes = Array(magic.utf8) + body
  }

  /// What is wrong with a body of one 32-bit integer.
  static func integerBodies(_ magic: String) -> [MalformedPacket] {
    [
      MalformedPacket("no body", magic, []),
      MalformedPacket("one byte short", magic, [0, 0, 0]),
      MalformedPacket("one byte more", magic, [0, 0, 0, 0, 0]),
      MalformedPacket("four bytes more", magic, [0, 0, 0, 0, 0, 0, 0, 0]),
    ]
  }

  /// What is wrong with a string after `head`.
  static func stringBodies(
    _ magic: String, after head: [UInt8] = [], emptyIsMalformed: Bool
  ) -> [MalformedPacket] {
    var packets = [
      MalformedPacket("no string", magic, head),
      MalformedPacket("no terminator", magic, head + [0x61, 0x62]),
      MalformedPacket("a NUL in the middle", magic, head + [0x61, 0, 0x62, 0]),
      MalformedPacket("a NUL in front", magic, head + [0, 0x61, 0]),
      MalformedPacket("two terminators", magic, head + [0x61, 0, 0]),
      MalformedPacket("bytes after the terminator", magic, head + [0x61, 0, 0x62]),
    ]
    if emptyIsMalformed {
      packets.append(MalformedPacket("an empty string", magic, head + [0]))
    }
    return packets
  }

  /// `head` cut off at each of its bytes but the last.
  static func cutHeads(_ magic: String, _ head: [UInt8]) -> [MalformedPacket] {
    (0..<head.count).map {
      MalformedPacket("\($0) bytes of the body", magic, Array(head.prefix($0)))
    }
  }
}

@Suite("Malformed packets from a server")
struct MalformedCommandTests {
  static let fileRequests: [(Magic, MalformedPacket)] = [
    ("OPEN", Magic.open), ("BDEV", .openBlockDevice),
  ]
  .flatMap { name, magic in
    let head = [UInt8](repeating: 1, count: 16)
    return
      (MalformedPacket.cutHeads(name, head)
      + MalformedPacket.stringBodies(name, after: head, emptyIsMalformed: true))
      .map { (magic, $0) }
  }

  @Test(arguments: fileRequests)
  func `A malformed file request is told apart, because a FILE reply answers it`(
    magic: Magic, packet: MalformedPacket
  ) {
    #expect(throws: CommandError.malformedFileRequest(magic)) {
      try Command(decoding: packet.bytes)
    }
  }

  static let settings: [(Magic, MalformedPacket)] =
    MalformedPacket.integerBodies("TYPE").map { (.filesystemContext, $0) }
    + MalformedPacket.integerBodies("DOIT").map { (.mount, $0) }
    + MalformedPacket.stringBodies("NAME", emptyIsMalformed: true).map { (.source, $0) }
    + MalformedPacket.stringBodies("OPTS", emptyIsMalformed: true)
    .map { (.superblockOptions, $0) }
    + MalformedPacket.stringBodies("MTAB", emptyIsMalformed: true).map { (.userspaceOptions, $0) }
    + (MalformedPacket.cutHeads("MNTP", [0x40, 0, 0, 0])
    + MalformedPacket.stringBodies("MNTP", after: [0x40, 0, 0, 0], emptyIsMalformed: true)
    + [
      MalformedPacket("padding 1", "MNTP", [0x40, 0, 0, 1, 0x61, 0]),
      MalformedPacket("padding 0x100", "MNTP", [0x40, 0, 1, 0, 0x61, 0]),
    ]).map { (.mountPoint, $0) }
    + (MalformedPacket.integerBodies("IOMA")
    + [
      MalformedPacket("a mode of neither kind", "IOMA", [0x50, 0x22, 0, 0]),
      MalformedPacket("padding 1", "IOMA", [0x50, 0x21, 0, 1]),
      MalformedPacket("a byte after the padding", "IOMA", [0x50, 0x3f, 0, 0, 0]),
    ]).map { (.ioMapping, $0) }

  @Test(arguments: settings)
  func `A malformed command is told apart, because a simple reply answers it`(
    magic: Magic, packet: MalformedPacket
  ) {
    #expect(throws: CommandError.malformedCommand(magic)) { try Command(decoding: packet.bytes) }
  }

  static let farewells: [(Magic, MalformedPacket)] =
    MalformedPacket.integerBodies("BYEE").map { (.goodbye, $0) }
    + (MalformedPacket.stringBodies("SAYS", emptyIsMalformed: false)
    + [
      MalformedPacket(
        "513 bytes", "SAYS",
        [UInt8](repeating: 0x61, count: ProtocolLimits.lastWordsLength + 1)
          + [0])
    ]).map { (.lastWords, $0) }

  @Test(arguments: farewells)
  func `A malformed farewell is told apart, because nothing answers it`(
    magic: Magic, packet: MalformedPacket
  ) {
    #expect(throws: CommandError.malformedFarewell(magic)) { try Command(decoding: packet.bytes) }
  }

  @Test(arguments: 0..<4)
  func `A packet too short for a magic is told apart`(length: Int) {
    #expect(throws: CommandError.tooShort) {
      try Command(decoding: Array(Array("BYEE".utf8).prefix(length)))
    }
  }

  @Test(arguments: ["open", "NEPO", "XXXX", "\0\0\0\0", "SAFT", "LAST", "FILE", "REPL", "ARGS"])
  func `A magic that is no command's is told apart, a helper's own included`(name: String) {
    let magic = name.utf8.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    #expect(throws: CommandError.unknownMagic(magic)) {
      try Command(decoding: Array(name.utf8) + [0, 0, 0, 0])
    }
  }

  /// A command whose packet has `size` bytes.
  private func options(ofPacketSize size: Int) -> Command {
    .superblockOptions([UInt8](repeating: 0x61, count: size - 5))
  }

  @Test
  func `A packet of 65536 bytes is read and one of 65537 is too long`() throws {
    let largest = options(ofPacketSize: 65_536)
    #expect(largest.encoded().count == 65_536)
    #expect(try Command(decoding: largest.encoded()) == largest)
    #expect(throws: CommandError.tooLong) {
      try Command(decoding: self.options(ofPacketSize: 65_537).encoded())
    }
  }

  @Test
  func `Too long is said whatever the packet begins with`() {
    #expect(throws: CommandError.tooLong) {
      try Command(decoding: [UInt8](repeating: 0, count: 65_537))
    }
  }

  @Test(arguments: [
    Command.lastWords([]), .lastWords([UInt8](repeating: 0x61, count: 512)),
  ])
  func `No words, and 512 bytes of words are well-formed`(command: Command) throws {
    #expect(try Command(decoding: command.encoded()) == command)
  }

  @Test
  func `Strings are bytes, not UTF-8`() throws {
    let command = Command.source([0xff, 0xfe, 0xc0, 0x80, 0x1b, 0x0a])
    #expect(try Command(decoding: command.encoded()) == command)
  }

  @Test
  func `Bits that version 1 does not know are kept for the policy to refuse`() throws {
    let request = OpenRequest(
      path: [0x61], openFlags: .max, createMode: .max,
      requestFlags: OpenRequestFlags(rawValue: .max), blockSize: .max)
    #expect(
      try Command(decoding: Array("OPEN".utf8) + [UInt8](repeating: 0xff, count: 16) + [0x61, 0])
        == .open(request))
    #expect(
      try Command(decoding: Array("TYPE".utf8) + [0xff, 0xff, 0xff, 0xff])
        == .filesystemContext(FilesystemContextFlags(rawValue: .max)))
  }
}

@Suite("Malformed packets of the hello")
struct MalformedHelloTests {
  static let hellos: [MalformedPacket] =
    MalformedPacket.cutHeads("SAFT", [0, 1, 0, 1, 0, 0, 0, 0])
    + [
      MalformedPacket("one byte more", "SAFT", [0, 1, 0, 1, 0, 0, 0, 0, 0]),
      MalformedPacket("another magic", "TFAS", [0, 1, 0, 1, 0, 0, 0, 0]),
      MalformedPacket("the reply's magic", "LAST", [0, 1, 0, 1, 0, 0, 0, 0]),
    ]

  @Test(arguments: hellos)
  func `A malformed hello is none`(packet: MalformedPacket) {
    #expect(Hello(decoding: packet.bytes) == nil)
  }

  static let replies: [MalformedPacket] =
    MalformedPacket.cutHeads("LAST", [0, 1, 0, 0])
    + [
      MalformedPacket("one byte more", "LAST", [0, 1, 0, 0, 0]),
      MalformedPacket("padding 1", "LAST", [0, 1, 0, 1]),
      MalformedPacket("padding 0x8000", "LAST", [0, 1, 0x80, 0]),
      MalformedPacket("another magic", "TSAL", [0, 1, 0, 0]),
      MalformedPacket("the hello's magic", "SAFT", [0, 1, 0, 0]),
    ]

  @Test(arguments: replies)
  func `A malformed hello reply is none`(packet: MalformedPacket) {
    #expect(HelloReply(decoding: packet.bytes) == nil)
  }

  @Test(arguments: [0, 2, UInt16.max])
  func `A version out of range reads, and is the session's to refuse`(version: UInt16) {
    #expect(
      HelloReply(decoding: HelloReply(version: version).encoded())
        == HelloReply(version: version))
  }
}

@Suite("Malformed packets from a helper")
struct MalformedReplyTests {
  static let replies: [MalformedPacket] =
    MalformedPacket.integerBodies("REPL")
    + MalformedPacket.cutHeads("FILE", [0, 0, 0, 0])
    + MalformedPacket.stringBodies("FILE", after: [0, 0, 0, 0], emptyIsMalformed: false)
    + ["LPER", "OPEN", "BYEE", "SAFT"].map {
      MalformedPacket("another magic", $0, [0, 0, 0, 0])
    }

  @Test(arguments: replies)
  func `A malformed reply is none`(packet: MalformedPacket) {
    #expect(Reply(decoding: packet.bytes) == nil)
  }

  @Test(arguments: 0..<4)
  func `A packet too short for a magic is no reply`(length: Int) {
    #expect(Reply(decoding: Array(Array("REPL".utf8).prefix(length))) == nil)
  }

  @Test
  func `A reply of 65536 bytes is read and one of 65537 is none`() {
    let path = [UInt8](repeating: 0x61, count: 65_536 - 9)
    let largest = Reply.file(error: nil, path: path)
    #expect(largest.encoded().count == 65_536)
    #expect(Reply(decoding: largest.encoded()) == largest)
    #expect(Reply(decoding: Reply.file(error: nil, path: path + [0x61]).encoded()) == nil)
  }

  @Test
  func `The answer to a request without a path that can be told has a question mark`() {
    #expect(
      Reply.file(error: .invalidArgument, path: ProtocolLimits.unknownPath).encoded()
        == Array("FILE".utf8) + [0, 0, 0, 22, 0x3f, 0])
  }
}
