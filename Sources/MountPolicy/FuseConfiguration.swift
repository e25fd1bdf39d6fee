// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// What `fuse.conf` says. The file is shared with fusermount3, and so is its grammar, to the letter.
public struct FuseConfiguration: Equatable, Sendable {
  /// Whether users may use `allow_other` (`user_allow_other`).
  public var userAllowOther = false
  /// How many FUSE mounts there may be before users can add no more (`mount_max`); `nil` for any
  /// number, which the file spells -1.
  public var mountMaximum: Int? = 1000

  /// What holds when there is no file, or none that can be trusted.
  public init() {}

  /// Reads the content of the file. What cannot be taken is left out and warned about.
  public static func parse(
    _ bytes: [UInt8]
  ) -> (configuration: FuseConfiguration, warnings: [ConfigurationWarning]) {
    var configuration = FuseConfiguration()
    let warnings = ConfigurationText.read(bytes) { configuration.take($0, line: $1) }
    return (configuration, warnings)
  }

  private mutating func take(_ words: [UInt8], line number: Int) -> ConfigurationWarning? {
    if words == "user_allow_other" {
      userAllowOther = true
      return nil
    }
    let name = text("mount_max")
    switch ConfigurationText.limit(named: name, in: words) {
    case .none: return .unknownParameter(line: number, text: words)
    case .invalid: return .invalidLimit(name: name, line: number, text: words)
    case .unlimited: mountMaximum = nil
    case .most(let value): mountMaximum = value
    }
    return nil
  }
}
