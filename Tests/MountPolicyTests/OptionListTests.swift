// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import Testing

@Suite("Option lists")
struct OptionListTests {
  @Test(
    arguments: [
      ("", []), (",", []), (",,a,,", ["a"]), ("ro", ["ro"]),
      ("ro,allow_other", ["ro", "allow_other"]),
      (#"a\,b,c"#, ["a,b", "c"]), (#"a\\,b"#, [#"a\"#, "b"]), (#"\,allow_other"#, [",allow_other"]),
      (#"a\040b"#, ["a b"]), (#"a\054b"#, ["a,b"]), (#"a\377"#, ["a\u{0}"]), (#"a\08"#, ["a08"]),
      (#"a\40"#, ["a40"]), (#"a\4000"#, ["a4000"]), (#"a\n"#, ["an"]), (#"a\"#, [#"a\"#]),
      (#"a\,"#, ["a,"]), (#"a\000b,c"#, ["a", "c"]), (#"\000b,c"#, ["c"]), (#"a\07"#, ["a07"]),
      (#"context="a,b",c"#, [#"context="a,b""#, "c"]), (#"a="x"#, [#"a="x"#]),
      (#"a="x,ro"#, [#"a="x"#, "ro"]), (#"a="b",c="d,ro"#, [#"a="b""#, #"c="d"#, "ro"]),
      (#"a="x\",ro,b="y,z""#, [#"a="x""#, "ro", #"b="y,z""#]),
      (#"a="b\,c""#, [#"a="b,c""#]), (#"a=\042,ro"#, [#"a=""#, "ro"]),
      ("RO,ro ", ["RO", "ro "]), ("-n,--", ["-n", "--"]),
    ] as [(String, [String])])
  func `An argument of the caller is split as libfuse and mount split it`(
    argument: String, words: [String]
  ) {
    // A byte that is no character stands in the table as NUL.
    let expected = words.map { bytes($0).map { $0 == 0 ? 0xff : $0 } }
    #expect(OptionList.words(ofArgument: bytes(argument)) == expected)
  }

  @Test(
    arguments: [
      ("", []), (",,", []), ("a,,b,", ["a", "b"]), (#"a\,b"#, [#"a\"#, "b"]),
      (#"context="a,b",c"#, [#"context="a,b""#, "c"]), (#"a"b"c"#, [#"a"b"c"#]),
      (#"a\054b"#, [#"a\054b"#]),
    ] as [(String, [String])])
  func `A list from the server knows commas and quotes but no escapes`(
    argument: String, words: [String]
  ) throws {
    #expect(try OptionList.words(ofServerList: bytes(argument)) == words.map { bytes($0) })
  }

  @Test(arguments: [#"context="a"#, #"""#, #"a,context="b,c"#, #"a="b"c""#, #"a=\""#])
  func `A quote that the server never closes is refused`(argument: String) {
    guard
      case .openQuote = refusal({ () throws(Refusal) in
        try OptionList.words(ofServerList: bytes(argument))
      })
    else {
      Issue.record("not refused")
      return
    }
  }

  @Test(
    arguments: [
      ("", []), (",,", []), ("ro,,rw", ["+ro", "+rw"]), (#"a\,ro,b"#, [#"a\"#, "ro", "+b"]),
      (#"\162o"#, [#"\162o|ro"#]), (#"ro\000x,a"#, [#"ro\000x|ro"#, "+a"]),
      (#"a="b,rw",c"#, [#"a="b|a=b"#, #"rw"|rw"#, "+c"]),
      (#"c,a="b,rw,d"#, ["+c", #"a="b|a=b"#, "rw", "d"]),
      (#"a"b,rw",c"#, [#"a"b|ab"#, #"rw"|rw"#, "c"]), (#"a="b"c,rw"#, [#"a="b"c|a=bc"#, "rw"]),
      (#"a=\"b,rw,c=",d"#, [#"a=\"b|a=\b|a="b|a=b"#, "rw", #"c="|c="#, "d"]),
      (#"a="b,c",d="e",f"#, [#"a="b|a=b"#, #"c"|c"#, #"d="e"|d=e"#, "+f"]), (#"a\"#, [#"a\"#]),
    ] as [(String, [String])])
  func `What a server may read is found, and is certain only where all read the same`(
    argument: String, pieces: [String]
  ) {
    let found = OptionList.pieces(ofArgument: bytes(argument)).map {
      ($0.isCertain ? "+" : "") + $0.readings.map(text).joined(separator: "|")
    }
    #expect(found == pieces)
  }

  @Test(
    arguments: [
      ("", "", ""), ("a,b", "a,b", ""), ("T", nil, "T"), ("T,T=1", nil, "T T=1"), (",T,", nil, "T"),
      ("a,T,b", "a,b", "T"), ("T,,b,T", ",b", "T T"), (#"a\,T"#, #"a\,T"#, ""),
      (#"T\,a"#, #"T\,a"#, ""), (#"a="b,T",T"#, #"a="b,T""#, "T"), (#"a"b,T"#, #"a"b,T"#, ""),
      (#"\124"#, #"\124"#, ""), (#"a\b,T,c"#, #"a\b,c"#, "T"),
    ] as [(String, String?, String)])
  func `Words are taken out where every server sees them, and the rest stays as it is`(
    argument: String, rest: String?, taken: String
  ) {
    let result = OptionList.taking(from: bytes(argument)) {
      OptionList.keyAndValue($0).key == bytes("T")
    }
    #expect(result.rest.map(text) == rest)
    #expect(result.taken.map(text).joined(separator: " ") == taken)
  }

  @Test(
    arguments: [
      ("a", "a", nil), ("a=", "a", ""), ("a=b", "a", "b"), ("a=b=c", "a", "b=c"), ("=b", "", "b"),
    ] as [(String, String, String?)])
  func `A word is split at its first equals sign`(word: String, key: String, value: String?) {
    let split = OptionList.keyAndValue(bytes(word))
    #expect(split.key == bytes(key))
    #expect(split.value == value.map { bytes($0) })
  }

  @Test(
    arguments: [
      (#""a,b""#, "a,b"), (#""""#, ""), (#"""#, nil), ("a", nil), (#""a"#, nil), (#"a""#, nil),
    ] as [(String, String?)])
  func `Quotes come off in pairs`(value: String, inner: String?) {
    #expect(OptionList.unquoted(bytes(value)) == inner.map { bytes($0) })
  }
}
