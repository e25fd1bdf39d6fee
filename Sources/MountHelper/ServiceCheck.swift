// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives
internal import MountPolicy

/// Whether the caller could connect to the service for `subtype`: its socket is there and the
/// caller may write to it. Says nothing on the terminal; whether the service works, only a mount
/// shows.
///
/// The corresponding system calls are `stat(2)` and `access(2)`, which goes by the real ids.
func checkService(subtype: [UInt8], caller: Caller) -> ExitStatus {
  // Root's eyes are not wanted for a look at a path.
  guard setresgid(caller.groupID, caller.groupID, caller.groupID) == 0,
    setresuid(caller.userID, caller.userID, caller.userID) == 0,
    let path = try? CString(ServiceConnection.socketPath(subtype: subtype))
  else { return .failure }
  var status = stat()
  // The name is terminated and lives through the calls; stat fills in the structure.
  let isUsable = unsafe path.withPointer {
    unsafe stat($0, &status) == 0 && status.st_mode & UInt32(S_IFMT) == UInt32(S_IFSOCK)
      && access($0, W_OK) == 0
  }
  return isUsable ? .success : .failure
}
