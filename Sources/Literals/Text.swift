// SPDX-License-Identifier: LGPL-2.1-or-later

/// The bytes of a text that stands in the source.
///
/// What ships makes its texts by this alone: a `String` would bring its views, its indices and Unicode
/// along, which is 10 kB that nothing needs.
public func text(_ literal: StaticString) -> [UInt8] {
  // A literal's bytes live as long as the program.
  unsafe Array(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
}
