// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// What the worker is about to wait for. The monitor hears of each step and holds its clock: the
/// worker itself has no deadline, because a process that a hostile file system holds could not keep
/// one.
public enum Step: UInt8, CaseIterable, Equatable, Sendable {
  /// Walking to the mount point and looking at it, and to the files that a root caller named.
  case paths
  /// A place in the service's queue.
  case connection
  /// The server's answer to the hello.
  case hello
  /// The server's next packet.
  case command
  /// A file that the server asked for.
  case file

  /// What is waited for, in plain words.
  public var description: [UInt8] {
    switch self {
    case .paths: return text("a path on the command line")
    case .connection: return text("the service to take the connection")
    case .hello: return text("the service's first answer")
    case .command: return text("the service's next request")
    case .file: return text("a file that the service asked for")
    }
  }

  /// How long the step may take, in seconds, unless the caller says otherwise.
  public var defaultTimeout: UInt32 {
    switch self {
    case .connection, .hello: return 90
    case .paths, .command, .file: return 300
    }
  }
}
