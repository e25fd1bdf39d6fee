// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives
public import MountHelper
public import MountPolicy

/// The privileged operations on the running kernel.
///
/// | process | user ids | capabilities |
/// |---|---|---|
/// | monitor | (caller, caller, 0) | permitted `CAP_SYS_ADMIN`, effective for one call at a time |
/// | worker | (caller, caller, caller) | none; of a root caller the two that read any file |
/// | inspector | as the worker | as the worker |
/// | mounter, creator, block size, abort | as the monitor | as the monitor |
/// | finisher, loop device | (0, caller, 0) | as the monitor |
/// | recorder | (0, 0, 0) | none |
/// | name lookup | (caller, caller, caller) | none |
public struct LinuxPrivilegedOperations: PrivilegedOperations, ~Copyable {
  /// The child that records: it waits to be told to begin, or has written an entry and does not know yet
  /// whether it stays.
  var recorder: Recorder?

  /// The filesystem context of a mount that nobody has asked for yet.
  var preparedContext: FileDescriptor?

  /// The operations of this process. Nothing is raised or given up yet.
  public init() {}

  /// See `PrivilegedOperations`.
  ///
  /// `SECBIT_NO_SETUID_FIXUP` keeps a change of ids from making capabilities effective
  /// (capabilities(7)); with `SECBIT_NOROOT` no program executed by root would gain any.
  public mutating func shedPrivileges(caller: Caller) throws(Errno) {
    // What is set already may be locked, and stays.
    let inherited = clinux_prctl(PR_GET_SECUREBITS, 0, 0, 0, 0)
    guard inherited >= 0 else { throw .last }
    let bits =
      CUnsignedLong(inherited) | clinux_SECBIT_NO_SETUID_FIXUP
      | clinux_SECBIT_NO_SETUID_FIXUP_LOCKED
      | clinux_SECBIT_NOROOT | clinux_SECBIT_NOROOT_LOCKED
    guard clinux_prctl(PR_SET_SECUREBITS, UInt(bits), 0, 0, 0) == 0 else { throw .last }
    try emptyBoundingSet()
    try setIdentities(
      users: IdentityTriple(real: caller.userID, effective: caller.userID, saved: 0),
      groups: IdentityTriple(real: caller.groupID, effective: caller.groupID, saved: 0))
    let kept: CapabilitySet =
      caller.isRoot
      ? [.systemAdministration, .overrideFileAccess, .readAndSearch] : .systemAdministration
    try setCapabilities(permitted: kept, effective: [])
    try forbidNewPrivileges()
    try hideProcess()
  }

  /// See `PrivilegedOperations`.
  public mutating func becomeMonitor(caller: Caller) throws(Errno) {
    try setCapabilities(permitted: .systemAdministration, effective: [])
    try SyscallFilter.monitor.install()
  }

  /// See `PrivilegedOperations`.
  public mutating func becomeWorker(caller: Caller) throws(Errno) {
    let parent = parentProcess()
    try keepRights(of: caller)
    // Changed ids have erased it (prctl(2)).
    dieWithParent(parent)
  }

  /// See `PrivilegedOperations`.
  public mutating func confineWorker() throws(Errno) { try SyscallFilter.worker.install() }

  /// See `PrivilegedOperations`.
  public mutating func becomeInspector(caller: Caller) throws(Errno) {
    try keepRights(of: caller)
    try SyscallFilter.inspector.install()
  }

  /// Keeps the caller's ids, and for a root caller the two capabilities by which root reads any file.
  private func keepRights(of caller: Caller) throws(Errno) {
    try setIdentities(
      users: IdentityTriple(
        real: caller.userID, effective: caller.userID, saved: caller.userID),
      groups: IdentityTriple(
        real: caller.groupID, effective: caller.groupID, saved: caller.groupID))
    let kept: CapabilitySet = caller.isRoot ? [.overrideFileAccess, .readAndSearch] : []
    try setCapabilities(permitted: kept, effective: kept)
    try hideProcess()
  }
}
