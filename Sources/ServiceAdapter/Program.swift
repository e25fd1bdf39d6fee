// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import FuseService
internal import LinuxPrimitives
internal import ServerSupport

/// The program: serves a mount when the service manager started it for a connection, and otherwise
/// tells how it is used. The result is the exit status.
@c(fuse_service_adapter_main)
public func fuseServiceAdapterMain(
  _ count: Int32, _ words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  let arguments = unsafe programArguments(count, words)
  if let status = answerQuestion(arguments) { return status }
  // A unit's UMask=7777 would make a directory that nobody can enter.
  _ = umask(0o077)
  do throws(DescriptionError) {
    let description = try ServiceDescription(arguments: arguments)
    return serve(description)
  } catch {
    log(error.message)
    return serviceExitStatus(succeeded: false)
  }
}

private func serve(_ description: ServiceDescription) -> Int32 {
  guard let shim = shimPath() else {
    log(text("libfuse-service-shim.so is not where this program is"))
    return serviceExitStatus(succeeded: false)
  }
  do throws(FuseServiceError) {
    // A helper speaks as soon as it is connected; who is silent takes a place that others could have.
    var timeouts = FuseServiceTimeouts()
    timeouts.hello = 30
    guard let connection = try FuseServiceConnection.accept(timeouts: timeouts) else {
      log(text("this is a service, started by the service manager (no LISTEN_FDS); see --help"))
      return serviceExitStatus(succeeded: false)
    }
    return serve(connection, description, shim: shim)
  } catch {
    log(error.message)
    return serviceExitStatus(succeeded: false)
  }
}

/// What somebody sees who asks the program itself.
private func answerQuestion(_ arguments: [[UInt8]]) -> Int32? {
  // What follows -- is the server's.
  let own = arguments.prefix { !equals($0, "--") }
  // Standard output may be closed; then there is nobody to tell.
  if own.contains(where: { equals($0, "--help") || equals($0, "-h") }) {
    try? writeAll(usage + [0x0a], to: 1)
    return 0
  }
  if own.contains(where: { equals($0, "--version") || equals($0, "-V") }) {
    try? writeAll(text("fuse-service-adapter ") + programVersion + [0x0a], to: 1)
    return 0
  }
  return nil
}

/// The shim, which is installed beside this program.
///
/// The corresponding system calls are `open(2)` of `/proc/self/exe` with `O_PATH`, and
/// `readlink(2)`.
private func shimPath() -> [UInt8]? {
  guard let program = try? openFile(text("/proc/self/exe"), .path),
    let own = try? program.currentPath(), let slash = own.lastIndex(of: UInt8(ascii: "/"))
  else { return nil }
  let path = own[...slash] + text("libfuse-service-shim.so")
  return (try? openFile(Array(path), [])) == nil ? nil : Array(path)
}
