// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives

/// Real, effective and saved ids of one kind.
struct IdentityTriple: Equatable {
  /// Root's.
  static let root = IdentityTriple(real: 0, effective: 0, saved: 0)

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
  // A root caller's are all root's, before as after.
  if users == .root, groups == .root, try identities() == (users, groups) { return }
  try changeIdentities(users: users, groups: groups)
}

/// Makes the real and the saved ids root's, and leaves the effective ones.
func makeRealIdentitiesRoot() throws(Errno) {
  let before = try identities()
  let users = IdentityTriple(real: 0, effective: before.users.effective, saved: 0)
  let groups = IdentityTriple(real: 0, effective: before.groups.effective, saved: 0)
  if before == (users, groups) { return }
  try changeIdentities(users: users, groups: groups)
}

private func changeIdentities(users: IdentityTriple, groups: IdentityTriple) throws(Errno) {
  guard clinux_setresgid(groups.real, groups.effective, groups.saved) == 0 else { throw .last }
  guard clinux_setresuid(users.real, users.effective, users.saved) == 0 else { throw .last }
  guard try identities() == (users, groups) else { throw .notPermitted }
}

private func identities() throws(Errno) -> (users: IdentityTriple, groups: IdentityTriple) {
  var users = IdentityTriple.root
  var groups = IdentityTriple.root
  // Both calls write three integers.
  guard unsafe getresgid(&groups.real, &groups.effective, &groups.saved) == 0,
    unsafe getresuid(&users.real, &users.effective, &users.saved) == 0
  else { throw .last }
  return (users, groups)
}

/// Forbids this process, and everything it starts, ever to gain privilege by `execve(2)`. It can not be
/// taken back, and what is forked has it too (prctl(2)).
///
/// The corresponding system call is `prctl(2)` with `PR_SET_NO_NEW_PRIVS`.
func forbidNewPrivileges() throws(Errno) {
  guard clinux_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 else { throw .last }
}

/// Hides this process from the caller's debugger. A change of ids makes a process dumpable again, so
/// this comes after it.
///
/// The corresponding system call is `prctl(2)` with `PR_SET_DUMPABLE`.
func hideProcess() throws(Errno) {
  guard clinux_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 else { throw .last }
}
