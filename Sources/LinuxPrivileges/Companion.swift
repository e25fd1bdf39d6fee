// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives

/// Makes this process the companion, which has the machine's shared libraries: this program has none,
/// so that its start is short and nothing of the loader's is in it.
///
/// It gets `line` as its standard input and an empty environment. The parent's death ends it as before,
/// where the parent's ids may (kill(2)), and the end of the line does in any case, once it waits for a
/// word. This process's ids and what it has left of capabilities are what it has, because the program is
/// not set-user-ID, and `PR_SET_NO_NEW_PRIVS` stands.
///
/// - Returns: only when it could not be done, and then why.
///
/// The corresponding system calls are `dup2(2)` and `execve(2)`.
func becomeCompanion(_ verb: [UInt8], line: Int32) -> Errno {
  guard dup2(line, 0) == 0 else { return .last }
  do throws(Errno) {
    let name = try CString(CompanionLine.program)
    let verb = try CString(verb)
    // Each string is terminated and lives until the call replaces this process, or fails.
    unsafe name.withPointer { name in
      unsafe verb.withPointer { _ = unsafe clinux_execute_companion(name, $0) }
    }
    return .notExecutable
  } catch {
    return error
  }
}
