// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation
import Glibc
import MountProtocol
import Testing

@Suite("Error numbers")
struct ErrorNumberTests {
  static let table: [(ErrorNumber, Int32)] = [
    (.notPermitted, EPERM),
    (.noSuchFile, ENOENT),
    (.inputOutput, EIO),
    (.permissionDenied, EACCES),
    (.notBlockDevice, ENOTBLK),
    (.busy, EBUSY),
    (.fileExists, EEXIST),
    (.notDirectory, ENOTDIR),
    (.isDirectory, EISDIR),
    (.invalidArgument, EINVAL),
    (.readOnlyFileSystem, EROFS),
    (.nameTooLong, ENAMETOOLONG),
    (.notImplemented, ENOSYS),
    (.tooManyLinks, ELOOP),
    (.tooManyUsers, EUSERS),
    (.notSupported, EOPNOTSUPP),
    (.timedOut, ETIMEDOUT),
  ]

  @Test(arguments: table)
  func `Each is the host's`(number: ErrorNumber, errno: Int32) {
    #expect(number.rawValue == UInt32(errno))
  }

  @Test
  func `None is missing from the comparison with the host's`() throws {
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/MountProtocol/ErrorNumber.swift").standardized
    let declared =
      try String(contentsOf: source, encoding: .utf8)
      .components(separatedBy: "public static let ").count - 1
    #expect(declared == Self.table.count)
    #expect(Set(Self.table.map { $0.0 }).count == Self.table.count)
  }
}
