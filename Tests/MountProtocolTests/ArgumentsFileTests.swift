// SPDX-License-Identifier: LGPL-2.1-or-later

import MountProtocol
import TestSupport
import Testing

@Suite("The file that carries the command line")
struct ArgumentsFileTests {
  /// A file of this header and table, given as words, and these strings after it.
  private static func file(_ words: [UInt32], _ strings: String) -> [UInt8] {
    var writer = ByteWriter()
    for word in words { writer.write(word) }
    return writer.bytes + Array(strings.utf8)
  }

  private static let magic = Magic.arguments.rawValue

  /// What a helper could send to make a server read too much, crash, or run out of memory.
  struct Attack: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let error: ArgumentsFile.DecodeError
  }

  static let attacks: [Attack] = [
    Attack(testDescription: "empty", bytes: [], error: .badHeader),
    Attack(testDescription: "half a magic", bytes: [0x41, 0x52], error: .badHeader),
    Attack(testDescription: "no count", bytes: file([magic], ""), error: .badHeader),
    Attack(testDescription: "half a count", bytes: file([magic], "\0\0\0"), error: .badHeader),
    Attack(
      testDescription: "another magic", bytes: file([magic + 1, 1, 16, 2], "a\0"),
      error: .badHeader),
    Attack(
      testDescription: "one element, no table", bytes: file([magic, 1], ""), error: .badHeader),
    Attack(
      testDescription: "one element, half a table", bytes: file([magic, 1, 16], ""),
      error: .badHeader),
    Attack(
      testDescription: "one element, a table one byte short",
      bytes: file([magic, 1, 16], "\0\0\0"), error: .badHeader),
    Attack(
      testDescription: "the largest count", bytes: file([magic, .max, 16, 2], "a\0"),
      error: .badHeader),
    Attack(
      testDescription: "a count whose table's size is 0 modulo 2^32",
      bytes: file([magic, 1 << 29, 16, 2], "a\0"), error: .badHeader),
    Attack(
      testDescription: "a count one too large", bytes: file([magic, 2, 16, 2], "a\0"),
      error: .badHeader),
    Attack(
      testDescription: "a count too large before an element that is bad too",
      bytes: file([magic, 2, 0, 0], ""), error: .badHeader),
    Attack(
      testDescription: "an element of no byte", bytes: file([magic, 1, 16, 0], "a\0"),
      error: .badElement(0)),
    Attack(
      testDescription: "an element at 0 of no byte", bytes: file([magic, 1, 0, 0], ""),
      error: .badElement(0)),
    Attack(
      testDescription: "an offset at the end", bytes: file([magic, 1, 18, 1], "a\0"),
      error: .badElement(0)),
    Attack(
      testDescription: "the largest offset", bytes: file([magic, 1, .max, 1], "a\0"),
      error: .badElement(0)),
    Attack(
      testDescription: "the largest length", bytes: file([magic, 1, 16, .max], "a\0"),
      error: .badElement(0)),
    Attack(
      testDescription: "both the largest", bytes: file([magic, 1, .max, .max], "a\0"),
      error: .badElement(0)),
    Attack(
      testDescription: "an end that is inside modulo 2^32",
      bytes: file([magic, 1, .max - 1, 20], "a\0"), error: .badElement(0)),
    Attack(
      testDescription: "an end one past the file's", bytes: file([magic, 1, 16, 3], "a\0"),
      error: .badElement(0)),
    Attack(
      testDescription: "no terminator at all", bytes: file([magic, 1, 16, 2], "ab"),
      error: .badElement(0)),
    Attack(
      testDescription: "a length without the terminator", bytes: file([magic, 1, 16, 1], "a\0"),
      error: .badElement(0)),
    Attack(
      testDescription: "a second element outside",
      bytes: file([magic, 2, 24, 2, 99, 1], "a\0"), error: .badElement(1)),
    Attack(
      testDescription: "elements that overlap and add up to more than the file",
      bytes: file([magic, 3, 32, 20, 32, 20, 32, 20], String(repeating: "a", count: 19) + "\0"),
      error: .badElement(2)),
  ]

  @Test(arguments: attacks)
  func `A file that is no command line is refused with the reason`(attack: Attack) {
    #expect(throws: attack.error) { try ArgumentsFile.decode(attack.bytes) }
  }

  @Test
  func `A thousand elements that share one long string are refused at once`() {
    let count: UInt32 = 1_000
    var words: [UInt32] = [Self.magic, count]
    for _ in 0..<count { words += [8 + 8 * count, 10_001] }
    let bytes = Self.file(words, String(repeating: "a", count: 10_000) + "\0")
    // The file has 18,009 bytes, so the second element is already one too many.
    #expect(throws: ArgumentsFile.DecodeError.badElement(1)) { try ArgumentsFile.decode(bytes) }
  }

  @Test
  func `The layout is header, table, strings, with the terminator in the length`() {
    #expect(
      ArgumentsFile.encode([Array("ext4".utf8), [], Array("a b".utf8)])
        == Self.file([Self.magic, 3, 32, 5, 37, 1, 38, 4], "ext4\0\0a b\0"))
  }

  @Test
  func `A command line of no word is a header alone`() throws {
    #expect(ArgumentsFile.encode([]) == Self.file([Self.magic, 0], ""))
    #expect(try ArgumentsFile.decode(ArgumentsFile.encode([])) == [])
  }

  @Test
  func `Elements may stand in any order and leave gaps`() throws {
    let bytes = Self.file([Self.magic, 2, 28, 3, 24, 2], "b\0##aa\0####")
    #expect(try ArgumentsFile.decode(bytes) == [Array("aa".utf8), Array("b".utf8)])
  }

  @Test
  func `An element ends at its first NUL, as a C string does`() throws {
    let bytes = Self.file([Self.magic, 1, 16, 6], "ab\0cd\0")
    #expect(try ArgumentsFile.decode(bytes) == [Array("ab".utf8)])
  }

  @Test
  func `What follows a command line of no word is not looked at`() throws {
    #expect(try ArgumentsFile.decode(Self.file([Self.magic, 0], "rest")) == [])
  }

  @Test(arguments: PropertySeed.all)
  func `Every command line reads back as it was written`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<100 {
      let arguments = generator.commandLine()
      #expect(
        try ArgumentsFile.decode(ArgumentsFile.encode(arguments)) == arguments, "seed \(seed)")
    }
  }

  @Test(arguments: PropertySeed.all)
  func `No prefix of a command line's file is one`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<20 {
      let bytes = ArgumentsFile.encode(generator.commandLine())
      for length in 0..<bytes.count {
        let prefix = Array(bytes.prefix(length))
        if let read = try? ArgumentsFile.decode(prefix) {
          Issue.record("seed \(seed): \(prefix) reads as \(read)")
        }
      }
    }
  }

  @Test(arguments: PropertySeed.all)
  func `A file with one bit changed is refused or read within its own bytes`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<20 {
      let bytes = ArgumentsFile.encode(generator.commandLine())
      for position in bytes.indices {
        for bit in 0..<8 {
          var changed = bytes
          changed[position] ^= 1 << bit
          guard let read = try? ArgumentsFile.decode(changed) else { continue }
          let total = read.reduce(0) { $0 + $1.count + 1 }
          if total > changed.count || read.contains(where: { $0.contains(0) }) {
            Issue.record("seed \(seed): \(changed) reads as \(read)")
          }
        }
      }
    }
  }
}

extension SplitMix64 {
  /// A command line of a few words, some of them empty.
  fileprivate mutating func commandLine() -> [[UInt8]] {
    let count = Int.random(in: 0..<6, using: &self)
    return (0..<count).map { _ in string() }
  }
}
