// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import Testing

private func parse(
  _ list: String, caller: Caller = user, allowOther: Bool = false
) throws(Refusal) -> SuperblockOptions {
  var configuration = FuseConfiguration()
  configuration.userAllowOther = allowOther
  return try SuperblockOptions(bytes(list), caller: caller, configuration: configuration)
}

private func flag(_ key: String) -> SuperblockParameter { .flag(bytes(key)) }
private func value(_ key: String, _ value: String) -> SuperblockParameter {
  .value(key: bytes(key), value: bytes(value))
}

@Suite("Superblock options")
struct SuperblockOptionsTests {
  @Test(
    arguments: [
      ("", []), (",,", []), ("default_permissions", [flag("default_permissions")]),
      ("default_permissions,default_permissions", [flag("default_permissions")]),
      ("max_read=4096", [value("max_read", "4096")]), ("max_read=0", [value("max_read", "0")]),
      ("max_read=010", [value("max_read", "10")]),
      ("max_read=4294967295", [value("max_read", "4294967295")]),
      ("blksize=512", [value("blksize", "512")]), ("blksize=65536", [value("blksize", "65536")]),
      (
        "max_read=1,default_permissions,blksize=4096",
        [value("max_read", "1"), flag("default_permissions"), value("blksize", "4096")]
      ),
      ("rw,async,exec,atime,diratime,norelatime,nostrictatime,symfollow", []),
    ] as [(String, [SuperblockParameter])])
  func `What is on the list becomes parameters in the server's order`(
    list: String, parameters: [SuperblockParameter]
  ) throws {
    let options = try parse(list)
    #expect(options.parameters == parameters)
    #expect(options.flags.isEmpty)
    #expect(options.setsBlockSize == list.contains("blksize"))
  }

  @Test(
    arguments: [
      ("ro", .readOnly), ("nosuid,nodev", [.noSetID, .noDevices]), ("noexec", .noExecution),
      ("sync,dirsync", [.synchronous, .synchronousDirectories]), ("noatime", .noAccessTime),
      ("nodiratime", .noDirectoryAccessTime), ("relatime", .relativeAccessTime),
      ("strictatime", .strictAccessTime), ("nosymfollow", .noSymbolicLinks), ("ro,rw", .readOnly),
      ("noexec,exec,sync,async", [.noExecution, .synchronous]),
    ] as [(String, MountFlags)])
  func `Flags in words add up, and words that relax take nothing back`(
    list: String, flags: MountFlags
  ) throws {
    let options = try parse(list)
    #expect(options.flags == flags)
    #expect(options.parameters.isEmpty)
  }

  @Test func `allow_other needs permission`() throws {
    #expect(
      refusal { () throws(Refusal) in try parse("allow_other") } == .allowOtherNotPermitted)
    #expect(Refusal.allowOtherNotPermitted.error == .notPermitted)
    #expect(try parse("allow_other", allowOther: true).parameters == [flag("allow_other")])
    #expect(try parse("allow_other,allow_other", caller: root).parameters == [flag("allow_other")])
  }

  @Test(arguments: [
    "allow_other=", "allow_other=1", "Allow_Other", "allow_other ", " allow_other",
    #"\,allow_other"#,
    #"\allow_other"#, #""allow_other""#, #"max_read=1\,allow_other"#, #"a="x,allow_other""#,
    "allow_root",
  ])
  func `allow_other in disguise reaches nobody`(list: String) {
    let reason = refusal { () throws(Refusal) in try parse(list) }
    #expect(reason != nil)
    #expect(reason == .allowOtherNotPermitted || reason?.error == .invalidArgument)
  }

  @Test(arguments: [
    "fd=5", "rootmode=40000", "user_id=0", "group_id=0", "source=/etc", "subtype=x", "fd", "source",
    "subtype", "user_id", "max_read=1,fd=3", "fd=",
  ])
  func `What only the helper sets is refused`(list: String) {
    for caller in [user, root] {
      let reason = refusal { () throws(Refusal) in try parse(list, caller: caller) }
      let word = bytes(list == "max_read=1,fd=3" ? "fd=3" : list)
      #expect(reason == .optionOfHelper(word))
      #expect(reason?.error == .invalidArgument)
    }
  }

  @Test(arguments: [
    "foo", "foo=bar", "mand", "lazytime", "silent", "remount", "bind", "x-a", "user=root", "loop",
    "default_permissions=1", "ro=1", "max_read", "blksize", "FD=5", "\u{1b}[m", "context", "rw=",
  ])
  func `What is not on the list is refused, for root as well`(word: String) {
    for caller in [user, root] {
      let reason = refusal { () throws(Refusal) in
        try parse("default_permissions,\(word)", caller: caller, allowOther: true)
      }
      #expect(reason == .unknownOption(bytes(word)))
      #expect(reason?.error == .invalidArgument)
    }
  }

  @Test(arguments: ["suid", "dev"])
  func `suid and dev from the server are refused, for root as well`(word: String) {
    for caller in [user, root] {
      let reason = refusal { () throws(Refusal) in try parse(word, caller: caller) }
      #expect(reason == .optionOnlyForCaller(bytes(word)))
      #expect(reason?.error == .invalidArgument)
    }
  }

  @Test(arguments: [
    "max_read=", "max_read=-1", "max_read=+1", "max_read=0x10", "max_read=1k", "max_read= 1",
    "max_read=4294967296", "max_read=42949672950", "blksize=", "blksize=0", "blksize=1",
    "blksize=511", "blksize=513", "blksize=131072", "blksize=2147483648", "blksize=4096x",
  ])
  func `A value that an option cannot have is refused`(word: String) {
    let reason = refusal { () throws(Refusal) in try parse(word) }
    #expect(reason == .badOptionValue(bytes(word)))
    #expect(reason?.error == .invalidArgument)
  }

  @Test(arguments: [
    ("max_read=1,max_read=2", [value("max_read", "2")]),
    ("max_read=2,max_read=2", [value("max_read", "2")]),
    (
      "blksize=512,default_permissions,blksize=1024",
      [value("blksize", "1024"), flag("default_permissions")]
    ),
  ])
  func `Of a number that is given again the last one counts`(
    list: String, expected: [SuperblockParameter]
  ) throws {
    #expect(try parse(list).parameters == expected)
  }

  @Test(arguments: ["context=a,context=b", "context=b,context=b", "rootcontext=a,ro,rootcontext=b"])
  func `A security context is taken once`(list: String) {
    let reason = refusal { () throws(Refusal) in try parse(list, caller: root) }
    #expect(reason == .repeatedOption(bytes(String(list.split(separator: ",").last ?? ""))))
    #expect(reason?.error == .invalidArgument)
  }

  @Test(arguments: ["context", "fscontext", "defcontext", "rootcontext"])
  func `Security contexts are for root, with commas in quotes`(key: String) throws {
    let word = "\(key)=\"system_u:object_r:t:s0:c1,c2\""
    #expect(
      try parse(word, caller: root).parameters == [value(key, "system_u:object_r:t:s0:c1,c2")])
    #expect(try parse("\(key)=u:r:t:s0", caller: root).parameters == [value(key, "u:r:t:s0")])
    let reason = refusal { () throws(Refusal) in try parse(word) }
    #expect(reason == .securityContextNeedsRoot(bytes(word)))
    #expect(reason?.error == .notPermitted)
  }

  @Test(arguments: [
    "context=", #"context="""#, #"context=a"b,c"d"#, #"context=a\b"#, #"context="a,fd=5""#,
    "context=a b", "context=a\nb", "context=\u{e9}", "context=a=b",
    "context=" + String(repeating: "a", count: 256),
  ])
  func `A context that another reader could take for two options is refused`(word: String) {
    let reason = refusal { () throws(Refusal) in try parse(word, caller: root) }
    #expect(reason == .badOptionValue(bytes(word)))
  }

  @Test func `A quote that is never closed is refused`() {
    let reason = refusal { () throws(Refusal) in try parse(#"context="a,ro"#, caller: root) }
    #expect(reason == .openQuote(bytes(#"context="a,ro"#)))
    #expect(reason?.error == .invalidArgument)
  }
}
