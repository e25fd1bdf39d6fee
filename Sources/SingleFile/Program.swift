// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import FuseService
internal import LinuxPrimitives
internal import ServerSupport

/// The program: serves a mount when the service manager started it for a connection, and otherwise
/// tells how it is used. The result is the exit status.
@c(singlefilefs_main)
public func singlefilefsMain(
  _ count: Int32, _ words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  let arguments = unsafe programArguments(count, words)
  do throws(FuseServiceError) {
    guard let connection = try FuseServiceConnection.accept() else {
      return withoutService(arguments)
    }
    return serve(connection, ownArguments: arguments)
  } catch {
    log(error.message)
    return serviceExitStatus(succeeded: false)
  }
}

/// What somebody sees who starts the program by hand.
private func withoutService(_ arguments: [[UInt8]]) -> Int32 {
  // Standard output may be closed; then there is nobody to tell.
  if arguments.contains(where: { equals($0, "--help") || equals($0, "-h") }) {
    try? writeAll(usage + [0x0a], to: 1)
    return 0
  }
  if arguments.contains(where: { equals($0, "--version") || equals($0, "-V") }) {
    try? writeAll(text("singlefilefs ") + programVersion + [0x0a], to: 1)
    return 0
  }
  log(
    text(
      "this is a service, started by the service manager (no LISTEN_FDS); "
        + "mount with: mount -t fuse.singlefilefs IMAGE MOUNTPOINT; see --help"))
  return 1
}
