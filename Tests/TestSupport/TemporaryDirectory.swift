// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation

/// A directory that goes with the test, and all that is in it.
public final class TemporaryDirectory {
  /// Its path, without symbolic links.
  public let path: String

  /// Makes it.
  public init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "fsm-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.resolvingSymlinksInPath().path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of `name` in it.
  public func file(_ name: String) -> [UInt8] { Array("\(path)/\(name)".utf8) }

  /// Makes a file and returns its path.
  public func makeFile(_ name: String, _ content: String = "") throws -> [UInt8] {
    try Data(content.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    return file(name)
  }

  /// Makes a symbolic link and returns its path.
  public func makeLink(_ name: String, to target: String) throws -> [UInt8] {
    try FileManager.default.createSymbolicLink(
      atPath: "\(path)/\(name)", withDestinationPath: target)
    return file(name)
  }
}
