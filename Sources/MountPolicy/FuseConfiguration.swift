// SPDX-License-Identifier: LGPL-2.1-or-later

/// What `fuse.conf` says. The file is shared with fusermount3, and so is its grammar, to the letter.
public struct FuseConfiguration: Equatable, Sendable {
  /// Whether users may use `allow_other` (`user_allow_other`).
  public var userAllowOther = false
  /// How many FUSE mounts there may be before users can add no more (`mount_max`); `nil` for any
  /// number, which the file spells -1.
  public var mountMaximum: Int? = 1000

  /// What holds when there is no file, or none that can be trusted.
  public init() {}

  /// Whether a file with these facts from `fstat(2)` may be followed: a regular file, root's, and
  /// writable by nobody else.
  public static func isTrustworthy(isRegularFile: Bool, owner: UInt32, mode: UInt32) -> Bool {
    isRegularFile && owner == 0 && mode & 0o022 == 0
  }

  /// The longest line that is read, in bytes with its newline: fusermount3's buffer is 256 bytes,
  /// and `fgets(3)` keeps one for the terminator.
  private static let longestLine = 255

  /// Reads the content of the file. What cannot be taken is left out and warned about.
  public static func parse(
    _ bytes: [UInt8]
  ) -> (configuration: FuseConfiguration, warnings: [FuseConfigurationWarning]) {
    var configuration = FuseConfiguration()
    var warnings: [FuseConfigurationWarning] = []
    var start = 0
    var number = 1
    while start < bytes.count {
      guard let newline = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else {
        // Not taken: the file may have been cut short in the middle of a number.
        warnings.append(.missingNewline)
        break
      }
      if newline - start >= longestLine {
        warnings.append(.lineTooLong(line: number))
      } else if let warning = configuration.take(Array(bytes[start..<newline]), line: number) {
        warnings.append(warning)
      }
      start = newline + 1
      number += 1
    }
    return (configuration, warnings)
  }

  /// Takes one line, without its newline.
  private mutating func take(_ line: [UInt8], line number: Int) -> FuseConfigurationWarning? {
    // fusermount3 would take such a line, and the next one, for something else than an editor shows.
    if line.contains(0) { return .unknownParameter(line: number, text: line) }
    let text = FuseConfiguration.strip(line)
    if text.isEmpty { return nil }
    if text == ascii("user_allow_other") {
      userAllowOther = true
      return nil
    }
    switch FuseConfiguration.mountMaximum(in: text) {
    case .none:
      return .unknownParameter(line: number, text: text)
    case .outOfRange:
      return .invalidMountMaximum(line: number, text: text)
    case .value(let value) where value < -1:
      return .invalidMountMaximum(line: number, text: text)
    case .value(let value):
      mountMaximum = value == -1 ? nil : Int(value)
      return nil
    }
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

  private enum Number {
    case none
    case outOfRange
    case value(Int32)
  }

  /// What `sscanf(text, "mount_max = %i")` finds: any or no white space around `=`, an optional
  /// sign, `0x` for hexadecimal and `0` for octal, and anything after the number.
  ///
  /// `0b` is the number 0 with something after it, as before C23. One difference is deliberate: where `sscanf` lets a number overflow, so that a large one may
  /// come out as -1, the line is not taken.
  private static func mountMaximum(in text: [UInt8]) -> Number {
    guard let afterName = text.rest(after: ascii("mount_max")) else { return .none }
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
      if value > Int64(Int32.max) + 1 { return .outOfRange }
    }
    guard found else { return .none }
    guard let result = Int32(exactly: isNegative ? -value : value) else { return .outOfRange }
    return .value(result)
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

/// What in `fuse.conf` was not taken.
public enum FuseConfigurationWarning: Equatable, Sendable {
  /// The line, counted from 1, is no parameter that version 3 of fuse knows, or holds a NUL.
  case unknownParameter(line: Int, text: [UInt8])
  /// The line sets `mount_max` below -1 or beyond what an `int` holds.
  case invalidMountMaximum(line: Int, text: [UInt8])
  /// The line has more than 255 bytes, its newline counted.
  case lineTooLong(line: Int)
  /// The last line has no newline.
  case missingNewline

  /// One line in words; `path` names the file. Bytes from the file stand in it as they are, so it
  /// goes through `escaped(_:limit:)` before it is shown.
  public func text(path: [UInt8]) -> [UInt8] {
    switch self {
    case .unknownParameter(let line, let text):
      return path + ascii(": line ") + digits(UInt64(line)) + ascii(": unknown parameter '") + text
        + ascii("' is ignored")
    case .invalidMountMaximum(let line, let text):
      return path + ascii(": line ") + digits(UInt64(line)) + ascii(": invalid mount_max: '") + text
        + ascii("' is ignored; use -1 for no limit, or a number up to 2147483647")
    case .lineTooLong(let line):
      return path + ascii(": line ") + digits(UInt64(line))
        + ascii(": more than 255 bytes; the line is ignored")
    case .missingNewline:
      return path + ascii(": the last line has no newline at its end and is ignored; add one")
    }
  }
}
