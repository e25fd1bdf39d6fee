// SPDX-License-Identifier: LGPL-2.1-or-later

import CServiceAdapter
import FuseService
import ServerSupport
import Testing

@testable import ServiceAdapter

/// The shim's packet for a mount.
private func mountPacket(flags: UInt64, _ options: String) -> [UInt8] {
  let words = text(options)
  return withUnsafeBytes(of: flags) { Array($0) } + words
    + [UInt8](repeating: 0, count: Int(SERVICE_SHIM_OPTIONS) - words.count)
}

@Suite struct ServerTests {
  @Test(
    arguments: [
      (["d", "/m"], [], false, "rw"), (["d", "/m"], [], true, "ro"),
      (["d", "/m"], ["--read-write-word=rw+"], false, "rw+"),
      (["d", "/m", "-o", "uid=1"], ["--option=uid="], false, "rw,uid=1"),
      (
        ["d", "/m", "-o", "j=x,k=y"], ["--file-option=j=", "--file-option=k="], true,
        "ro,j=/fuse-service-file-1,k=/fuse-service-file-2"
      ),
    ] as [([String], [String], Bool, String)])
  func `A server's command line has its own names and the caller's options`(
    words: [String], description: [String], isReadOnly: Bool, options: String
  ) throws {
    var described = try describe(description)
    described.command = ["/s", "-o", "{options},x", "a={source}", "{mountpoint}{mountpoint}"]
      .map { text($0) }
    let command = serverCommand(
      described, try request(words, description), mountPoint: text("/tmp/m"),
      isReadOnly: isReadOnly)
    #expect(
      command
        == ["/s", "-o", options + ",x", "a=/fuse-service-file-0", "/tmp/m/tmp/m"].map { text($0) })
  }

  @Test func `The shim's packets are told by their sizes`() {
    #expect(
      shimReport(mountPacket(flags: 7, "fd=4,rootmode=40000"))
        == .mount(
          WantedMount(isReadOnly: true, words: [text("fd=4"), text("rootmode=40000")])))
    #expect(
      shimReport(mountPacket(flags: 6, ""))
        == .mount(WantedMount(isReadOnly: false, words: [])))
    #expect(shimReport(withUnsafeBytes(of: Int32(5)) { Array($0) }) == .answered(5))
  }

  @Test func `A packet of any other size is none`() {
    let whole = mountPacket(flags: 0, "a")
    for count in 0..<whole.count where count != 4 {
      #expect(shimReport(Array(whole.prefix(count))) == nil)
    }
    #expect(shimReport(whole + [0]) == nil)
  }

  @Test func `A server gets what it has to know of its mount and no more`() throws {
    let wanted = WantedMount(
      isReadOnly: false,
      words: [
        "fd=4", "rootmode=40000", "user_id=0", "allow_other", "default_permissions", "suid",
        "max_read=4096", "max_read=8192", "blksize=512", "max_read=x",
      ].map { text($0) })
    let parameters = mountParameters(
      try request(["d.img", "/m", "-o", "x-a"]), try describe([]), wanted, subtype: text("t"),
      openedReadOnly: false)
    #expect(
      parameters
        == MountParameters(
          source: text("d.img"), superblockOptions: text("max_read=4096"),
          userspaceOptions: text("x-a"), mountPoint: text("/m"), flags: [.noSetId, .noDevices]))
  }

  @Test(arguments: [(true, false), (false, true)])
  func `What was opened for reading, or is served so, is mounted so`(opened: Bool, wanted: Bool)
    throws
  {
    let parameters = mountParameters(
      try request(["d", "/m"]), try describe([]), WantedMount(isReadOnly: wanted, words: []),
      subtype: text("t"), openedReadOnly: opened)
    #expect(parameters.flags == [.noSetId, .noDevices, .readOnly])
  }

  @Test(
    arguments: [
      ([], [], ""), (["--default-permissions"], [], "default_permissions"),
      (["--default-permissions"], ["-o", "default_permissions"], "default_permissions"),
      ([], ["-o", "allow_other"], "default_permissions,allow_other"),
    ] as [([String], [String], String)])
  func `With others let in the kernel checks permissions`(
    description: [String], words: [String], options: String
  ) throws {
    let parameters = mountParameters(
      try request(["d", "/m"] + words, description), try describe(description),
      WantedMount(isReadOnly: false, words: []), subtype: text("t"), openedReadOnly: false)
    #expect(parameters.superblockOptions == text(options))
  }

  @Test(
    arguments: [
      ("", nil), ("\n \n", nil), ("Hello 1.0\n", nil), ("  bad\r\n", "bad"),
      ("Hello 1.0\n/fuse-service-file-0: bad\ntry more", "d.img: bad; try more"),
    ] as [(String, String?)])
  func `A server's words are one line with the caller's names`(output: String, line: String?) {
    #expect(
      reason(
        in: text(output), banners: [text("Hello")],
        names: [Replacement(text("/fuse-service-file-0"), by: text("d.img"))])
        == line.map { text($0) })
  }

  @Test func `What a server writes has its lines and no control character`() {
    #expect(escapedLines(text("a\u{1b}[31m\r\nb\t\n")) == text("a\\x1b[31m\\x0d\nb\\x09\n"))
  }
}
