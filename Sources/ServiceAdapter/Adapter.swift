// SPDX-License-Identifier: LGPL-2.1-or-later

internal import FuseService
internal import LinuxPrimitives
internal import ServerSupport

/// Serves one mount by a server that knows nothing of services: the whole way from the caller's
/// command line to the unmount. The result is the exit status.
func serve(
  _ connection: consuming FuseServiceConnection, _ description: ServiceDescription,
  shim: [UInt8]
) -> Int32 {
  var connection = connection
  log(text("serving ") + connection.commandLine(program: text("fuse-service-adapter")))
  var mount: ServedMount
  do throws(Failure) {
    mount = try prepare(&connection, description, shim: shim)
  } catch {
    return giveUp(connection, error, from: programName)
  }
  guard connection.goodbye(exitCode: 0) else {
    log(text("the mount helper was gone before the mount was complete"))
    return serviceExitStatus(succeeded: false)
  }
  return mount.serve()
}

/// Everything up to DOIT. The server says what it wants mounted only after it has looked at the
/// source, so that a bad one never gets as far as a mount.
private func prepare(
  _ connection: inout FuseServiceConnection, _ description: ServiceDescription, shim: [UInt8]
) throws(Failure) -> ServedMount {
  let request = try readRequest(connection, description)
  let files = try SourceFiles.open(for: request, description, over: &connection)
  var starting = try StartingServer.start(description, request, files, connection, shim: shim)
  let isReadOnly = files.isReadOnly
  // The server has copies. While one was open here, the lock would outlive the server.
  _ = consume files
  let wanted = try starting.wantedMount()
  let parameters = mountParameters(
    request, description, wanted, subtype: connection.arguments[0], openedReadOnly: isReadOnly)
  do throws(FuseServiceError) {
    connection.expectMountFormat(.directory)
    try connection.describe(parameters)
  } catch {
    throw .helper(error.message)
  }
  try starting.mount(parameters.flags, &connection)
  connection.releaseFuseDevice()
  return starting.served()
}

private func readRequest(
  _ connection: borrowing FuseServiceConnection, _ description: ServiceDescription
) throws(Failure) -> CallerRequest {
  do throws(RequestError) {
    return try CallerRequest(
      arguments: Array(connection.arguments.dropFirst()), description: description,
      mayAllowOther: connection.mayAllowOther)
  } catch {
    throw .own(error.message)
  }
}
