// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import Testing

@Suite("The caller's options")
struct CallerOptionsTests {
  @Test(
    arguments: [
      ("", false), ("ro", true), ("rw", false), ("ro,rw", false), ("rw,ro", true), ("RO", false),
      ("xro", false), ("a,ro,b", true), ("ro,a,rw", false),
      (#"x="a,rw",ro"#, true), (#"ro,x="a,rw""#, true), (#"ro,x="a,b",rw"#, false),
    ] as [(String, Bool)])
  func `Of ro and rw the last one counts`(argument: String, readOnly: Bool) throws {
    #expect(try options(argument).readOnly == readOnly)
  }

  @Test(arguments: [
    #"\162o"#, #"user=a\,ro"#, #"a\,ro"#, #"a="x,ro,y""#, #"a="x,ro"#, #"a="x,ro""#, #""ro""#,
    #"r\o"#, #"ro\000x"#, #"a=\",ro,""#, "ro=1", "ro=vfs", "rw,ro=recursive", "-r",
    // Not every reader sees the `rw`.
    #"ro,a\,rw"#, #"ro,x="a,rw,b""#, #"ro,\162w"#, #"ro,x="a,rw"#, #"ro,"rw""#, "ro,rw=1",
    #"ro,a"b,rw"#, #"ro,rw\,a"#, #"ro,a="b"c,rw"#, #"ro,a=\"b="c,rw"#,
  ])
  func `Where some server may read ro, it holds`(argument: String) throws {
    #expect(try options(argument).readOnly)
  }

  @Test(arguments: [
    #"a\,suid,dev"#, #"x="a,suid,dev,b""#, #"\163uid,\144ev"#, #"x="a,suid,dev"#, "suid=1,dev=1",
    #"suid,dev,a\,nosuid,a\,nodev"#, #"suid,dev,x="a,nosuid,nodev,b""#, "suid,dev,nosuid=1,nodev=1",
    #"suid,dev,nosui\144,nod\145v"#,
  ])
  func `Where not every server reads suid and dev, root does not get both`(
    argument: String
  ) throws {
    let read = try options(argument, caller: root)
    #expect(!(read.allowsSetID && read.allowsDevices))
    let flags = try options("nosuid,nodev," + argument, caller: root).flags
    #expect(!flags.isDisjoint(with: [.noSetID, .noDevices]))
  }

  @Test(
    arguments: [
      ("nosuid", MountFlags.noSetID), ("nodev", .noDevices), ("noexec", .noExecution),
      ("sync", .synchronous), ("dirsync", .synchronousDirectories),
      ("nosymfollow", .noSymbolicLinks),
      ("nodiratime", .noDirectoryAccessTime), ("noatime", .noAccessTime),
    ] as [(String, MountFlags)])
  func `Every restriction holds that some server may read`(word: String, flag: MountFlags) throws {
    for argument in [#"a\,\#(word)"#, #"x="a,\#(word),b""#] {
      #expect(try options(argument).flags == flag, "\(argument)")
    }
    // With a value it may be an option of the server's, unless it guards something.
    let guards: MountFlags = [.noSetID, .noDevices, .noExecution, .noSymbolicLinks]
    #expect(try options("\(word)=1").flags == flag.intersection(guards))
  }

  @Test func `Words that do not travel mean nothing but what the helper does with them`() throws {
    let read = try CallerOptions(
      arguments: [], ownWords: list("ro", "suid", "user=joe", "x-a=1"), caller: root)
    #expect(read.flags == [])
    #expect(!read.allowsSetID)
    #expect(read.namedValues == [])
    #expect(read.userspaceOptions == list("x-a=1"))
  }

  @Test(
    arguments: [
      ("noexec", MountFlags.noExecution), ("noexec,exec", []), ("exec,noexec", .noExecution),
      ("nosuid", .noSetID), ("nosuid,suid", []), ("suid,nosuid", .noSetID), ("nodev", .noDevices),
      ("nodev,dev", []), ("sync", .synchronous), ("sync,async", []), ("async,sync", .synchronous),
      ("dirsync", .synchronousDirectories), ("noatime", .noAccessTime), ("noatime,atime", []),
      ("nodiratime", .noDirectoryAccessTime), ("nodiratime,diratime", []),
      ("relatime", .relativeAccessTime), ("relatime,norelatime", []),
      ("strictatime", .strictAccessTime), ("strictatime,nostrictatime", []),
      ("noatime,relatime", .relativeAccessTime), ("relatime,noatime", .noAccessTime),
      ("noatime,strictatime", .strictAccessTime), ("strictatime,relatime", .relativeAccessTime),
      ("strictatime,atime", .strictAccessTime),
      ("nosymfollow", .noSymbolicLinks), ("nosymfollow,symfollow", []), ("defaults", []),
      ("ro,defaults", .readOnly), ("user", []), ("allow_other,max_read=5", []),
      ("ro,noexec,nosuid", [.readOnly, .noExecution, .noSetID]),
    ] as [(String, MountFlags)])
  func `Flags are what mount makes of the words, the last of opposites counting`(
    argument: String, flags: MountFlags
  ) throws {
    #expect(try options(argument).flags == flags)
  }

  @Test(
    arguments: [
      ("", false, false), ("suid", true, false), ("dev", false, true), ("dev,suid", true, true),
      ("suid,nosuid", false, false), ("nosuid,suid", true, false), ("dev,nodev", false, false),
      ("nodev,dev", false, true), ("defaults", false, false), ("suid=1", false, false),
      ("suid,nosuid,dev", false, true), ("SUID,Dev", false, false),
    ] as [(String, Bool, Bool)])
  func `Root gets suid and dev by writing them, and a user never`(
    argument: String, setID: Bool, devices: Bool
  ) throws {
    let ofRoot = try options(argument, caller: root)
    #expect(ofRoot.allowsSetID == setID)
    #expect(ofRoot.allowsDevices == devices)
    let ofUser = try options(argument, caller: user)
    #expect(!ofUser.allowsSetID)
    #expect(!ofUser.allowsDevices)
  }

  @Test(
    arguments: [
      ("journal=/dev/sdb1", ["/dev/sdb1"]), ("a=1,b=2", ["1", "2"]), ("a,b=,=c", ["c"]),
      ("a=b=c", ["b=c"]), (#"a="x,y""#, [#""x,y""#, "x,y"]), (#"a=x\,y"#, ["x,y"]),
      (#"a="""#, [#""""#]), ("x-a=/z", ["/z"]),
    ] as [(String, [String])])
  func `The values of key=value words name files`(argument: String, values: [String]) throws {
    #expect(try options(argument).namedValues == values.map { bytes($0) })
  }

  @Test func `Words that begin with x- are kept in their order, and no others`() throws {
    let read = try options("x-b,ro,X-mount.mkdir,x-a=1,user=joe,x-fuse-service.timeout=9")
    #expect(read.userspaceOptions == list("x-b", "x-a=1", "x-fuse-service.timeout=9"))
  }

  @Test(
    arguments: [
      ("", nil), ("x-fuse-service.timeout=1", 1), ("x-fuse-service.timeout=4294967295", UInt32.max),
      ("x-fuse-service.timeout=007", 7),
      ("x-fuse-service.timeout=5,x-fuse-service.timeout=6", 6), ("x-fuse-service.timeouts=0", nil),
      ("fuse-service.timeout=1", 1), ("fuse-service.timeout=2,x-fuse-service.timeout=3", 3),
      ("fuse-service.timeouts=0", nil), ("fuse-service=1", nil),
    ] as [(String, UInt32?)])
  func `The timeout is a number of seconds`(argument: String, seconds: UInt32?) throws {
    #expect(try options(argument).serviceTimeout == seconds)
    let own = try CallerOptions(
      arguments: [], ownWords: OptionList.words(ofArgument: bytes(argument)), caller: user)
    #expect(own.serviceTimeout == seconds)
    #expect(own.namedValues == [])
  }

  @Test(arguments: [
    "x-fuse-service.timeout", "x-fuse-service.timeout=", "x-fuse-service.timeout=0",
    "x-fuse-service.timeout=-1", "x-fuse-service.timeout=+1", "x-fuse-service.timeout=1s",
    "x-fuse-service.timeout=4294967296", "x-fuse-service.timeout=99999999999",
    "x-fuse-service.timeout= 1", "x-fuse-service.timeout=0x10", "fuse-service.timeout",
    "fuse-service.timeout=", "fuse-service.timeout=0", "fuse-service.timeout=1s",
  ])
  func `A timeout that is no number of seconds is refused`(argument: String) {
    #expect(throws: Refusal.badTimeout(bytes(argument))) { try options(argument) }
  }

  @Test func `Only the spelling that begins with x- is recorded`() throws {
    let read = try options("fuse-service.timeout=1,x-fuse-service.timeout=2")
    #expect(read.userspaceOptions == list("x-fuse-service.timeout=2"))
  }

  @Test(arguments: [
    #"x-a\,user=root"#, #"x-a\012b"#, #"x-a="b""#, #"x-a\\b"#, #"x-a\177"#, #"x-a=\033[31m"#,
  ])
  func `A word that could become another one in utab is refused`(argument: String) {
    guard
      case .unrecordableOption = #expect(
        throws: Refusal.self,
        performing: {
          try options(argument)
        })
    else {
      Issue.record("not refused as unrecordable")
      return
    }
  }

  @Test func `More than 4096 bytes of x- words are refused`() throws {
    let word = "x-" + String(repeating: "a", count: 4093)
    #expect(try options(word).userspaceOptions.count == 1)
    #expect(throws: Refusal.userspaceOptionsTooLong) { try options(word + "a") }
    #expect(throws: Refusal.userspaceOptionsTooLong) { try options("x-,\(word)") }
  }

  @Test(arguments: [
    "user", "user=joe", "users", "nousers", "nouser", "group", "nogroup", "owner", "noowner",
    "auto", "noauto", "nofail", "_netdev", "defaults", "comment=x", "comment", "x-", "x-gvfs-show",
    "x-systemd.automount", "X-mount.mkdir=0755", "helper=x", "uhelper=udisks2",
  ])
  func `Words of mount itself do not travel`(word: String) {
    #expect(CallerOptions.isMountCommandOption(bytes(word)))
  }

  @Test(arguments: [
    "ro", "rw", "suid", "dev", "noexec", "nosuid", "nodev", "sync", "allow_other", "offset=512",
    "users=1", "xuser", "_netdev=1", "nofail=1", "uid=0", "x", "X", "loop", "",
  ])
  func `Words that mean something to a server travel`(word: String) {
    #expect(!CallerOptions.isMountCommandOption(bytes(word)))
  }
}
