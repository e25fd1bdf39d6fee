// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives

/// Whether the caller could connect to the service for `subtype`: its socket is there and the
/// caller may write to it. Says nothing on the terminal; whether the service works, only a mount
/// shows.
///
/// This process has the rights of a worker by now, so the answer is what a worker would meet.
///
/// The corresponding system calls are `stat(2)` and `access(2)`.
func checkService(subtype: [UInt8]) -> ExitStatus {
  guard let path = try? CString(ServiceConnection.socketPath(subtype: subtype)) else {
    return .failure
  }
  var status = stat()
  // The name is terminated and lives through the calls; stat fills in the structure.
  let isUsable = unsafe path.withPointer {
    unsafe stat($0, &status) == 0 && status.st_mode & UInt32(S_IFMT) == UInt32(S_IFSOCK)
      && faccessat(AT_FDCWD, $0, W_OK, AT_EACCESS) == 0
  }
  return isUsable ? .success : .failure
}
