// SPDX-License-Identifier: LGPL-2.1-or-later

import Glibc
import MountPolicy
import Testing

@testable import MountHelper

@Suite("What the system log is told of an attempt")
struct AttemptLogTests {
  private let user = Caller(userID: 1000, groupID: 100)

  private func log(_ operands: [String], type: String = "fuse.demo") -> AttemptLog {
    var invocation = MountInvocation()
    invocation.type = bytes(type)
    invocation.operands = operands.map { bytes($0) }
    return AttemptLog(invocation, caller: user, service: bytes("/run/filesystems/demo"))
  }

  @Test func `The lines say who, what, where and which service, in authpriv`() {
    let log = log(["disk.img", "/mnt"])
    let words =
      "uid=1000 gid=100 type=\"fuse.demo\" service=\"/run/filesystems/demo\""
      + " source=\"disk.img\" mountpoint=\"/mnt\""
    let tag = "fuservicemount3[\(getpid())]: "
    #expect(text(log.beginning) == "<85>\(tag)mounting: \(words)")
    #expect(text(log.success(at: bytes("/mnt"))) == "<85>\(tag)mounted: \(words) path=\"/mnt\"")
    #expect(text(log.success(at: nil)) == "<85>\(tag)mounted: \(words)")
    #expect(text(log.failure(bytes("no"))) == "<84>\(tag)not mounted: \(words) reason=\"no\"")
  }

  @Test func `Without a source none is named`() {
    #expect(!text(log(["/mnt"]).beginning).contains("source="))
    #expect(text(log(["/mnt"]).beginning).contains(" mountpoint=\"/mnt\""))
  }

  @Test(arguments: [
    ("a\nb", "a\\x0ab"), ("a\u{1b}[2J", "a\\x1b[2J"), ("a\" uid=\"0", "a\\\" uid=\\\"0"),
    ("a\\", "a\\\\"), ("a\\\"", "a\\\\\\\""),
  ])
  func `Nothing that a caller or a server chose ends its field or the line`(
    value: String, shown: String
  ) {
    for line in [
      log([value, "/mnt"]).beginning, log([value]).beginning, log(["/mnt"], type: value).beginning,
      log(["/mnt"]).failure(bytes(value)), log(["/mnt"]).success(at: bytes(value)),
    ] {
      #expect(text(line).contains("=\"\(shown)\""), "\(text(line))")
      #expect(!line.contains { $0 < 0x20 || $0 == 0x7f })
    }
  }

  @Test func `A line has a bound`() {
    let long = String(repeating: "\u{1}", count: 10_000)
    #expect(log([long, long], type: long).failure(bytes(long)).count < 2048)
  }
}
