// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// How the helper and its companion speak: the companion's standard input is a packet socket, and this
/// is what goes over it.
public enum CompanionLine {
  /// The name of the program, as its own argument 0.
  public static var program: [UInt8] { text("fuservicemount3-companion") }

  /// Argument 1, for a companion that records a mount.
  public static var record: [UInt8] { text("record") }

  /// Argument 1, for a companion that says its user's name.
  public static var userName: [UInt8] { text("name") }

  /// The companion's word for a step that is done; every other is an error number.
  public static let done: UInt8 = 0

  /// What the helper says to one that records when the time has come: for how many milliseconds it may
  /// keep the table locked follows in digits.
  public static let begin: UInt8 = 4

  /// What the helper says to one that records, once it has the table's lock: what is to be recorded
  /// follows in the same packet.
  public static let goAhead: UInt8 = 3

  /// What is to become of the entry.
  public enum Verdict: UInt8, Sendable {
    /// It stands.
    case keep = 1
    /// It is taken back.
    case takeBack
  }
}
