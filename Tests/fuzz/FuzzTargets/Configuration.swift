// SPDX-License-Identifier: LGPL-2.1-or-later

import CFusermount
import MountPolicy

extension FuzzTarget {
  /// The input is the content of fuse.conf. The oracle is fusermount3's way of reading it, on the C
  /// library's own sscanf(3).
  public static let configuration = FuzzTarget(name: "configuration") {
    (bytes) throws(BrokenPromise) in
    let (configuration, warnings) = FuseConfiguration.parse(bytes)
    let expected = readAsFusermountDoes(bytes)
    try promise(
      configuration == expected.configuration,
      "\(shown(bytes)) reads as \(configuration), not as \(expected.configuration)")
    try promise(
      warnings == expected.warnings, "\(shown(bytes)): \(warnings), not \(expected.warnings)")
    if let maximum = configuration.mountMaximum {
      try promise(maximum >= 0, "mount_max is \(maximum)")
    }
    // Each is made in the same way, and there can be a thousand.
    for warning in warnings.suffix(4) {
      try promiseIsShownSafely(warning.line(path: Array("conf".utf8)))
    }
  }

  private static func readAsFusermountDoes(
    _ bytes: [UInt8]
  ) -> (configuration: FuseConfiguration, warnings: [ConfigurationWarning]) {
    var configuration = FuseConfiguration()
    var warnings: [ConfigurationWarning] = []
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let unfinished = lines.removeLast()
    for (index, line) in lines.enumerated() {
      let text = Array(line.prefix { $0 != UInt8(ascii: "#") }).trimmed
      if line.count > 254 {
        warnings.append(.lineTooLong(line: index + 1))
      } else if line.contains(0) {
        warnings.append(.unknownParameter(line: index + 1, text: Array(line)))
      } else if text == Array("user_allow_other".utf8) {
        configuration.userAllowOther = true
      } else if let number = scannedMountMaximum(text) {
        // One difference is meant: sscanf("%i") lets a number overflow.
        if (-1...Int(Int32.max)).contains(number) {
          configuration.mountMaximum = number == -1 ? nil : number
        } else {
          warnings.append(
            .invalidLimit(
              name: Array("mount_max".utf8), line: index + 1, text: text))
        }
      } else if !text.isEmpty {
        warnings.append(.unknownParameter(line: index + 1, text: text))
      }
    }
    if !unfinished.isEmpty { warnings.append(.missingNewline) }
    return (configuration, warnings)
  }

  private static func scannedMountMaximum(_ text: [UInt8]) -> Int? {
    var number = 0
    let line = (text + [0]).map { CChar(bitPattern: $0) }
    return cfusermount_scan(line, &number) == 1 ? number : nil
  }
}

extension [UInt8] {
  /// The bytes without what isspace(3) takes for white space at both ends.
  fileprivate var trimmed: [UInt8] {
    guard let first = firstIndex(where: { cfusermount_isspace(Int32($0)) == 0 }),
      let last = lastIndex(where: { cfusermount_isspace(Int32($0)) == 0 })
    else { return [] }
    return Array(self[first...last])
  }
}
