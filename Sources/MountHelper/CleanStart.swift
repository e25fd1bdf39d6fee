// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives

/// What the process was started with that is still wanted after everything else was put right.
struct StartConditions {
  /// The caller's file creation mask; files that a server creates follow it.
  var umask: UInt32
  /// Whether the process has root's rights, by the program's set-user-ID bit or a root caller.
  var isPrivileged: Bool
}

/// Why the process cannot be put right.
enum StartError: Error {
  /// A descriptor that is needed cannot be had.
  case descriptors(Errno)
  /// A resource limit is too low and cannot be raised.
  case limit(StaticString)
}

/// Puts right everything that a process inherits and a caller can set: the environment, descriptors,
/// the file creation mask, signals, resource limits. The first thing that main does.
func startClean() throws(StartError) -> StartConditions {
  // Before any library can look at it (CVE-2015-3202, CVE-2023-4911 and their kin). What the loader
  // reads before main, it ignores in a set-id start (ld.so(8)).
  guard clearenv() == 0 else { throw .descriptors(.noMemory) }
  try openStandardDescriptors()
  guard closeRange(from: 3, to: Int32.max) else { throw .descriptors(.last) }
  let mask = umask(0o022)
  resetSignals()
  _ = clinux_disarm_timers()
  try setLimits()
  return StartConditions(
    umask: UInt32(mask),
    isPrivileged: geteuid() == 0)
}

/// Whether the caller forbade new privileges, so that set-user-ID has no effect.
func forbidsNewPrivileges() -> Bool { clinux_prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 }

/// A closed standard descriptor would be taken by the next file that is opened, and a message would
/// be written into it. Looked at by a call that asks nobody: of a descriptor on a FUSE file system,
/// poll(2) would ask the server.
private func openStandardDescriptors() throws(StartError) {
  for number in Int32(0)...2 where clinux_fcntl(number, F_GETFD, 0) < 0 {
    // The lowest free number is this one, since the ones below are open.
    // The name is terminated and lives through the call.
    let opened = unsafe CString("/dev/null").withPointer { unsafe clinux_open($0, O_RDWR, 0) }
    guard opened == number else { throw .descriptors(.last) }
  }
}

/// A limit and what the helper and libmount need of it.
private struct Limit {
  var name: StaticString
  var resource: Int32
  var needed: rlim_t
}

/// A write that a limit cuts short leaves half a mount table (CVE-2011-1089, CVE-2011-1675).
private let limits = [
  Limit(name: "RLIMIT_NOFILE", resource: clinux_RLIMIT_NOFILE, needed: 64),
  Limit(name: "RLIMIT_FSIZE", resource: clinux_RLIMIT_FSIZE, needed: 64 << 20),
  Limit(name: "RLIMIT_AS", resource: clinux_RLIMIT_AS, needed: 512 << 20),
  Limit(name: "RLIMIT_DATA", resource: clinux_RLIMIT_DATA, needed: 128 << 20),
  Limit(name: "RLIMIT_STACK", resource: clinux_RLIMIT_STACK, needed: 1 << 20),
  Limit(name: "RLIMIT_CPU", resource: clinux_RLIMIT_CPU, needed: 60),
]

private func setLimits() throws(StartError) {
  for limit in limits {
    var value = rlimit()
    // Both calls use the structure they are given.
    guard unsafe clinux_getrlimit(limit.resource, &value) == 0 else { throw .limit(limit.name) }
    if value.rlim_cur >= limit.needed { continue }
    value.rlim_cur = limit.needed
    // Raising the hard limit needs CAP_SYS_RESOURCE, which a set-user-ID root start has.
    value.rlim_max = max(value.rlim_max, limit.needed)
    guard unsafe clinux_setrlimit(limit.resource, &value) == 0 else { throw .limit(limit.name) }
  }
  // No core file of a process that held privilege.
  var none = rlimit(rlim_cur: 0, rlim_max: 0)
  guard unsafe clinux_setrlimit(clinux_RLIMIT_CORE, &none) == 0 else { throw .limit("RLIMIT_CORE") }
}
