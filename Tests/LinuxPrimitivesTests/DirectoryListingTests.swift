// SPDX-License-Identifier: LGPL-2.1-or-later

import LinuxPrimitives
import TestSupport
import Testing

@Suite("Directories")
struct DirectoryListingTests {
  @Test func `A directory has its names, as bytes, without itself and its parent`() throws {
    let directory = try TemporaryDirectory()
    let names: [[UInt8]] = [
      bytes("a"), bytes(".hidden"), bytes("..."), bytes("a b\n\u{1b}"), [0xff, 0xfe],
      [UInt8](repeating: 0x61, count: 255),
    ]
    #expect(try directoryEntries(bytes(directory.path)) == [])
    for name in names {
      _ = try openFile(
        bytes(directory.path + "/") + name, [.writeOnly, .create], mode: 0o600)
    }
    let found = try directoryEntries(bytes(directory.path))
    #expect(
      found.sorted { $0.lexicographicallyPrecedes($1) }
        == names.sorted { $0.lexicographicallyPrecedes($1) })
  }

  @Test func `A directory of many names is read to its end`() throws {
    let directory = try TemporaryDirectory()
    let names = (0..<2000).map { bytes("name that is not short, so that it takes room \($0)") }
    for name in names {
      _ = try openFile(
        bytes(directory.path + "/") + name, [.writeOnly, .create], mode: 0o600)
    }
    #expect(Set(try directoryEntries(bytes(directory.path))) == Set(names))
  }

  @Test func `What is no directory is an error`() {
    expectError(.noSuchFile) { () throws(Errno) in try directoryEntries(bytes("/nonexistent")) }
    expectError(.notDirectory) { () throws(Errno) in try directoryEntries(bytes("/etc/passwd")) }
    expectError(.invalidArgument) { () throws(Errno) in try directoryEntries(bytes("/a\0b")) }
  }
}
