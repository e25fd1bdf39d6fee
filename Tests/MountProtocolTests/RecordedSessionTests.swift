// SPDX-License-Identifier: LGPL-2.1-or-later

import MountProtocol
import Testing

/// A recording taken apart into its packets.
struct RecordedPackets {
  struct FromHelper {
    var bytes: [UInt8]
    var hasDescriptor: Bool
  }

  /// Packets of the helper, the hello first.
  var helper: [FromHelper] = []
  /// Packets of the server, the hello reply first.
  var server: [[UInt8]] = []
  /// The content of the descriptor that came with the first FILE reply.
  var arguments: [UInt8] = []
  /// The words by which mount.fuse3 called the helper, where it did.
  var call: [[UInt8]]?

  init(_ session: RecordedSession) {
    var lines: [[Substring]] = []
    for line in session.record.split(separator: "\n") {
      let words = line.split(separator: " ")
      if line.hasPrefix(" "), !lines.isEmpty {
        lines[lines.count - 1] += words
      } else {
        lines.append(words)
      }
    }
    for words in lines {
      let bytes = words.dropFirst().flatMap(Self.bytes)
      switch words[0] {
      case "helper": helper.append(FromHelper(bytes: bytes, hasDescriptor: false))
      case "helper+fd": helper.append(FromHelper(bytes: bytes, hasDescriptor: true))
      case "server": server.append(bytes)
      case "argv": arguments = bytes
      case "call":
        call = bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map(
          Array.init)
      default: Issue.record("a line of \(words[0])")
      }
    }
  }

  private static func bytes(_ word: Substring) -> [UInt8] {
    let digits = word.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map {
      UInt8(digits[$0] << 4 | digits[$0 + 1])
    }
  }
}

/// A recording and what it says.
struct Reading: Sendable, CustomTestStringConvertible {
  let session: RecordedSession
  let flags: HelloFlags
  let arguments: [[UInt8]]
  let commands: [Command]
  /// The replies after the two files that come unasked.
  let replies: [Reply]

  var testDescription: String { session.testDescription }

  init(
    _ session: RecordedSession, flags: HelloFlags, arguments: [String], commands: [Command],
    replies: [Reply]
  ) {
    self.init(
      session, flags: flags, arguments: arguments.map { Array($0.utf8) }, commands: commands,
      replies: replies)
  }

  init(
    _ session: RecordedSession, flags: HelloFlags, arguments: [[UInt8]], commands: [Command],
    replies: [Reply]
  ) {
    self.session = session
    self.flags = flags
    self.arguments = arguments
    self.commands = commands
    self.replies = replies
  }
}

@Suite("Recorded sessions of libfuse 3.19")
struct RecordedSessionTests {
  /// The sessions of both files of fixtures.
  static let all = readings + interop

  static let readings: [Reading] = [
    Reading(
      .rootReadOnly, flags: [.allowOther, .fuseblk],
      arguments: [
        "service_ll", "/srv/disk.img", "/mnt/data", "-o",
        "ro,allow_other,default_permissions,max_read=65536,x-wire=1",
      ],
      commands: [
        open("/srv/disk.img", exclusiveRead), .filesystemContext([]), source("service_ll"),
        mountPoint(directory, "/mnt/data"),
        .superblockOptions(Array("allow_other,default_permissions,max_read=65536".utf8)),
        .userspaceOptions(Array("x-wire=1".utf8)), .mount(flags: nosuidNodev | 0x1),
        .goodbye(exitCode: 0),
      ],
      replies: [file("/srv/disk.img"), done, done, done, done, done, done]),
    Reading(
      .rootUserspaceOptions, flags: [.allowOther, .fuseblk],
      arguments: [
        "service_ll", "/srv/disk.img", "/mnt/data", "-o",
        "user=root,fsname=disk.img,noexec,noatime",
      ],
      commands: [
        open("/srv/disk.img", exclusiveReadWrite), .filesystemContext([]), source("disk.img"),
        mountPoint(directory, "/mnt/data"), .userspaceOptions(Array("user=root".utf8)),
        .mount(flags: nosuidNodev | 0x408), .goodbye(exitCode: 0),
      ],
      replies: [file("/srv/disk.img"), done, done, done, done, done]),
    Reading(
      .rootBlockDevice, flags: [.allowOther, .fuseblk],
      arguments: [
        "service_ll", "/dev/loop0", "/mnt/data", "-o",
        "require_bdev,blocksize=4096,blkdev,fsname=/dev/loop0",
      ],
      commands: [
        blockDevice("/dev/loop0", exclusiveReadWrite, blockSize: 4_096),
        .filesystemContext(.fuseblk), source("/dev/loop0"), mountPoint(directory, "/mnt/data"),
        .mount(flags: nosuidNodev), .goodbye(exitCode: 1),
      ],
      replies: [file("/dev/loop0"), done, done, done, .simple(error: .busy)]),
    Reading(
      .rootNotBlockDevice, flags: [.allowOther, .fuseblk],
      arguments: ["service_ll", "/srv/disk.img", "/mnt/data", "-o", "require_bdev"],
      commands: [
        blockDevice("/srv/disk.img", exclusiveReadWrite, blockSize: 0), .goodbye(exitCode: 1),
      ],
      replies: [file("/srv/disk.img", .notBlockDevice)]),
    Reading(
      .userPlain, flags: [], arguments: ["service_ll", "/home/disk.img", "/home/mnt"],
      commands: [
        open("/home/disk.img", exclusiveReadWrite), .filesystemContext([]), source("service_ll"),
        mountPoint(directory, "/home/mnt"), .mount(flags: nosuidNodev), .goodbye(exitCode: 0),
      ],
      replies: [file("/home/disk.img"), done, done, done, done]),
    Reading(
      .userReadOnlyRetry, flags: [], arguments: ["service_ll", "/srv/disk.img", "/home/mnt"],
      commands: [
        open("/srv/disk.img", exclusiveReadWrite), open("/srv/disk.img", exclusiveRead),
        .filesystemContext([]), source("service_ll"), mountPoint(directory, "/home/mnt"),
        .mount(flags: nosuidNodev), .goodbye(exitCode: 0),
      ],
      replies: [
        file("/srv/disk.img", .permissionDenied), file("/srv/disk.img"), done, done, done, done,
      ]),
    Reading(
      .userAllowOther, flags: [],
      arguments: ["service_ll", "/home/disk.img", "/home/mnt", "-o", "allow_other"],
      commands: [
        open("/home/disk.img", exclusiveReadWrite), .filesystemContext([]), source("service_ll"),
        mountPoint(directory, "/home/mnt"), .superblockOptions(Array("allow_other".utf8)),
        .goodbye(exitCode: 1),
      ],
      replies: [file("/home/disk.img"), done, done, done, .simple(error: .notPermitted)]),
    Reading(
      .userFuseblk, flags: [],
      arguments: ["service_ll", "/home/disk.img", "/home/mnt", "-o", "blkdev,fsname=disk"],
      commands: [
        open("/home/disk.img", exclusiveReadWrite), .filesystemContext(.fuseblk),
        .goodbye(exitCode: 1),
      ],
      replies: [file("/home/disk.img"), .simple(error: .notPermitted)]),
    Reading(
      .userNoSuchFile, flags: [], arguments: ["service_ll", "/home/nothing.img", "/home/mnt"],
      commands: [open("/home/nothing.img", exclusiveReadWrite), .goodbye(exitCode: 1)],
      replies: [file("/home/nothing.img", .noSuchFile)]),
    Reading(
      .userNotDirectory, flags: [], arguments: ["service_ll", "/home/disk.img", "/home/file"],
      commands: [
        open("/home/disk.img", exclusiveReadWrite), .filesystemContext([]), source("service_ll"),
        mountPoint(directory, "/home/file"), .goodbye(exitCode: 1),
      ],
      replies: [file("/home/disk.img"), done, done, .simple(error: .notDirectory)]),
    Reading(
      .userInvalidUTF8, flags: [],
      arguments: [
        Array("service_ll".utf8), invalidUTF8, Array("/home/mnt".utf8), Array("-o".utf8), [],
      ],
      commands: [
        .open(OpenRequest(path: invalidUTF8, openFlags: exclusiveReadWrite)),
        .filesystemContext([]), source("service_ll"), mountPoint(directory, "/home/mnt"),
        .mount(flags: nosuidNodev), .goodbye(exitCode: 0),
      ],
      replies: [.file(error: nil, path: invalidUTF8), done, done, done, done]),
    Reading(
      .userFileMountPoint, flags: [], arguments: ["null", "/home/file"],
      commands: [
        .filesystemContext([]), source("null"), mountPoint(regularFile, "/home/file"),
        .mount(flags: nosuidNodev), .goodbye(exitCode: 0),
      ],
      replies: [done, done, done, done]),
  ]

  private static let invalidUTF8: [UInt8] = Array("/home/".utf8) + [0xe4] + Array(".img".utf8)

  @Test(arguments: all)
  func `The hello and its reply read as what they say and are written as the same bytes`(
    reading: Reading
  ) throws {
    let packets = RecordedPackets(reading.session)
    let hello = Hello(flags: reading.flags)
    let first = try #require(packets.helper.first)
    #expect(Hello(decoding: first.bytes) == hello)
    #expect(hello.encoded() == first.bytes)
    #expect(!first.hasDescriptor)

    let reply = try #require(packets.server.first)
    #expect(HelloReply(decoding: reply) == HelloReply())
    #expect(HelloReply().encoded() == reply)
  }

  @Test(arguments: all)
  func `The server's packets read as what they say and are written as the same bytes`(
    reading: Reading
  ) throws {
    let recorded = RecordedPackets(reading.session).server.dropFirst()
    #expect(try recorded.map { try Command(decoding: $0) } == reading.commands)
    #expect(reading.commands.map { $0.encoded() } == Array(recorded))
  }

  @Test(arguments: all)
  func `The helper's packets read as what they say and are written as the same bytes`(
    reading: Reading
  ) {
    let recorded = RecordedPackets(reading.session).helper.dropFirst().map(\.bytes)
    let unasked = [ProtocolLimits.argumentsPath, ProtocolLimits.fuseDevicePath].map {
      Reply.file(error: nil, path: $0)
    }
    let replies = unasked + reading.replies
    #expect(recorded.map { Reply(decoding: $0) } == replies)
    #expect(replies.map { $0.encoded() } == recorded)
  }

  @Test(arguments: all)
  func `A descriptor rides along with a FILE reply of success and with nothing else`(
    reading: Reading
  ) {
    for packet in RecordedPackets(reading.session).helper.dropFirst() {
      var isFile = false
      if case .file(error: nil, path: _) = Reply(decoding: packet.bytes) { isFile = true }
      #expect(packet.hasDescriptor == isFile)
    }
  }

  @Test(arguments: all)
  func `The command line reads as the caller typed it, without the type`(reading: Reading) throws {
    let recorded = RecordedPackets(reading.session).arguments
    #expect(try ArgumentsFile.decode(recorded) == reading.arguments)
  }

  /// libfuse's helper keeps table entries for `-t` and `TYPE`, which it leaves out: 16 zero bytes.
  @Test(arguments: all)
  func `Our file of the command line is libfuse's without its two unused table entries`(
    reading: Reading
  ) throws {
    let recorded = RecordedPackets(reading.session).arguments
    let stringsStart = 8 + 8 * reading.arguments.count
    let unused = recorded[stringsStart..<stringsStart + 16]
    #expect(unused.allSatisfy { $0 == 0 })

    var reader = ByteReader(recorded)
    var expected = ByteWriter()
    let magic = reader.readUInt32()
    let count = reader.readUInt32()
    expected.write(try #require(magic))
    expected.write(try #require(count))
    for _ in reading.arguments {
      let offset = reader.readUInt32()
      let length = reader.readUInt32()
      expected.write(try #require(offset) - 16)
      expected.write(try #require(length))
    }
    expected.write(Array(recorded[(stringsStart + 16)...]))
    #expect(ArgumentsFile.encode(reading.arguments) == expected.bytes)
  }

  @Test(arguments: all.filter { RecordedPackets($0.session).call != nil })
  func `What mount.fuse3 calls the helper with reaches the server, the type first`(
    reading: Reading
  ) throws {
    let call = try #require(RecordedPackets(reading.session).call)
    let index = try #require(call.firstIndex(of: Array("-t".utf8)))
    let words = call[1..<index] + call[(index + 2)...]
    #expect(reading.arguments == [call[index + 1]] + words)
  }

  @Test
  func `The recordings hold every packet of version 1 that released peers send`() {
    var seen: Set<String> = []
    for reading in Self.readings {
      let packets = RecordedPackets(reading.session)
      for bytes in packets.server + packets.helper.map(\.bytes) + [packets.arguments] {
        seen.insert(String(decoding: bytes.prefix(4), as: UTF8.self))
      }
    }
    #expect(
      seen == [
        "SAFT", "LAST", "OPEN", "BDEV", "TYPE", "NAME", "MNTP", "OPTS", "MTAB", "DOIT", "BYEE",
        "FILE", "REPL", "ARGS",
      ])
  }
}
