// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import Testing

@Suite("Userspace options")
struct UserspaceOptionsTests {
  @Test(
    arguments: [
      ("", []), (",,", []), ("x-a", ["x-a"]), ("x-b,x-a=1,x-b", ["x-b", "x-a=1"]),
      ("x-gvfs-name=My Disk", ["x-gvfs-name=My Disk"]), ("x-\u{e9}", ["x-\u{e9}"]),
    ] as [(String, [String])])
  func `Words that begin with x- are taken in order, each once`(list: String, words: [String]) {
    let options = UserspaceOptions(bytes(list))
    #expect(options.words == words.map { bytes($0) })
    #expect(options.warnings.isEmpty)
    #expect(!options.recordsNothing)
  }

  @Test(arguments: ["-n", "x-a,-n", "-n,x-a", "-n,-n"])
  func `-n means that nothing is recorded`(list: String) {
    let options = UserspaceOptions(bytes(list))
    #expect(options.recordsNothing)
    #expect(options.warnings.isEmpty)
  }

  @Test(arguments: [
    "uhelper=evil", "helper=evil", "user", "loop", "loop=/dev/loop0", "X-mount.mkdir",
    "ro", "foo", "users", "x-a\nb", "x-a\\054user=root", #"x-a="b"#, "x-\u{1b}[31m", "x", "X-a",
    "n", "-N", "_netdev",
  ])
  func `Everything else is dropped with a warning`(word: String) {
    let options = UserspaceOptions(bytes("x-a,\(word),x-b"))
    #expect(options.words == list("x-a", "x-b"))
    #expect(options.warnings == [.dropped(bytes(word))])
  }

  @Test func `A quote or backslash does not hide the next word`() {
    let options = UserspaceOptions(bytes(#"x-a="b,uhelper=evil",x-c\,user=root"#))
    #expect(options.words.isEmpty)
    #expect(options.warnings.count == 4)
  }

  @Test func `A user name is dropped with a warning of its own, whosever it is`() {
    let options = UserspaceOptions(bytes("user=joe,x-a,user=root,user="))
    #expect(
      options.warnings == [.userName(bytes("joe")), .userName(bytes("root")), .userName([])])
    #expect(options.words == list("x-a"))
  }

  @Test func `What is beyond 4096 bytes is dropped with a warning`() {
    let long = "x-" + String(repeating: "a", count: 4093)
    #expect(UserspaceOptions(bytes(long)).words == list(long))
    #expect(UserspaceOptions(bytes(long + "a")).words.isEmpty)
    let both = UserspaceOptions(bytes("x-b,\(long),x-c"))
    #expect(both.words == list("x-b", "x-c"))
    #expect(both.warnings == [.tooLong(bytes(long))])
  }

  @Test func `60,000 bytes of anything are a few words and a few warnings`() {
    let words = UserspaceOptions(bytes(String(repeating: "q,", count: 30_000)))
    #expect(words.words.isEmpty)
    #expect(words.warnings.count == 9)
    #expect(words.warnings.last == .further(29_992))
    let one = UserspaceOptions(bytes("x-" + String(repeating: "q", count: 60_000)))
    #expect(one.words.isEmpty)
    #expect(one.warnings.count == 1)
  }

  @Test(
    arguments: [
      (.dropped(bytes("loop")), "option 'loop' from the server is not recorded in the mount table"),
      (
        .tooLong(bytes("x-a")),
        "option 'x-a' from the server is not recorded: the list is longer than 4096 bytes"
      ),
      (.further(3), "3 more options from the server are not recorded"),
    ] as [(UserspaceOptionWarning, String)])
  func `A warning names the option`(warning: UserspaceOptionWarning, words: String) {
    #expect(text(warning.line) == words)
  }

  @Test func `A warning about a long option is still short`() {
    let warning = UserspaceOptionWarning.dropped([UInt8](repeating: 0x61, count: 60_000))
    #expect(warning.line.count < 300)
    #expect(text(warning.line).hasSuffix("...' from the server is not recorded in the mount table"))
  }
}
