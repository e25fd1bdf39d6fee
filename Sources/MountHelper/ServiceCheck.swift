// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives
internal import MountPolicy
internal import MountProtocol

/// Whether the caller could connect to the service whose socket is at `path`: it is there and the
/// caller may write to it. A link is followed, as `connect(2)` does.
///
/// This process has the rights of a worker by now, so the answer is what a worker would meet. The
/// real and effective ids are the same; asking for the effective ones makes the C library guess where
/// the kernel lacks `faccessat2(2)`.
///
/// The corresponding system calls are `stat(2)` and `access(2)`.
func accessToService(at path: [UInt8]) -> ServiceAccess {
  do throws(Errno) {
    var status = stat()
    let name = try CString(path)
    // The name is terminated and lives through the calls; stat fills in the structure.
    guard unsafe name.withPointer({ unsafe stat($0, &status) }) == 0 else { throw .last }
    let kind = FileKind(mode: status.st_mode)
    guard kind == .socket else { return .notSocket(kind) }
    guard unsafe name.withPointer({ unsafe faccessat(AT_FDCWD, $0, W_OK, 0) }) == 0 else {
      throw .last
    }
    return .usable
  } catch {
    return ServiceAccess(
      ErrorNumber(rawValue: UInt32(error.rawValue)), message: error.message)
  }
}

/// The services whose sockets are in `directory`, and whether the caller may use them; `nil` when
/// there is no such directory.
///
/// - Throws: why it cannot be read.
func listServices(in directory: [UInt8]) throws(Errno) -> ServiceList? {
  let names: [[UInt8]]
  do throws(Errno) {
    names = try directoryEntries(directory)
  } catch {
    guard error == .noSuchFile else { throw error }
    return nil
  }
  return ServiceList(
    names: names, directory: directory, maximumLength: ServiceConnection.maximumSubtypeLength,
    access: accessToService(at:))
}
