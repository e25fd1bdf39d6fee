// SPDX-License-Identifier: LGPL-2.1-or-later

import LinuxPrimitives

/// A promise of a module that an input has broken.
public struct BrokenPromise: Error, CustomStringConvertible, Sendable {
  /// What did not hold, and for what.
  public let description: String
}

/// Throws when a promise does not hold.
func promise(_ holds: Bool, _ description: @autoclosure () -> String) throws(BrokenPromise) {
  if !holds { throw BrokenPromise(description: description()) }
}

/// Does what cannot fail on a machine in order: a process that runs out of descriptors has leaked
/// them.
func onThisMachine<Result: ~Copyable>(
  _ body: () throws(Errno) -> Result
) throws(BrokenPromise) -> Result {
  do throws(Errno) {
    return try body()
  } catch {
    throw BrokenPromise(
      description: "the machine says \(String(decoding: error.message, as: UTF8.self))")
  }
}

/// A body that takes any bytes: it traps or throws only when the code under test is wrong.
///
/// The bodies know nothing of libFuzzer, so that `swift test` replays the corpus through them.
public struct FuzzTarget: Sendable, CustomStringConvertible {
  /// The name of the corpus directory, the dictionary, the entry file and the program.
  public let name: String
  /// The body.
  public let body: @Sendable ([UInt8]) throws(BrokenPromise) -> Void

  /// The name.
  public var description: String { name }

  /// All targets.
  public static let all = [
    packets, session, configuration, options, arguments, commandline, intents, mountinfo,
  ]

  /// Runs the body as libFuzzer wants it, on `count` bytes from `start`: a broken promise ends the
  /// process, which is what libFuzzer takes for a finding.
  public func run(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    do throws(BrokenPromise) {
      // libFuzzer's buffer lives as long as the call, and it is copied at once.
      try body(Array(UnsafeBufferPointer(start: start, count: count)))
      return 0
    } catch {
      fatalError(error.description)
    }
  }
}

/// Bytes as they stand in a failure's text: readable, and exact.
func shown(_ bytes: [UInt8]) -> String {
  "\"" + bytes.map { $0 >= 0x20 && $0 < 0x7f ? String(UnicodeScalar($0)) : "<\($0)>" }.joined()
    + "\""
}
