// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives

/// The bytes of a text.
public func text(_ string: String) -> [UInt8] { Array(string.utf8) }

/// Whether a word of the command line is `string`, byte for byte.
public func equals(_ word: [UInt8], _ string: String) -> Bool {
  word.elementsEqual(string.utf8)
}

/// What follows `prefix` in a word, or `nil` when it does not begin with it.
public func value(of word: [UInt8], after prefix: String) -> [UInt8]? {
  guard word.starts(with: prefix.utf8) else { return nil }
  return Array(word.dropFirst(prefix.utf8.count))
}

/// A message with every byte that is not printable ASCII as `\xNN`, so that a name cannot speak to a
/// terminal or break a log line.
public func escaped(_ message: [UInt8]) -> [UInt8] {
  message.flatMap(escaped)
}

/// As `escaped(_:)`, of several lines: their ends stay.
public func escapedLines(_ lines: [UInt8]) -> [UInt8] {
  lines.flatMap { $0 == UInt8(ascii: "\n") ? [$0] : escaped($0) }
}

private func escaped(_ byte: UInt8) -> [UInt8] {
  if (0x20...0x7e).contains(byte) { return [byte] }
  let digits = Array("0123456789abcdef".utf8)
  return text("\\x") + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
}

/// Writes one line to standard error, which is the journal for a service.
public func log(_ message: [UInt8], from program: String) {
  // Nobody is there to hear about a log that cannot be written, and the mount does not wait for one
  // that takes nothing.
  try? writeAll(
    text(program) + text(": ") + escaped(message) + [0x0a], to: 2, until: .after(seconds: 1))
}

/// The version of these programs.
public var programVersion: [UInt8] { BuildConfiguration.version }

/// The command line of this process behind the program's name, copied from what `main` was given.
public func programArguments(
  _ count: Int32, _ words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> [[UInt8]] {
  guard let words = unsafe words, count > 1 else { return [] }
  return (1..<Int(count)).map { index in
    // main's vector has `count` terminated strings.
    guard let word = unsafe words[index] else { return [] }
    return unsafe Array(UnsafeRawBufferPointer(start: word, count: strlen(word)))
  }
}
