// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation
import MountPolicy
import Testing

private func parse(_ content: String) -> (FuseConfiguration, [ConfigurationWarning]) {
  FuseConfiguration.parse(bytes(content))
}

@Suite("fuse.conf")
struct FuseConfigurationTests {
  @Test func `An empty file means 1000 mounts and no allow_other`() {
    let (configuration, warnings) = parse("")
    #expect(configuration == FuseConfiguration())
    #expect(!configuration.userAllowOther)
    #expect(configuration.mountMaximum == 1000)
    #expect(warnings.isEmpty)
  }

  @Test(arguments: [
    "user_allow_other\n", "  user_allow_other\t\n", "user_allow_other # yes\n",
    "user_allow_other\r\n", "\u{b}\u{c}user_allow_other\n", "user_allow_other#\n",
    "# first\n\nuser_allow_other\n",
  ])
  func `user_allow_other is found with white space and comments around it`(content: String) {
    let (configuration, warnings) = parse(content)
    #expect(configuration.userAllowOther)
    #expect(warnings.isEmpty)
  }

  @Test(arguments: [
    "user_allow_othe\n", "user_allow_other yes\n", "user_allow_other=1\n", "User_Allow_Other\n",
    "allow_other\n", "user_allow_other\u{a0}\n", "\u{feff}user_allow_other\n", "mount_max\n",
    "mount_max 5\n", "mount_max =\n", "mount_max = x\n", "mount_max = - 5\n", "mount_max = +-5\n",
    "mount_maximum = 5\n", "mount _max = 5\n", "mount_max == 5\n", "mount_max = a\n",
  ])
  func `A line that is no parameter is warned about and changes nothing`(content: String) {
    let (configuration, warnings) = parse(content)
    #expect(configuration == FuseConfiguration())
    let line = content.trimmingCharacters(in: ["\n"])
    #expect(warnings == [.unknownParameter(line: 1, text: bytes(line))])
  }

  @Test(
    arguments: [
      ("mount_max = 5\n", 5), ("mount_max=5\n", 5), ("mount_max =5\n", 5), ("mount_max= 5\n", 5),
      ("mount_max \t = \u{b} 5\n", 5), ("mount_max = +5\n", 5), ("mount_max = 010\n", 8),
      ("mount_max = 08\n", 0), ("mount_max = 0x1F\n", 31), ("mount_max = 0Xff\n", 255),
      ("mount_max = 5abc\n", 5), ("mount_max = 5 6\n", 5), ("mount_max = 0\n", 0),
      ("mount_max = -0\n", 0), ("mount_max = 0b101\n", 0),
      ("mount_max = 2147483647\n", 2_147_483_647),
      ("mount_max = 1\nmount_max = 2\n", 2), ("mount_max = 7 # 8\n", 7),
    ] as [(String, Int)])
  func `mount_max is read as sscanf reads it`(content: String, expected: Int) {
    let (configuration, warnings) = parse(content)
    #expect(configuration.mountMaximum == expected)
    #expect(warnings.isEmpty)
  }

  @Test(arguments: ["mount_max = -1\n", "mount_max = -01\n", "mount_max = -0x1\n"])
  func `A mount_max of -1 means any number`(content: String) {
    let (configuration, warnings) = parse(content)
    #expect(configuration.mountMaximum == nil)
    #expect(warnings.isEmpty)
  }

  @Test(arguments: [
    "mount_max = -2", "mount_max = -2147483648", "mount_max = -0x10",
  ])
  func `A mount_max below -1 is warned about and not taken`(line: String) {
    let (configuration, warnings) = parse("mount_max = 3\n\(line)\n")
    #expect(configuration.mountMaximum == 3)
    #expect(warnings == [.invalidLimit(name: bytes("mount_max"), line: 2, text: bytes(line))])
  }

  @Test(arguments: [
    "mount_max = 2147483648", "mount_max = 4294967295", "mount_max = 4294967296",
    "mount_max = 99999999999999999999999999999999", "mount_max = -99999999999999999999",
    "mount_max = 0xffffffff", "mount_max = 0xffffffffffffffffffff", "mount_max = -2147483649",
    "mount_max = 037777777777",
  ])
  func `A mount_max that overflows is warned about instead of becoming another number`(
    line: String
  ) {
    let (configuration, warnings) = parse("\(line)\n")
    #expect(configuration.mountMaximum == 1000)
    #expect(warnings == [.invalidLimit(name: bytes("mount_max"), line: 1, text: bytes(line))])
  }

  /// What the C library makes of a line, for the numbers that do not overflow an int.
  private func sscanf(_ line: String) -> Int32? {
    var number: Int32 = 0
    let count = unsafe withUnsafeMutablePointer(to: &number) { pointer in
      unsafe withVaList([pointer]) { unsafe vsscanf(line, "mount_max = %i", $0) }
    }
    return count == 1 ? number : nil
  }

  @Test func `Thousands of spellings of mount_max mean what they mean to the C library`() {
    let parts: [[String]] = [
      ["mount_max", "mount_ma", "mount_max\t"],
      ["=", " = ", "", "==", " \u{b}=\t\u{c}"],
      ["", "+", "-", "- ", "--"],
      ["", "0", "0x", "0X", "00", "x"],
      ["", "1", "7", "8", "9f", "f", "12345", "g", "2147483647", " 3"],
      ["", "z", ".5", " 1", "\u{e9}", "-", "l"],
    ]
    var lines = [""]
    for part in parts { lines = lines.flatMap { line in part.map { line + $0 } } }
    var taken = 0
    for line in lines where !line.hasSuffix("\t") {
      guard !line.contains("x2147483647"), !line.contains("X2147483647") else { continue }
      let stripped = line.trimmingCharacters(in: [" "])
      let (configuration, warnings) = parse("mount_max = 77\n\(line)\n")
      let number = sscanf(stripped)
      if let number, number >= -1 {
        taken += 1
        #expect(configuration.mountMaximum == (number == -1 ? nil : Int(number)), "\(line)")
        #expect(warnings.isEmpty, "\(line)")
      } else {
        #expect(configuration.mountMaximum == 77, "\(line)")
        #expect(warnings.count == 1, "\(line)")
      }
    }
    #expect(taken > 1000)
  }

  @Test(arguments: [254, 255, 256, 300, 510, 511, 1000])
  func `A line of more than 255 bytes with its newline is left out`(length: Int) {
    let padding = String(repeating: " ", count: length - 16 - 1)
    let (configuration, warnings) = parse("user_allow_other\(padding)\nmount_max = 4\n")
    #expect(configuration.userAllowOther == (length <= 255))
    #expect(configuration.mountMaximum == 4)
    #expect(warnings == (length <= 255 ? [] : [.lineTooLong(line: 1)]))
  }

  @Test(arguments: [
    "user_allow_other", "\nuser_allow_other", " ", String(repeating: "x", count: 600),
  ])
  func `A last line without a newline is warned about and not taken`(content: String) {
    let (configuration, warnings) = parse(content)
    #expect(configuration == FuseConfiguration())
    #expect(warnings == [.missingNewline])
  }

  @Test(arguments: ["\0", "user_allow_other\0", "\0user_allow_other", "# comment\0"])
  func `A line with a NUL is unknown, and the lines after it count`(line: String) {
    let (configuration, warnings) = parse("\(line)\nmount_max = 6\n")
    #expect(!configuration.userAllowOther)
    #expect(configuration.mountMaximum == 6)
    #expect(warnings == [.unknownParameter(line: 1, text: bytes(line))])
  }

  @Test func `Warnings carry the numbers of their lines`() {
    let long = String(repeating: "y", count: 255)
    let (_, warnings) = parse("# 1\nfoo\n\nmount_max = -7\n\(long)\nbar\nuser_allow")
    #expect(
      warnings == [
        .unknownParameter(line: 2, text: bytes("foo")),
        .invalidLimit(name: bytes("mount_max"), line: 4, text: bytes("mount_max = -7")),
        .lineTooLong(line: 5), .unknownParameter(line: 6, text: bytes("bar")), .missingNewline,
      ])
  }

  @Test(
    arguments: [
      (
        ConfigurationWarning.unknownParameter(line: 12, text: bytes("foo")),
        "/c: line 12: unknown parameter 'foo' is ignored"
      ),
      (
        .invalidLimit(name: bytes("mount_max"), line: 1, text: bytes("mount_max = -2")),
        "/c: line 1: invalid mount_max: 'mount_max = -2' is ignored; "
          + "use -1 for no limit, or a number up to 2147483647"
      ),
      (.lineTooLong(line: 3), "/c: line 3: more than 255 bytes; the line is ignored"),
      (
        .missingNewline, "/c: the last line has no newline at its end and is ignored; add one"
      ),
    ] as [(ConfigurationWarning, String)])
  func `A warning names file, line and reason`(warning: ConfigurationWarning, words: String) {
    #expect(text(warning.line(path: bytes("/c"))) == words)
  }

  @Test(
    arguments: [
      (true, UInt32(0), UInt32(0o100644), true), (true, 0, 0o100600, true), (true, 0, 0o444, true),
      (false, 0, 0o644, false), (true, 1000, 0o644, false), (true, 0, 0o664, false),
      (true, 0, 0o646, false), (true, 0, 0o666, false),
    ] as [(Bool, UInt32, UInt32, Bool)])
  func `Only a regular file of root that nobody else may write to is followed`(
    isRegular: Bool, owner: UInt32, mode: UInt32, expected: Bool
  ) {
    #expect(
      ConfigurationText.isTrustworthy(isRegularFile: isRegular, owner: owner, mode: mode)
        == expected)
  }

  @Test func `The shipped example changes nothing and is read without a warning`() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../fuse.conf.example")
    let content = try [UInt8](Data(contentsOf: path))
    let (configuration, warnings) = FuseConfiguration.parse(content)
    #expect(configuration == FuseConfiguration())
    #expect(warnings.isEmpty)
    let enabled = FuseConfiguration.parse(
      bytes(
        text(content).replacingOccurrences(of: "\n#user", with: "\nuser")
          .replacingOccurrences(of: "\n#mount_max = 1000", with: "\nmount_max = 12")))
    #expect(enabled.configuration.userAllowOther)
    #expect(enabled.configuration.mountMaximum == 12)
    #expect(enabled.warnings.isEmpty)
  }
}
