// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import Testing

@Suite("Source names")
struct SourceNameTests {
  private func judge(_ source: [UInt8]) -> Refusal? {
    refusal { () throws(Refusal) in
      try SourceName.judge(
        source, namedFiles: NamedFiles(operands: list("/home/u/disk.img"), optionValues: []))
    }
  }

  @Test(arguments: [
    "squashfs", "disk.img", "a name with spaces", "-x", "--help", "$(id)", "a\\b", "\u{e9}",
    "/home/u/disk.img", "/dev/fuse", "user@host:/dir", "~/x", "none",
  ])
  func `A name that is no foreign path is taken`(source: String) {
    #expect(judge(bytes(source)) == nil)
  }

  @Test(arguments: [
    "/", "/etc/passwd", "/home/u/disk.imgx", "/home/u/./disk.img", "//home/u/disk.img",
    "/dev/fuse/",
    "/dev/sda1", "//server/share",
  ])
  func `A path that the caller did not name is refused`(source: String) {
    #expect(judge(bytes(source)) == .sourceNotNamed(bytes(source)))
    #expect(judge(bytes(source))?.error == .invalidArgument)
  }

  @Test(arguments: [0...0x1f, 0x7f...0x7f] as [ClosedRange<UInt8>])
  func `A control byte anywhere is refused`(range: ClosedRange<UInt8>) {
    for byte in range {
      for source in [[byte], bytes("a") + [byte], [byte] + bytes("a"), bytes("/dev/fuse") + [byte]]
      {
        #expect(judge(source) == .sourceHoldsControlByte(source))
        #expect(judge(source)?.error == .invalidArgument)
      }
    }
  }

  @Test(
    arguments: [
      (1, nil), (255, nil), (256, nil), (4095, nil), (4096, .invalidArgument),
      (60_000, .invalidArgument),
    ] as [(Int, ErrorNumber?)])
  func `A name has at most 4095 bytes`(length: Int, error: ErrorNumber?) {
    #expect(judge([UInt8](repeating: 0x61, count: length))?.error == error)
  }

  @Test func `An empty name is refused`() {
    #expect(judge([]) == .emptySource)
  }

  @Test(
    arguments: [
      [0xff, 0xfe], [0x9b], bytes("a\u{9b}31m"), bytes("a\u{202e}b"), bytes("a\u{2028}b"),
      bytes("a\u{34f}"), [0xc3],
    ] as [[UInt8]])
  func `What acts on a terminal, or does not show, is refused unless the caller wrote it`(
    source: [UInt8]
  ) throws {
    #expect(judge(source) == .sourceNotPrintable(source))
    let named = NamedFiles(operands: [source], optionValues: [])
    try SourceName.judge(source, namedFiles: named)
    #expect(judge(bytes("Größe 中文")) == nil)
  }
}
