// SPDX-License-Identifier: LGPL-2.1-or-later

/// The helper's exit status. A server never chooses it.
public enum ExitStatus: Int32, Equatable, Sendable {
  /// Mounted; or, with `--check`, the service is there and the caller may use it.
  case success = 0
  /// Not mounted.
  case failure = 1
  /// Not mounted because there is no service for the type: its socket does not exist. A caller may
  /// fall back to a driver that is not contained, so nothing that a server or a user can bring
  /// about leads here.
  case noService = 2
}
