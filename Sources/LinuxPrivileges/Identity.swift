// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives

/// Real, effective and saved ids of one kind.
struct IdentityTriple: Equatable {
  var real: UInt32
  var effective: UInt32
  var saved: UInt32
}

/// Sets the user and group ids of this process and verifies them.
///
/// The corresponding system calls are `setresgid(2)` and `setresuid(2)`; what they did is read back
/// by `getresgid(2)` and `getresuid(2)`, because a set that silently did not happen is how set-id
/// programs lost (CVE-2000-0506 and its kin).
func setIdentities(users: IdentityTriple, groups: IdentityTriple) throws(Errno) {
  guard clinux_setresgid(groups.real, groups.effective, groups.saved) == 0 else { throw .last }
  guard clinux_setresuid(users.real, users.effective, users.saved) == 0 else { throw .last }
  var seen: (UInt32, UInt32, UInt32) = (0, 0, 0)
  // Both calls write three integers.
  guard unsafe getresgid(&seen.0, &seen.1, &seen.2) == 0,
    IdentityTriple(real: seen.0, effective: seen.1, saved: seen.2) == groups,
    unsafe getresuid(&seen.0, &seen.1, &seen.2) == 0,
    IdentityTriple(real: seen.0, effective: seen.1, saved: seen.2) == users
  else { throw .notPermitted }
}

/// Forbids this process, and everything it starts, ever to gain privilege by `execve(2)`, and
/// hides it from the caller's debugger. A change of ids makes a process dumpable again, so this
/// comes last.
///
/// The corresponding system call is `prctl(2)` with `PR_SET_NO_NEW_PRIVS` and `PR_SET_DUMPABLE`.
func sealProcess() throws(Errno) {
  guard clinux_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0,
    clinux_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
  else { throw .last }
}
