// SPDX-License-Identifier: LGPL-2.1-or-later

internal import FuseService
internal import LinuxPrimitives
internal import ServerSupport

/// A mount and the server that serves it. The service lives as long as the server.
struct ServedMount: ~Copyable {
  private var server: RunningServer
  private let directory: MountPointDirectory
  private let signals: SignalDescriptor

  /// A server that has answered the kernel.
  init(
    server: consuming RunningServer, directory: consuming MountPointDirectory,
    signals: consuming SignalDescriptor
  ) {
    self.server = server
    self.directory = directory
    self.signals = signals
  }

  /// Waits until the server ends, which it does when it is unmounted, and hands on what it writes.
  /// What asks this process to end is handed on too. The result is the exit status.
  mutating func serve() -> Int32 {
    while true {
      switch server.ending(orReadable: signals.descriptor.rawValue) {
      case nil:
        // One signal or several; the server ends by the first.
        _ = try? signals.descriptor.read(1_024)
        server.askToEnd()
      case .exited(0):
        return serviceExitStatus(succeeded: true)
      case .exited(let status):
        log(text("the server ended with status \(status)"))
        return serviceExitStatus(succeeded: false)
      case .killed:
        log(text("the server was killed, or crashed"))
        return serviceExitStatus(succeeded: false)
      }
    }
  }
}
