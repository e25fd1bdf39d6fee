// SPDX-License-Identifier: LGPL-2.1-or-later

import Testing

@testable import MountHelper

/// A command line in words, and what is read from it.
struct Reading: CustomTestStringConvertible {
  var line: String
  var mountPoint: String
  var others: String
  var options: String
  /// What travels after the subtype.
  var server: String

  init(
    _ line: String, on mountPoint: String, others: String = "", options: String = "",
    server: String
  ) {
    self.line = line
    self.mountPoint = mountPoint
    self.others = others
    self.options = options
    self.server = server
  }

  var testDescription: String { line }
}

func mountInvocation(_ line: String) throws -> MountInvocation {
  switch try Invocation.parse(words(line)) {
  case .mount(let mount): return mount
  case let other: throw Unexpected(what: "\(other)")
  }
}

struct Unexpected: Error {
  var what: String
}

func usageError(_ line: String) -> UsageError? { usageError(words(line)) }

func usageError(_ arguments: [[UInt8]]) -> UsageError? {
  do throws(UsageError) {
    _ = try Invocation.parse(arguments)
    return nil
  } catch {
    return error
  }
}

func expect(_ reading: Reading) throws {
  let mount = try mountInvocation(reading.line)
  #expect(text(mount.mountPoint) == reading.mountPoint)
  #expect(mount.otherOperands == words(reading.others))
  #expect(mount.optionArguments == words(reading.options))
  #expect(mount.serverArguments == words(reading.server))
}

@Suite("Command lines in the helper's own form")
struct DirectFormTests {
  @Test(
    arguments: [
      Reading("f disk.img mnt -t x", on: "mnt", others: "disk.img", server: "disk.img mnt"),
      Reading("f -t x disk.img mnt", on: "mnt", others: "disk.img", server: "disk.img mnt"),
      Reading("f disk.img -t x mnt", on: "mnt", others: "disk.img", server: "disk.img mnt"),
      // One operand is the mount point.
      Reading("f mnt -t x", on: "mnt", server: "mnt"),
      // An empty source is one left out, and does not travel.
      Reading("f '' mnt -t x", on: "mnt", server: "mnt"),
      // Further operands are files, whatever they are for the server.
      Reading("f a b c d -t x", on: "b", others: "a c d", server: "a b c d"),
      Reading("f a b '' -t x", on: "b", others: "a ''", server: "a b ''"),
      // A single dash is a name.
      Reading("f - mnt -t x", on: "mnt", others: "-", server: "- mnt"),
      // Options, attached or not, are read on the way and travel.
      Reading(
        "f a mnt -t x -o ro,noexec -oallow_other", on: "mnt", others: "a",
        options: "ro,noexec allow_other", server: "a mnt -o ro,noexec -oallow_other"),
      Reading("f a mnt -t x -oro", on: "mnt", others: "a", options: "ro", server: "a mnt -oro"),
      Reading("f a mnt -t x -r", on: "mnt", others: "a", options: "ro", server: "a mnt -r"),
      Reading(
        "f a mnt -t x -o rw -r", on: "mnt", others: "a", options: "rw ro",
        server: "a mnt -o rw -r"),
      Reading("f a mnt -t x -o ''", on: "mnt", others: "a", options: "''", server: "a mnt -o ''"),
      // What follows -o is its value, whatever it looks like.
      Reading(
        "f a mnt -t x -o --check", on: "mnt", others: "a", options: "--check",
        server: "a mnt -o --check"),
      // Everything else is the server's.
      Reading(
        "f -d -s -f -n -v a mnt -t x --quux -abc", on: "mnt", others: "a",
        server: "-d -s -f -n -v a mnt --quux -abc"),
      Reading("f a mnt -t x -h -V", on: "mnt", others: "a", server: "a mnt -h -V"),
      // Behind -- everything is an operand.
      Reading("f -t x -- -a -b", on: "-b", others: "-a", server: "-- -a -b"),
      Reading("f -t x a -- -t -r --", on: "-t", others: "a -r --", server: "a -- -t -r --"),
      // A word for the helper's clock is taken out of -o, and the rest travels byte for byte.
      Reading(
        "f a mnt -t x -o ro,fuse-service.timeout=5,,b", on: "mnt", others: "a", options: "ro,,b",
        server: "a mnt -o ro,,b"),
      Reading(
        "f a mnt -t x -ofuse-service.timeout=5,ro -oc,x-fuse-service.timeout=6", on: "mnt",
        others: "a", options: "ro c", server: "a mnt -oro -oc"),
      Reading(
        "f a mnt -t x -o fuse-service.timeout=5 -o,fuse-service.timeout=5,", on: "mnt",
        others: "a", server: "a mnt"),
      Reading(
        #"f a mnt -t x -o a="b,fuse-service.timeout=5,c",x-fuse-service.timeouts=1"#, on: "mnt",
        others: "a", options: #"a="b,fuse-service.timeout=5,c",x-fuse-service.timeouts=1"#,
        server: #"a mnt -o a="b,fuse-service.timeout=5,c",x-fuse-service.timeouts=1"#),
      Reading(
        #"f a mnt -t x -o a\,fuse-service.timeout=5"#, on: "mnt", others: "a",
        options: #"a\,fuse-service.timeout=5"#, server: #"a mnt -o a\,fuse-service.timeout=5"#),
      // The helper's own words do not travel.
      Reading("f a mnt -t x --timeout 5 --verbose", on: "mnt", others: "a", server: "a mnt"),
    ])
  func `A command line is read, and travels without the helper's own words`(reading: Reading)
    throws
  {
    try expect(reading)
  }

  @Test func `The words for the helper's clock are kept apart, in their order`() throws {
    let line = "f a mnt -t x -o fuse-service.timeout=5,b -oc,x-fuse-service.timeout=6,d"
    #expect(
      try mountInvocation(line).ownWords
        == words("fuse-service.timeout=5 x-fuse-service.timeout=6"))
  }

  @Test(arguments: ["x", "fuse.x", "fuseblk.x", "fuse", "..", ""])
  func `The type is kept as it was given`(type: String) throws {
    guard case .mount(let mount) = try Invocation.parse(words("f a mnt -t") + [bytes(type)]) else {
      Issue.record("no mount")
      return
    }
    #expect(text(mount.type) == type)
  }

  @Test(
    arguments: [
      ("1", 1), ("0001", 1), ("300", 300), ("86400", 86_400), ("086400", 86_400),
    ] as [(String, UInt32)])
  func `A timeout is a whole number of seconds, attached or not`(
    text: String, seconds: UInt32
  ) throws {
    #expect(try mountInvocation("f a mnt -t x --timeout \(text)").timeout == seconds)
    #expect(try mountInvocation("f --timeout=\(text) a mnt -t x").timeout == seconds)
  }

  @Test(
    arguments: [
      "0", "86401", "-1", "+1", "1s", "1.5", "0x10", "1000000", "4294967297", "0086400",
      "99999999999999999999",
    ])
  func `A timeout of another kind is refused`(text: String) {
    #expect(usageError("f a mnt -t x --timeout \(text)") == .badTimeout(bytes(text)))
    #expect(usageError("f a mnt -t x --timeout=\(text)") == .badTimeout(bytes(text)))
  }

  @Test func `Without --timeout and --verbose neither is set`() throws {
    let mount = try mountInvocation("f a mnt -t x -v -n")
    #expect(mount.timeout == nil)
    #expect(!mount.isVerbose)
    #expect(!mount.recordsNothing)
    #expect(try mountInvocation("f a mnt -t x --verbose").isVerbose)
  }

  @Test(arguments: ["f -t fuse.x --check", "f --check -t fuse.x", "'' -t fuse.x --check"])
  func `A check needs a type and nothing else`(line: String) throws {
    #expect(try Invocation.parse(words(line)) == .check(type: bytes("fuse.x"), isVerbose: false))
  }

  @Test(arguments: ["f -t fuse.x --check --verbose", "f --verbose --check -t fuse.x"])
  func `A check may be asked to say why not`(line: String) throws {
    #expect(try Invocation.parse(words(line)) == .check(type: bytes("fuse.x"), isVerbose: true))
  }

  @Test(
    arguments: [
      ("f --help", .help), ("f -h", .help), ("f --version", .version), ("f -V", .version),
      ("mount.fuse.x --help", .help), ("mount.fuse -h", .help),
      ("mount.fuse3 --version", .version), ("/sbin/mount.fuse.x -V", .version),
      ("f --list", .list(asJSON: false)), ("f --list --json", .list(asJSON: true)),
      ("f --json --list", .list(asJSON: true)),
    ] as [(String, Invocation)])
  func `Help, version and the list stand alone`(line: String, invocation: Invocation) throws {
    #expect(try Invocation.parse(words(line)) == invocation)
  }

  @Test(
    arguments: [
      ("f", .missingType), ("f mnt", .missingType), ("f --check", .missingType),
      ("f -- -t x", .missingType),
      ("f -t x", .missingMountPoint), ("f -t x ''", .missingMountPoint),
      ("f -t x '' ''", .missingMountPoint), ("f -t x a ''", .missingMountPoint),
      ("f mnt -t", .missingValue(option: bytes("-t"))),
      ("f mnt -t x -o", .missingValue(option: bytes("-o"))),
      ("f mnt -t x --timeout", .missingValue(option: bytes("--timeout"))),
      ("f mnt -t x -t x", .repeated(option: bytes("-t"))),
      ("f -t x --check --check", .repeated(option: bytes("--check"))),
      ("f mnt -t x --timeout 1 --timeout 2", .repeated(option: bytes("--timeout"))),
      ("f mnt -t x --timeout=1 --timeout=1", .repeated(option: bytes("--timeout"))),
      ("f mnt -t x --timeout=", .badTimeout([])),
      ("f mnt -t x --help", .unexpected(word: bytes("--help"))),
      ("f --version mnt", .unexpected(word: bytes("--version"))),
      ("f -t x --check mnt", .unexpected(word: bytes("mnt"))),
      ("f -t x --check -o ro", .unexpected(word: bytes("-o"))),
      (
        "f -t x --check -o fuse-service.timeout=5",
        .unexpected(word: bytes("fuse-service.timeout=5"))
      ),
      ("f -t x --check --timeout 5", .unexpected(word: bytes("--timeout"))),
      ("f --timeout=5 -t x --check", .unexpected(word: bytes("--timeout"))),
      ("f -t x --check -v", .unexpected(word: bytes("-v"))),
      ("f --json", .unexpected(word: bytes("--json"))),
      ("f --json -t x", .unexpected(word: bytes("--json"))),
      ("f --list -t x", .unexpected(word: bytes("--list"))),
      ("f --list --list", .unexpected(word: bytes("--list"))),
      ("f --list --json --json", .unexpected(word: bytes("--list"))),
      ("f --list mnt", .unexpected(word: bytes("--list"))),
      ("f --list --verbose", .unexpected(word: bytes("--list"))),
      ("f --list --check -t x", .unexpected(word: bytes("--list"))),
      ("f mnt -t x --json", .unexpected(word: bytes("--json"))),
      ("mount.fuse.x --list", .unknown(option: bytes("--list"))),
    ] as [(String, UsageError)])
  func `A command line that asks for nothing says what is wrong`(line: String, error: UsageError) {
    #expect(usageError(line) == error)
  }

  @Test func `A command line without even a program name is one without a type`() {
    #expect(usageError([]) == .missingType)
    #expect(usageError([[]]) == .missingType)
  }

  @Test func `Bytes that are no UTF-8 travel as they are`() throws {
    let name: [UInt8] = [0xff, 0xfe, 0x0a, 0x1b, 0x5b]
    guard
      case .mount(let mount) = try Invocation.parse([bytes("f"), name, name, bytes("-t"), name])
    else {
      Issue.record("no mount")
      return
    }
    #expect(mount.type == name)
    #expect(mount.operands == [name, name])
    #expect(mount.serverArguments == [name, name])
  }

  @Test func `A hundred thousand words are read`() throws {
    let many = [[UInt8]](repeating: bytes("-oro"), count: 100_000)
    guard case .mount(let mount) = try Invocation.parse(words("f a mnt -t x") + many) else {
      Issue.record("no mount")
      return
    }
    #expect(mount.optionArguments.count == 100_000)
    #expect(mount.serverArguments.count == 100_002)
  }

  @Test(
    arguments: [
      (.missingType, "no file system type; say it with -t TYPE"),
      (.missingMountPoint, "no mount point; see fuservicemount3 --help"),
      (.missingValue(option: bytes("-o")), "-o: needs a value"),
      (.repeated(option: bytes("-t")), "-t: given twice"),
      (
        .badTimeout(bytes("1h")),
        "--timeout 1h: not a whole number of seconds from 1 to 86400"
      ),
      (.unexpected(word: bytes("a")), "a: not expected here; see fuservicemount3 --help"),
      (.unknown(option: bytes("-q")), "-q: unknown option; see fuservicemount3 --help"),
      (.openQuote(bytes("a=\"b")), "-o a=\"b: a double quote is not closed"),
      (
        .otherNamespace,
        "-N: cannot mount in another namespace; enter it first with nsenter(1)"
      ),
    ] as [(UsageError, String)])
  func `Every error has a line`(error: UsageError, line: String) {
    #expect(text(error.explanation) == line)
  }
}
