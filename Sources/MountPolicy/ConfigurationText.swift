// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// The grammar of `fuse.conf`, to the letter as fusermount3 has it: a line a setting, `#` begins a
/// comment, and a number is what `sscanf(3)` takes for one.
public enum ConfigurationText {
  /// The longest line that is read, in bytes with its newline: fusermount3's buffer is 256 bytes,
  /// and `fgets(3)` keeps one for the terminator.
  private static let longestLine = 255

  /// Whether a file with these facts from `fstat(2)` may be followed: a regular file, root's, and
  /// writable by nobody else.
  public static func isTrustworthy(isRegularFile: Bool, owner: UInt32, mode: UInt32) -> Bool {
    isRegularFile && owner == 0 && mode & 0o022 == 0
  }

  /// Gives each setting and the number of its line to `take`, which returns what is wrong with it.
  static func read(
    _ bytes: [UInt8], _ take: ([UInt8], Int) -> ConfigurationWarning?
  ) -> [ConfigurationWarning] {
    var warnings: [ConfigurationWarning] = []
    var start = 0
    var number = 1
    while start < bytes.count {
      guard let newline = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else {
        // Not taken: the file may have been cut short in the middle of a number.
        warnings.append(.missingNewline)
        break
      }
      let line = Array(bytes[start..<newline])
      if newline - start >= longestLine {
        warnings.append(.lineTooLong(line: number))
      } else if line.contains(0) {
        // fusermount3 would take such a line, and the next one, for something else than an editor
        // shows.
        warnings.append(.unknownParameter(line: number, text: line))
      } else {
        let setting = strip(line)
        if !setting.isEmpty, let warning = take(setting, number) { warnings.append(warning) }
      }
      start = newline + 1
      number += 1
    }
    return warnings
  }

  /// A line without its comment and without white space around what is left.
  private static func strip(_ line: [UInt8]) -> [UInt8] {
    var text = line.prefix { $0 != UInt8(ascii: "#") }
    while let last = text.last, isSpace(last) { text.removeLast() }
    return Array(text.drop { isSpace($0) })
  }

  /// `isspace(3)` in the C locale.
  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0d).contains(byte)
  }

  /// What stands behind the `=` of a setting.
  enum Limit: Equatable {
    /// The setting is another, or has no number.
    case none
    /// A number that is none of the others.
    case invalid
    /// -1, which stands for any number.
    case unlimited
    /// The number.
    case most(Int)
  }

  /// The limit that a setting called `name` sets.
  ///
  /// What `sscanf(text, "NAME = %i")` finds: any or no white space around `=`, an optional sign,
  /// `0x` for hexadecimal and `0` for octal, and anything after the number.
  ///
  /// `0b` is the number 0 with something after it, as before C23. One difference is deliberate: where
  /// `sscanf` lets a number overflow, so that a large one may come out as -1, the line is not taken.
  static func limit(named name: [UInt8], in text: [UInt8]) -> Limit {
    guard let afterName = text.rest(after: name) else { return .none }
    var rest = afterName.drop { isSpace($0) }
    guard rest.popFirst() == UInt8(ascii: "=") else { return .none }
    rest = rest.drop { isSpace($0) }
    var isNegative = false
    if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      isNegative = sign == UInt8(ascii: "-")
      rest.removeFirst()
    }
    var base: Int64 = 10
    var found = false
    if rest.first == UInt8(ascii: "0") {
      // The zero counts as a digit even when nothing useful follows it.
      (base, found) = (8, true)
      rest.removeFirst()
      if let letter = rest.first, letter | 0x20 == UInt8(ascii: "x") {
        base = 16
        rest.removeFirst()
      }
    }
    var value: Int64 = 0
    for byte in rest {
      guard let digit = digitValue(byte), digit < base else { break }
      found = true
      value = value * base + digit
      if value > Int64(Int32.max) + 1 { return .invalid }
    }
    guard found else { return .none }
    guard let result = Int32(exactly: isNegative ? -value : value), result >= -1 else {
      return .invalid
    }
    return result == -1 ? .unlimited : .most(Int(result))
  }

  private static func digitValue(_ byte: UInt8) -> Int64? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return Int64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): return Int64(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): return Int64(byte - UInt8(ascii: "A")) + 10
    default: return nil
    }
  }
}

/// What in a configuration file was not taken.
public enum ConfigurationWarning: Equatable, Sendable {
  /// The line, counted from 1, is no parameter that is known, or holds a NUL.
  case unknownParameter(line: Int, text: [UInt8])
  /// The line sets the parameter `name` below -1 or beyond what an `int` holds.
  case invalidLimit(name: [UInt8], line: Int, text: [UInt8])
  /// The line has more than 255 bytes, its newline counted.
  case lineTooLong(line: Int)
  /// The last line has no newline.
  case missingNewline

  /// One line in words; `path` names the file. Bytes from the file stand in it as they are, so it
  /// goes through `escaped(_:limit:)` before it is shown.
  public func line(path: [UInt8]) -> [UInt8] {
    switch self {
    case .unknownParameter(let line, let word):
      return path + text(": line ") + digits(UInt64(line)) + text(": unknown parameter '") + word
        + text("' is ignored")
    case .invalidLimit(let name, let line, let value):
      return path + text(": line ") + digits(UInt64(line)) + text(": invalid ") + name
        + text(": '") + value
        + text("' is ignored; use -1 for no limit, or a number up to 2147483647")
    case .lineTooLong(let line):
      return path + text(": line ") + digits(UInt64(line))
        + text(": more than 255 bytes; the line is ignored")
    case .missingNewline:
      return path + text(": the last line has no newline at its end and is ignored; add one")
    }
  }
}
