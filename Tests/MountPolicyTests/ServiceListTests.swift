// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation
import MountPolicy
import MountProtocol
import Testing

private let directory = bytes("/run/filesystems")
private let longest = 20

/// A list of these services; what is not in `access` is usable.
private func services(
  _ names: [[UInt8]], access: [String: ServiceAccess] = [:]
) -> ServiceList {
  ServiceList(names: names, directory: directory, maximumLength: longest) { path in
    access[String(text(path).dropFirst(directory.count + 1))] ?? .usable
  }
}

/// What a reader of JSON makes of a list.
private func parsed(_ list: ServiceList) throws -> [[String: Any]] {
  try #require(try JSONSerialization.jsonObject(with: Data(list.json)) as? [[String: Any]])
}

/// Names that are a service's, and what becomes of them: the type, as a table shows it; the JSON
/// string; and the JSON of all bytes where that is not all.
private struct Name: CustomTestStringConvertible {
  var bytes: [UInt8]
  var shown: String
  var json: String
  var hex: String?

  init(_ bytes: [UInt8], shown: String, json: String, hex: String? = nil) {
    (self.bytes, self.shown, self.json, self.hex) = (bytes, shown, json, hex)
  }

  init(_ text: String, shown: String, json: String) {
    self.init(Array(text.utf8), shown: shown, json: json)
  }

  var testDescription: String { shown }

  static let all = [
    Name("ext4", shown: "ext4", json: "ext4"),
    Name("a b", shown: "a b", json: "a b"),
    Name("say\"", shown: "say\"", json: #"say\""#),
    Name(#"back\"#, shown: #"back\\"#, json: #"back\\"#),
    Name("</script>".replacing("/", with: ""), shown: "<script>", json: "<script>"),
    Name("\u{e9}", shown: "\u{e9}", json: #"\u00e9"#),
    Name("\u{20ac}", shown: "\u{20ac}", json: #"\u20ac"#),
    Name("\u{1f600}", shown: "\u{1f600}", json: #"\ud83d\ude00"#),
    Name("\u{10fffd}", shown: "\u{10fffd}", json: #"\udbff\udffd"#),
    Name("\u{10000}", shown: "\u{10000}", json: #"\ud800\udc00"#),
    // What terminals act on.
    Name("\u{9b}2J", shown: #"\u{9b}2J"#, json: #"\u009b2J"#),
    Name("a\u{202e}b", shown: #"a\u{202e}b"#, json: #"a\u202eb"#),
    // Bytes that are no characters.
    Name([0xff], shown: #"\xff"#, json: #"\ufffd"#, hex: "ff"),
    Name([0x61, 0xc3, 0x62], shown: #"a\xc3b"#, json: #"a\ufffdb"#, hex: "61c362"),
    Name([0xed, 0xa0, 0x80], shown: #"\xed\xa0\x80"#, json: #"\ufffd\ufffd\ufffd"#, hex: "eda080"),
    Name([0x9b, 0x22], shown: #"\x9b""#, json: #"\ufffd\""#, hex: "9b22"),
  ]
}

@Suite("The list of services")
struct ServiceListTests {
  @Test(arguments: Name.all)
  private func `A name of any bytes is shown escaped, and is JSON`(name: Name) throws {
    let list = services([name.bytes])
    #expect(
      text(list.table).split(separator: "\n").last
        == "\(name.shown)\(padding(name.shown))  yes     /run/filesystems/\(name.shown)")
    var members = "\"type\": \"\(name.json)\""
    if let hex = name.hex { members += ", \"type_hex\": \"\(hex)\"" }
    members += ", \"usable\": true, \"socket\": \"/run/filesystems/\(name.json)\""
    if let hex = name.hex {
      members += ", \"socket_hex\": \"\(directory.map { String($0, radix: 16) }.joined())2f\(hex)\""
    }
    #expect(text(list.json) == "[\n  {\(members)}\n]")
    let object = try #require(try parsed(list).first)
    #expect(object["type"] as? String == text(name.bytes))
    #expect(object["socket"] as? String == "/run/filesystems/" + text(name.bytes))
  }

  /// What stands between a type and the next column, beside the two blanks.
  private func padding(_ shown: String) -> String {
    String(repeating: " ", count: max(0, "TYPE".count - shown.unicodeScalars.count))
  }

  @Test func `Every byte of a name is told by JSON, in the string or in hexadecimal`() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let name = (0..<Int.random(in: 1...longest, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      let list = services([name])
      #expect(!list.json.contains { $0 > 0x7e || ($0 < 0x20 && $0 != 0x0a) })
      #expect(!list.table.contains { $0 == 0x7f || ($0 < 0x20 && $0 != 0x0a) })
      guard let object = try parsed(list).first else { continue }
      let type = try #require(object["type"] as? String)
      if let hex = object["type_hex"] as? String {
        #expect(hex == name.map { String(format: "%02x", $0) }.joined())
        #expect(String(validating: name, as: UTF8.self) == nil)
      } else {
        #expect(bytes(type) == name)
      }
    }
  }

  @Test(arguments: [
    "", ".", "..", "a/b", "a\nb", "\u{1b}[2J", "a\u{7f}", "fuse./", "123456789012345678901",
  ])
  func `What cannot be a type is left out`(name: String) {
    #expect(services([bytes(name)]).entries.isEmpty)
  }

  @Test(
    arguments: [
      ("fuse.x", "fuse.fuse.x"), ("fuseblk.x", "fuse.fuseblk.x"), ("fuse.", "fuse.fuse."),
      ("fuse", "fuse"), ("fuse..", "fuse.fuse.."), ("...", "..."),
    ] as [(String, String)])
  func `A type is listed as it leads to its service`(name: String, type: String) throws {
    #expect(services([bytes(name)]).entries.map { text($0.type) } == [type])
    #expect(try Subtype.parse(bytes(type), maximumLength: longest) == bytes(name))
  }

  @Test func `The services are in the order of their bytes`() {
    let names = ["b", "a\u{e9}", "ab", "Z", "a", "a-b"].map { bytes($0) } + [[0x61, 0xff]]
    let expected: [[UInt8]] = ["Z", "a", "a-b", "ab", "a\u{e9}"].map { bytes($0) }
    #expect(
      services(names).entries.map { $0.type } == expected + [[0x61, 0xff], bytes("b")])
  }

  @Test func `The table has aligned columns and says why a service is not usable`() {
    let list = services(
      ["singlefilefs", "x", "nobody", "gone", "file"].map { bytes($0) },
      access: [
        "x": .forbidden, "gone": .missing, "file": .notSocket(.regular),
        "nobody": .unclear(bytes("\u{1b}Too bad")),
      ])
    #expect(
      text(list.table) == #"""
        TYPE          USABLE  SOCKET
        nobody        no      /run/filesystems/nobody  (\x1bToo bad)
        singlefilefs  yes     /run/filesystems/singlefilefs
        x             no      /run/filesystems/x  (you may not use this service; SocketMode= of its socket unit says who may)
        """#)
  }

  @Test func `JSON says why a service is not usable`() throws {
    let list = services([bytes("a"), bytes("b")], access: ["a": .unclear(bytes("\u{1}\"no\""))])
    #expect(
      text(list.json) == #"""
        [
          {"type": "a", "usable": false, "socket": "/run/filesystems/a", "reason": "\u0001\"no\""},
          {"type": "b", "usable": true, "socket": "/run/filesystems/b"}
        ]
        """#)
    #expect(try parsed(list).map { $0["usable"] as? Bool } == [false, true])
    #expect(try parsed(list)[0]["reason"] as? String == "\u{1}\"no\"")
  }

  @Test func `No service is an empty array`() {
    #expect(text(services([]).json) == "[]")
  }

  @Test(
    arguments: [
      (.noSuchFile, .missing), (.permissionDenied, .forbidden),
      (.notPermitted, .unclear(bytes("words"))), (.notDirectory, .unclear(bytes("words"))),
      (.tooManyLinks, .unclear(bytes("words"))), (.nameTooLong, .unclear(bytes("words"))),
    ] as [(ErrorNumber, ServiceAccess)])
  func `What looking at a socket ends with has its meaning`(
    error: ErrorNumber, access: ServiceAccess
  ) {
    #expect(ServiceAccess(error, message: bytes("words")) == access)
  }

  @Test(
    arguments: [
      (.usable, true, nil),
      (.missing, false, "no such socket; install the service, or start its socket unit"),
      (
        .notSocket(.directory), false,
        "not a socket but a directory; look at the service's socket unit"
      ),
      (
        .forbidden, true,
        "you may not use this service; SocketMode= of its socket unit says who may"
      ),
      (.unclear(bytes("Too bad")), true, "Too bad"),
    ] as [(ServiceAccess, Bool, String?)])
  func `Each answer says whether there is a service, and why not`(
    access: ServiceAccess, isOfService: Bool, reason: String?
  ) {
    #expect(access.isOfService == isOfService)
    #expect(access.reason.map { text($0) } == reason)
    #expect(
      text(access.words)
        == reason ?? "you may use this service; whether it works, only a mount shows")
  }
}
