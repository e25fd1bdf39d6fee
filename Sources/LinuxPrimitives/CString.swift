// SPDX-License-Identifier: LGPL-2.1-or-later

/// Bytes with a terminator, for system calls that take names.
public struct CString: Sendable {
  private let storage: [UInt8]

  /// Copies `bytes`.
  ///
  /// - Throws: `EINVAL` when they hold a NUL, which would cut the string short.
  public init(_ bytes: [UInt8]) throws(Errno) {
    guard !bytes.contains(0) else { throw .invalidArgument }
    storage = bytes + [0]
  }

  /// The string of no byte.
  public static var empty: CString { CString(terminated: [0]) }

  /// A string of the program's own.
  public init(_ literal: StaticString) {
    // A literal's bytes live as long as the program.
    storage =
      unsafe Array(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
      + [0]
  }

  private init(terminated: [UInt8]) { storage = terminated }

  /// Calls `body` with the string, which is valid during the call.
  public func withPointer<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    unsafe storage.withUnsafeBytes { buffer in
      // The storage has at least the terminator, so it has an address.
      guard let base = buffer.baseAddress else { fatalError() }
      return unsafe body(base.assumingMemoryBound(to: CChar.self))
    }
  }
}

/// Calls `body` with `bytes` as a C string.
///
/// - Throws: `EINVAL` when `bytes` hold a NUL.
public func withCString<Result>(
  _ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Result
) throws(Errno) -> Result {
  // The pointer is handed on under the same condition.
  unsafe try CString(bytes).withPointer(body)
}
