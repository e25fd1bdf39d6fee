// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation
import FuzzTargets
import Testing

@Suite("The corpus of the fuzz targets")
struct CorpusTests {
  /// The kept inputs of a target, each with its file's name: its hash, or what it shows.
  static func inputs(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
    let corpus = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(components: "fuzz", "corpus", target.name)
    return try FileManager.default
      .contentsOfDirectory(at: corpus, includingPropertiesForKeys: nil)
      .map { ($0.lastPathComponent, try [UInt8](Data(contentsOf: $0))) }
  }

  @Test(arguments: FuzzTarget.all)
  func `No input that fuzzing has found breaks a promise`(target: FuzzTarget) throws {
    let inputs = try Self.inputs(of: target)
    #expect(!inputs.isEmpty)
    for input in inputs {
      do throws(BrokenPromise) {
        try target.body(input.bytes)
      } catch {
        Issue.record("\(input.name): \(error)")
      }
    }
  }
}
