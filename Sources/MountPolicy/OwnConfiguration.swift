// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// What `fuservicemount3.conf` says: the limits that only this program has. fusermount3 complains of
/// each line of fuse.conf that it does not know, so they cannot stand there.
public struct OwnConfiguration: Equatable, Sendable {
  /// How many loop devices a user may have from this program at once (`loop_max`); `nil` for any
  /// number, which the file spells -1.
  public var loopMaximum: Int? = 8

  /// What holds when there is no file, or none that can be trusted.
  public init() {}

  /// Reads the content of the file. What cannot be taken is left out and warned about.
  public static func parse(
    _ bytes: [UInt8]
  ) -> (configuration: OwnConfiguration, warnings: [ConfigurationWarning]) {
    var configuration = OwnConfiguration()
    let warnings = ConfigurationText.read(bytes) { configuration.take($0, line: $1) }
    return (configuration, warnings)
  }

  private mutating func take(_ words: [UInt8], line number: Int) -> ConfigurationWarning? {
    let name = text("loop_max")
    switch ConfigurationText.limit(named: name, in: words) {
    case .none: return .unknownParameter(line: number, text: words)
    case .invalid: return .invalidLimit(name: name, line: number, text: words)
    case .unlimited: loopMaximum = nil
    case .most(let value): loopMaximum = value
    }
    return nil
  }
}
