// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLibcap
internal import CLinux
internal import LinuxPrimitives

/// The capabilities that the helper ever keeps.
struct CapabilitySet: OptionSet {
  let rawValue: UInt32

  /// `CAP_SYS_ADMIN`: mounting, BLKBSZSET.
  static let systemAdministration = CapabilitySet(rawValue: 1 << 0)
  /// `CAP_DAC_OVERRIDE`: a root caller opens any file.
  static let overrideFileAccess = CapabilitySet(rawValue: 1 << 1)
  /// `CAP_DAC_READ_SEARCH`: a root caller walks any directory.
  static let readAndSearch = CapabilitySet(rawValue: 1 << 2)

  fileprivate var values: [cap_value_t] {
    var values: [cap_value_t] = []
    if contains(.systemAdministration) { values.append(CAP_SYS_ADMIN) }
    if contains(.overrideFileAccess) { values.append(CAP_DAC_OVERRIDE) }
    if contains(.readAndSearch) { values.append(CAP_DAC_READ_SEARCH) }
    return values
  }
}

/// Gives this process exactly these capabilities and verifies that it has them and no other.
///
/// The corresponding system calls are `capset(2)` and `capget(2)`, through libcap.
func setCapabilities(
  permitted: CapabilitySet, effective: CapabilitySet
) throws(Errno) {
  guard let wanted = unsafe cap_init() else { throw .last }
  // libcap allocates both sets and frees them here.
  defer { _ = unsafe cap_free(UnsafeMutableRawPointer(wanted)) }
  for (flag, set) in [(CAP_PERMITTED, permitted), (CAP_EFFECTIVE, effective)] {
    let values = set.values
    if values.isEmpty { continue }
    let result = unsafe values.withUnsafeBufferPointer {
      // cap_set_flag reads exactly the values it is told of.
      unsafe cap_set_flag(wanted, flag, Int32($0.count), $0.baseAddress, CAP_SET)
    }
    guard result == 0 else { throw .last }
  }
  guard unsafe cap_set_proc(wanted) == 0 else { throw .last }
  guard let actual = unsafe cap_get_proc() else { throw .last }
  defer { _ = unsafe cap_free(UnsafeMutableRawPointer(actual)) }
  guard unsafe cap_compare(wanted, actual) == 0 else { throw .notPermitted }
}

/// Empties the bounding set, so that nothing this process might ever execute gains a capability.
///
/// The corresponding system call is `prctl(2)` with `PR_CAPBSET_DROP`, through libcap.
func emptyBoundingSet() throws(Errno) {
  for value in 0..<cap_max_bits() {
    let isBound = cap_get_bound(value)
    guard isBound >= 0, isBound == 0 || cap_drop_bound(value) == 0 else { throw .last }
  }
}

/// Runs one system call with `CAP_SYS_ADMIN` effective, and ends the process if it cannot be made
/// sure that it is not effective afterwards.
///
/// - Returns: what `body` returns.
/// - Throws: the `errno` of a `body` that returns less than 0, and of raising.
func withSystemAdministration(_ body: () -> Int32) throws(Errno) -> Int32 {
  do throws(Errno) {
    try setCapabilities(permitted: .systemAdministration, effective: .systemAdministration)
  } catch {
    // It may have been raised all the same, and only looking at it failed.
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
    abort()
  }
}
