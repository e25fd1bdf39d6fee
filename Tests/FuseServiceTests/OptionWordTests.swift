// SPDX-License-Identifier: LGPL-2.1-or-later

import FuseService
import Testing

@Suite struct OptionWordTests {
  @Test(
    arguments: [
      ("a,b", ["a", "b"]), ("", []), (",,a,", ["a"]), ("a\\,b,c", ["a,b", "c"]),
      ("a\\\\,b", ["a\\", "b"]), ("a\\101b", ["aAb"]), ("a\\777", ["a777"]), ("a\\", ["a\\"]),
      ("context=\"x:c1,c2\",b", ["context=\"x:c1,c2\"", "b"]), ("a\"b,c\"d", ["a\"b", "c\"d"]),
    ] as [(String, [String])])
  func `A list is split as libfuse and mount split it`(list: String, words: [String]) throws {
    #expect(try optionWords(Array(list.utf8)) == words.map { Array($0.utf8) })
  }

  @Test func `A quote that stays open is named with its word`() {
    let error = #expect(throws: OpenQuoteError.self) {
      try optionWords(Array("x,name=\"a,b".utf8))
    }
    #expect(error?.word == Array("name=\"a,b".utf8))
  }

  @Test(
    arguments: [
      ("ro", [], [.readOnly]), ("rw", [.readOnly], []), ("suid", [.noSetId], []),
      ("noexec", [.noDevices], [.noDevices, .noExecute]), ("async", [.synchronous], []),
      ("strictatime", [], [.strictAccessTimes]),
    ] as [(String, FuseMountFlags, FuseMountFlags)])
  func `A word sets or clears its flag and no other`(
    word: String, before: FuseMountFlags, after: FuseMountFlags
  ) {
    var flags = before
    let isFlag = flags.apply(Array(word.utf8))
    #expect(isFlag)
    #expect(flags == after)
  }

  @Test(arguments: ["", "r", "roo", "RO", "fsname=ro", "x-ro"])
  func `Any other word changes nothing`(word: String) {
    var flags: FuseMountFlags = [.noSetId]
    let isFlag = flags.apply(Array(word.utf8))
    #expect(!isFlag)
    #expect(flags == [.noSetId])
  }
}
