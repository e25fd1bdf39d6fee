// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives

/// The capabilities that the helper ever keeps.
struct CapabilitySet: OptionSet {
  /// A bit for each capability, at its number.
  let rawValue: UInt64

  /// `CAP_SYS_ADMIN`: mounting, BLKBSZSET.
  static let systemAdministration = CapabilitySet(rawValue: 1 << CAP_SYS_ADMIN)
  /// `CAP_DAC_OVERRIDE`: a root caller opens any file.
  static let overrideFileAccess = CapabilitySet(rawValue: 1 << CAP_DAC_OVERRIDE)
  /// `CAP_DAC_READ_SEARCH`: a root caller walks any directory.
  static let readAndSearch = CapabilitySet(rawValue: 1 << CAP_DAC_READ_SEARCH)
}

/// Gives this process exactly these capabilities and verifies that it has them and no other.
///
/// The corresponding system calls are `capset(2)` and `capget(2)`.
func setCapabilities(
  permitted: CapabilitySet, effective: CapabilitySet
) throws(Errno) {
  let wanted = clinux_capabilities(
    effective: effective.rawValue, permitted: permitted.rawValue, inheritable: 0)
  guard clinux_capset(wanted) == 0 else { throw .last }
  var actual = clinux_capabilities()
  // The call fills in the structure.
  guard unsafe clinux_capget(&actual) == 0 else { throw .last }
  guard actual.effective == wanted.effective, actual.permitted == wanted.permitted,
    actual.inheritable == wanted.inheritable
  else { throw .notPermitted }
}

/// Empties the bounding set, so that nothing this process might ever execute gains a capability.
///
/// To drop one takes `CAP_SETPCAP`; where that is missing, it is enough that the one is not bound. The
/// first number that is no capability is the end; `CAP_BPF` and those below it are in every kernel that
/// has what this program needs (5.8), so that an answer which says otherwise is an error. That it is the
/// end is asked in two ways. There is an end, because capset(2) has room for 64: a sandbox whose filter
/// answers every call with success must not hold this for ever.
///
/// The corresponding system call is `prctl(2)` with `PR_CAPBSET_DROP` and `PR_CAPBSET_READ`.
func emptyBoundingSet() throws(Errno) {
  for capability in UInt(0)...64 {
    if clinux_prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0 { continue }
    let error = Errno.last
    let isBound = clinux_prctl(PR_CAPBSET_READ, capability, 0, 0, 0)
    if isBound == 0 { continue }
    let isEnd =
      error == .invalidArgument && isBound < 0 && Errno.last == .invalidArgument
      && capability > UInt(CAP_BPF)
    guard isEnd else { throw error }
    return
  }
  throw .notPermitted
}

/// Runs one system call with `CAP_SYS_ADMIN` effective, and ends the process if it cannot be made
/// sure that it is not effective afterwards.
///
/// - Returns: what `body` returns.
/// - Throws: the `errno` of a `body` that returns less than 0, and of raising.
func withSystemAdministration(_ body: () -> Int32) throws(Errno) -> Int32 {
  let raised = clinux_capabilities(
    effective: CapabilitySet.systemAdministration.rawValue,
    permitted: CapabilitySet.systemAdministration.rawValue, inheritable: 0)
  // Whether it was raised, the call shows; that it is lowered is read back.
  guard clinux_capset(raised) == 0 else {
    let error = Errno.last
    lowerSystemAdministration()
    throw error
  }
  let result = body()
  let error = Errno.last
  lowerSystemAdministration()
  guard result >= 0 else { throw error }
  return result
}

private func lowerSystemAdministration() {
  do throws(Errno) {
    try setCapabilities(permitted: .systemAdministration, effective: [])
  } catch {
    // Going on with privilege that should be gone is worse than any message.
    clinux_trap()
  }
}
