// SPDX-License-Identifier: LGPL-2.1-or-later
//
// arfs shows the members of an ar(5) archive, such as a Debian package, as files:
//
//     mount -t fuse.arfs hello.deb ~/mnt
//
// It is the example of docs/writing-a-server.md.

import CFuse
import FuseService
import Glibc
import LinuxPrimitives

/// Why there will be no mount.
enum Failure: Error {
  /// The helper refused, and has told the caller so, or it is gone.
  case helper(FuseServiceError)
  /// This server gives up, for a reason that the caller has not heard yet.
  case own([UInt8])
}

/// The operands of a command line: what is neither an option nor the value of an `-o`.
///
/// No option means anything to this server. The helper makes the mount read-only, or without
/// programs, by itself when the caller says so.
func operands(_ arguments: ArraySlice<[UInt8]>) -> [[UInt8]] {
  var found: [[UInt8]] = []
  var rest = arguments
  while let word = rest.popFirst() {
    if word.elementsEqual("-o".utf8) {
      _ = rest.popFirst()
    } else if word.first != UInt8(ascii: "-") {
      found.append(word)
    }
  }
  return found
}

/// The archive, as the helper opened it, and the end of all requests for files.
func openArchive(
  _ path: [UInt8], _ connection: inout FuseServiceConnection
) throws(Failure) -> FileDescriptor {
  do throws(FuseServiceError) {
    let source = try connection.openSource(SourceRequest(path: path, readWrite: false))
    try connection.finishRequests()
    return source.takeDescriptor()
  } catch {
    throw .helper(error)
  }
}

/// Everything up to the mount. The result is a session that only has to be served.
func prepare(_ connection: inout FuseServiceConnection) throws(Failure) -> OpaquePointer {
  let operands = operands(connection.arguments.dropFirst())
  guard operands.count == 2 else {
    throw .own(Array("give an archive and a mount point".utf8))
  }

  // 1. The files, by the names that the caller wrote.
  let archive = try openArchive(operands[0], &connection)

  // 2. Look at them. This is where a hostile archive would strike, and there is nothing to take.
  let number = archive.rawValue
  let found: [Member]
  do throws(ArchiveError) {
    guard let status = try? archive.status() else { throw .unreadable }
    guard status.isRegularFile else { throw .noArchive }
    found = try members(ofArchiveWith: status.size) { readBytes(number, at: $0, count: $1) }
  } catch {
    throw .own(operands[0] + Array(": \(error.message)".utf8))
  }

  // 3. The session, with a descriptor of /dev/fuse of its own.
  guard let device = try? connection.duplicateFuseDevice(),
    let session = makeSession(serving: Server(archive: archive, members: found), on: device)
  else { throw .own(Array("there is no FUSE session to be had".utf8)) }
  connection.releaseFuseDevice()

  // 4. The mount.
  do throws(FuseServiceError) {
    connection.expectMountFormat(.directory)
    try connection.mount(
      MountParameters(
        source: operands[0], mountPoint: operands[1],
        flags: [.noSetId, .noDevices, .readOnly]))
  } catch {
    throw .helper(error)
  }
  return session
}

func log(_ message: [UInt8]) {
  let line = Array("arfs: ".utf8) + message + [0x0a]
  _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
}

func run() -> Int32 {
  do throws(FuseServiceError) {
    guard var connection = try FuseServiceConnection.accept() else {
      log(Array("this is a service; mount with: mount -t fuse.arfs ARCHIVE DIRECTORY".utf8))
      return 1
    }
    let session: OpaquePointer
    do throws(Failure) {
      session = try prepare(&connection)
    } catch {
      switch error {
      case .helper(let reason):
        log(reason.message)
      case .own(let reason):
        log(reason)
        connection.lastWords(reason)
      }
      connection.goodbye(exitCode: 1)
      return serviceExitStatus(succeeded: false)
    }
    // 5. With this the mount appears.
    guard connection.goodbye(exitCode: 0) else { return serviceExitStatus(succeeded: false) }
    let result = fuse_session_loop(session)
    fuse_remove_signal_handlers(session)
    fuse_session_destroy(session)
    return serviceExitStatus(succeeded: result >= 0)
  } catch {
    log(error.message)
    return serviceExitStatus(succeeded: false)
  }
}

exit(run())
