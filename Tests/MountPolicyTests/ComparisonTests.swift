// SPDX-License-Identifier: LGPL-2.1-or-later

import Literals
import Testing

@Suite("Bytes beside texts that stand in the source")
struct ComparisonTests {
  @Test(arguments: ["", "-", "-o", "-oo", "o", "-O", "-o\0", "ä"])
  func `Bytes equal the text that has the same bytes, and no other`(word: String) {
    let bytes = Array(word.utf8)
    #expect((bytes == ("-o" as StaticString)) == (word == "-o"))
    #expect((bytes != ("-o" as StaticString)) == (word != "-o"))
    #expect((bytes == ("" as StaticString)) == word.isEmpty)
    #expect((bytes == ("ä" as StaticString)) == (word == "ä"))
  }

  @Test(arguments: [("", false), ("x", false), ("x-", true), ("x-a", true), ("X-a", false)])
  func `Bytes begin with a text`(word: String, answer: Bool) {
    #expect(Array(word.utf8).begins(with: "x-" as StaticString) == answer)
    #expect(Array(word.utf8).begins(with: "" as StaticString))
  }

  @Test(arguments: [
    ("user", true), ("group", true), ("comment", true), ("use", false), ("users", false),
    ("ser", false), ("", false), (" ", false), ("user group", false), ("group ", false),
    (" group", false), ("user\0group", false),
  ])
  func `A list has its words and nothing else`(word: String, answer: Bool) {
    #expect(("user group comment" as StaticString).hasWord(Array(word.utf8)) == answer)
  }
}
