// SPDX-License-Identifier: LGPL-2.1-or-later

public import FuseService

/// Why a server gives a mount up.
public enum Failure: Error {
  /// The helper refused and has told the caller, or is gone; what to log.
  case helper([UInt8])
  /// This server will not go on, with the reason.
  case own([UInt8])
}

/// Says why there will be no mount: to the log of `program` always, and to the caller what the helper
/// does not know. The result is the exit status.
public func giveUp(
  _ connection: consuming FuseServiceConnection, _ failure: Failure, from program: String
) -> Int32 {
  switch failure {
  case .helper(let reason):
    log(reason, from: program)
  case .own(let reason):
    log(reason, from: program)
    connection.lastWords(reason)
  }
  connection.goodbye(exitCode: 1)
  return serviceExitStatus(succeeded: false)
}
