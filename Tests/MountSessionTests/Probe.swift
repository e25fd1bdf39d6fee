// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import MountSession
import Testing

/// A packet, and what it is for the protocol.
struct Probe: CustomTestStringConvertible {
  enum Kind {
    /// A setting that is taken, or that MountPolicy or the kernel's lack refuses.
    case setting(Setting, SessionRefusal?)
    /// DOIT.
    case mount(SessionRefusal?)
    /// OPEN or BDEV.
    case file(OpenRequest, blockDevice: Bool, SessionRefusal?)
    /// OPEN or BDEV that cannot be read.
    case malformedFile
    /// Any other command that cannot be read.
    case malformedCommand
    case lastWords
    case goodbye(UInt32)
    /// What ends a session in every state.
    case fatal(SessionFailure)
  }

  var name: String
  var magic: Magic
  var packet: [UInt8]
  var kind: Kind

  var testDescription: String { name }

  init(_ name: String, _ command: Command, _ kind: Kind) {
    self.name = name
    magic = command.magic
    packet = command.encoded()
    self.kind = kind
  }

  init(_ name: String, _ magic: Magic, body: [UInt8] = [], _ kind: Kind) {
    self.name = name
    self.magic = magic
    packet = MountSessionTests.packet(magic, body)
    self.kind = kind
  }

  static let all = commands + files + malformed + fatal

  private static let commands: [Probe] =
    Setting.allCases.map { Probe("a good \($0)", $0.command, .setting($0, nil)) } + [
      Probe(
        "TYPE fuseblk", .filesystemContext(.fuseblk),
        .setting(.type, .policy(.fuseblkNeedsRoot))),
      Probe(
        "TYPE with an unknown bit", .filesystemContext(FilesystemContextFlags(rawValue: 2)),
        .setting(.type, .policy(.unknownContextFlags(2)))),
      Probe(
        "NAME of a path", .source(bytes("/dev/sda")),
        .setting(.name, .policy(.sourceNotNamed(bytes("/dev/sda"))))),
      Probe(
        "OPTS with fd=", .superblockOptions(bytes("fd=3")),
        .setting(.options, .policy(.optionOfHelper(bytes("fd=3"))))),
      Probe(
        "MNTP of the image", .mountPoint(expectedFormat: 0, path: bytes("disk.img")),
        .setting(.mountPoint, .policy(.notTheMountPoint(bytes("disk.img"))))),
      Probe(
        "MNTP of a file", .mountPoint(expectedFormat: 0o100000, path: bytes("mnt")),
        .setting(.mountPoint, .policy(.mountPointIsDirectory))),
      Probe("IOMA that is needed", .ioMapping(.mandatory), .setting(.ioMapping, .noIOMapping)),
      Probe("DOIT", .mount(flags: 6), .mount(nil)),
      Probe(
        "DOIT with MS_BIND", .mount(flags: 1 << 12),
        .mount(.policy(.mountFlagsNotAllowed(1 << 12)))),
      Probe("SAYS", .lastWords(bytes("again")), .lastWords),
      Probe("BYEE 0", .goodbye(exitCode: 0), .goodbye(0)),
      Probe("BYEE 2", .goodbye(exitCode: 2), .goodbye(2)),
      Probe("BYEE 256", .goodbye(exitCode: 256), .goodbye(256)),
    ]

  private static let files: [Probe] = [false, true].flatMap { blockDevice -> [Probe] in
    let letters = blockDevice ? "BDEV" : "OPEN"
    let named = OpenRequest(path: bytes("disk.img"), openFlags: 2, blockSize: 512)
    let quiet = OpenRequest(path: bytes("/etc/shadow"), openFlags: 0, requestFlags: .quiet)
    let loud = OpenRequest(path: bytes("/etc/shadow"), openFlags: 0)
    let unnamed = SessionRefusal.policy(.fileNotNamed(bytes("/etc/shadow")))
    return [
      ("of a named file", named, nil), ("of another, quietly", quiet, unnamed),
      ("of another", loud, unnamed),
    ].map { (name: String, request: OpenRequest, refusal: SessionRefusal?) in
      Probe(
        "\(letters) \(name)", blockDevice ? .openBlockDevice(request) : .open(request),
        .file(request, blockDevice: blockDevice, refusal))
    }
  }

  private static let malformed: [Probe] =
    [
      ("OPEN", Magic.open), ("BDEV", .openBlockDevice),
    ].map { Probe("a malformed \($0)", $1, body: [1], .malformedFile) }
    + [
      ("TYPE", Magic.filesystemContext), ("NAME", .source), ("OPTS", .superblockOptions),
      ("MTAB", .userspaceOptions), ("MNTP", .mountPoint), ("DOIT", .mount), ("IOMA", .ioMapping),
    ].map { Probe("a malformed \($0)", $1, body: [1], .malformedCommand) }

  private static let fatal: [Probe] =
    [
      Probe("a malformed SAYS", .lastWords, body: [1], .fatal(.brokenPacket)),
      Probe("a malformed BYEE", .goodbye, body: [1], .fatal(.brokenPacket)),
      Probe(
        "a packet too long", .open, body: [UInt8](repeating: 0, count: 65_536),
        .fatal(.brokenPacket)),
    ]
    + (0..<4).map { length in
      var probe = Probe("\(length) bytes", .mount, .fatal(.brokenPacket))
      probe.packet = Array(probe.packet.prefix(length))
      return probe
    }
    + [
      0, 0xffff_ffff, Magic.hello.rawValue, Magic.helloReply.rawValue, Magic.fileReply.rawValue,
      Magic.simpleReply.rawValue, Magic.arguments.rawValue, Magic.goodbye.rawValue ^ 0x2020_2020,
    ].map {
      Probe("magic \($0)", Magic(rawValue: $0), body: [0, 0, 0, 0], .fatal(.unknownPacket($0)))
    }
}
