// SPDX-License-Identifier: LGPL-2.1-or-later

internal import FuseService
internal import LinuxPrimitives
internal import ServerSupport

/// Serves one mount: the whole way from the command line to the unmount. The result is the exit
/// status.
///
/// `ownArguments` are what the unit's `ExecStart` has behind the program; they come first, so that
/// the caller's win.
func serve(_ connection: consuming FuseServiceConnection, ownArguments: [[UInt8]]) -> Int32 {
  var connection = connection
  log(text("serving ") + connection.commandLine(program: text("singlefilefs")))
  let prepared: PreparedMount
  do throws(Failure) {
    prepared = try prepare(&connection, ownArguments)
  } catch {
    return giveUp(connection, error, from: programName)
  }
  guard connection.goodbye(exitCode: 0) else {
    log(text("the mount helper was gone before the mount was complete"))
    return serviceExitStatus(succeeded: false)
  }
  do throws(Errno) {
    try prepared.session.serve(singleThreaded: prepared.singleThreaded)
  } catch {
    log(text("serving the mount: ") + error.message)
    return serviceExitStatus(succeeded: false)
  }
  return serviceExitStatus(succeeded: true)
}

/// A mount that the helper made and only has to attach.
private struct PreparedMount: ~Copyable {
  let session: FuseSession
  let singleThreaded: Bool
}

/// Everything up to DOIT.
private func prepare(
  _ connection: inout FuseServiceConnection, _ ownArguments: [[UInt8]]
) throws(Failure) -> PreparedMount {
  let options = try readOptions(connection, ownArguments)
  let source = try openSource(options, &connection)
  let served = try look(at: source, options)
  let isReadOnly = served.isReadOnly
  let session = try startSession(serving: served, options, connection)
  connection.releaseFuseDevice()
  let parameters = mountParameters(
    options, subtype: connection.arguments[0], isReadOnly: isReadOnly)
  do throws(FuseServiceError) {
    connection.expectMountFormat(.directory)
    try connection.mount(parameters)
  } catch {
    throw .helper(error.message)
  }
  return PreparedMount(session: session, singleThreaded: options.singleThreaded)
}

private func readOptions(
  _ connection: borrowing FuseServiceConnection, _ ownArguments: [[UInt8]]
) throws(Failure) -> ServerOptions {
  do throws(OptionError) {
    return try ServerOptions(
      arguments: ownArguments + connection.arguments.dropFirst(),
      rights: CallerRights(
        mayAllowOther: connection.mayAllowOther, mayUseFuseblk: connection.mayUseFuseblk))
  } catch {
    throw .own(error.message)
  }
}

/// Has the source opened, and tells the kernel that it was the last file.
private func openSource(
  _ options: ServerOptions, _ connection: inout FuseServiceConnection
) throws(Failure) -> OpenedSource {
  do throws(FuseServiceError) {
    let source = try connection.openSource(
      SourceRequest(
        path: options.source, readWrite: !options.isReadOnly,
        requireBlockDevice: options.requireBlockDevice, blockSize: options.blockSize ?? 0,
        exclusive: !options.fuseblk, loopDevice: options.loopDevice))
    try connection.finishRequests()
    if options.loopDevice && !source.isBlockDevice {
      log(options.source + text(": the helper has no loop device for it; serving the file itself"))
    }
    return source
  } catch {
    // The helper may only have said that something is in use.
    if error == .alreadyAttached { throw .own(options.source + text(": ") + error.message) }
    throw .helper(options.source + text(": ") + error.message)
  }
}

/// Decides how the source is shown.
private func look(
  at source: consuming OpenedSource, _ options: ServerOptions
) throws(Failure) -> ServedFile {
  let openedReadOnly = source.isReadOnly
  let descriptor = source.takeDescriptor()
  let facts: SourceFacts
  do throws(Errno) {
    facts = try SourceFacts(of: descriptor)
  } catch {
    throw .own(options.source + text(": ") + error.message)
  }
  let geometry: Geometry
  do throws(GeometryError) {
    geometry = try Geometry(of: facts, size: options.size, blockSize: options.blockSize)
  } catch {
    throw .own(options.source + text(": ") + error.message)
  }
  let isReadOnly = openedReadOnly || facts.isReadOnly
  if isReadOnly && !options.isReadOnly {
    log(options.source + text(" may not be written to, so the mount is read-only"))
  }
  return ServedFile(
    descriptor: descriptor, geometry: geometry, isReadOnly: isReadOnly, options: options)
}

private func startSession(
  serving served: consuming ServedFile, _ options: ServerOptions,
  _ connection: borrowing FuseServiceConnection
) throws(Failure) -> FuseSession {
  do throws(Errno) {
    return try FuseSession(
      serving: served, on: connection.duplicateFuseDevice(), debug: options.debug)
  } catch {
    throw .own(text("preparing the FUSE session: ") + error.message)
  }
}
