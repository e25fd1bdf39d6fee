// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives

/// Runs one system call that looks files up as root, and ends the process if it cannot be made sure
/// that the next one does not.
///
/// Only the ids for files become root's (`setfsuid(2)`): a capability is not needed to open what root
/// may open, and the caller cannot signal this process any less or more.
///
/// - Returns: what `body` returns.
/// - Throws: the `errno` of a `body` that returns less than 0, and `EPERM`.
///
/// A change of ids takes back that the process dies with its parent (prctl(2)). Who needs a bound has one
/// of its own.
///
/// The corresponding system calls are `setfsuid(2)` and `setfsgid(2)`, whose results do not tell
/// whether they did anything; both are asked again.
func withRootFileAccess(_ body: () -> Int32) throws(Errno) -> Int32 {
  guard becomeForFiles(user: 0, group: 0) else {
    returnFromRootFileAccess()
    throw .notPermitted
  }
  let result = body()
  let error = Errno.last
  returnFromRootFileAccess()
  guard result >= 0 else { throw error }
  return result
}

/// Opens `path` as root does, and follows no symbolic link at its end. The descriptor is close-on-exec.
///
/// The corresponding system call is `open(2)`.
func openAsRoot(
  _ path: borrowing CString, _ flags: OpenFlags, mode: UInt32 = 0
) throws(Errno) -> FileDescriptor {
  let bits = flags.union(.noFollow).rawValue | O_CLOEXEC
  let number = try withRootFileAccess {
    // The name is terminated and lives through the call.
    unsafe path.withPointer { unsafe clinux_open($0, bits, mode) }
  }
  return FileDescriptor(owning: number)
}

private func returnFromRootFileAccess() {
  // Going on with rights that should be gone is worse than any message. A change of ids may have made
  // the process dumpable.
  guard becomeForFiles(user: geteuid(), group: getegid()),
    clinux_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
  else { clinux_trap() }
}

private func becomeForFiles(user: UInt32, group: UInt32) -> Bool {
  _ = setfsgid(group)
  _ = setfsuid(user)
  // An id that is none changes nothing and is answered with the one that holds.
  return UInt32(bitPattern: setfsgid(UInt32.max)) == group
    && UInt32(bitPattern: setfsuid(UInt32.max)) == user
}
