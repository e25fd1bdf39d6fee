// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountProtocol

extension FuseServiceConnection {
  /// Tells the caller why this server gives up: one line on the caller's terminal, marked as the
  /// server's own words and with control characters made visible by the helper. To be used at most
  /// once, just before a goodbye that is not 0, and not about what the helper itself refused, which
  /// it tells the caller anyway.
  ///
  /// More than 512 bytes are cut, and NULs left out. Failing to send is no error: the server is
  /// giving up. A helper that does not know last words ends the session, as the goodbye would.
  public mutating func lastWords(_ words: [UInt8]) {
    let text = Array(words.filter { $0 != 0 }.prefix(ProtocolLimits.lastWordsLength))
    try? socket.sendPacket(
      Command.lastWords(text).encoded(), until: .after(seconds: timeouts.reply))
  }

  /// Ends the conversation: with 0 the helper attaches the mount, with anything else it makes none.
  /// Closes the socket, and this connection's `/dev/fuse` if it was not released.
  ///
  /// - Returns: whether the helper was still there to hear it. If it was not, there is no mount.
  ///
  /// The corresponding system calls are `sendmsg(2)`, `shutdown(2)` and `close(2)`.
  @discardableResult
  public consuming func goodbye(exitCode: UInt32) -> Bool {
    let packet = Command.goodbye(exitCode: exitCode).encoded()
    let heard: Void? = try? socket.sendPacket(packet, until: .after(seconds: timeouts.reply))
    socket.shutDown()
    return heard != nil
  }

  /// The command line as one line for a process title or a log: `program -t subtype arguments…`.
  public func commandLine(program: [UInt8]) -> [UInt8] {
    let words = [program, Array("-t".utf8)] + arguments
    return Array(words.joined(separator: [0x20]))
  }
}

/// The exit status of a service: what init scripts may return by the Linux Standard Base (5.0,
/// section 22.2), which is 0 for success and 1 for an unspecified error. Why a server failed belongs
/// into its log, where the service manager looks for it.
public func serviceExitStatus(succeeded: Bool) -> Int32 { succeeded ? 0 : 1 }
