// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives

/// A list of system calls, for a process that will never need another. Any other ends it at once.
///
/// The program is our own: a load, a search by halves, two answers. A library would make the
/// same one for more start-up time, and cost a dependency of the set-id program
/// (docs/decisions/0006-own-filter.md).
enum SyscallFilter {
  /// What the worker may do after it has become one.
  case worker
  /// What the monitor and its children may do after the worker was started.
  case monitor
  /// What looking at the services' sockets may do.
  case inspector

  /// Puts the filter on this process and on every child that it will have. It cannot be taken off.
  ///
  /// - Throws: what `seccomp(2)` says: `ENOSYS` from a kernel without seccomp, `EINVAL` from one
  ///   without filters. Either ends the helper, so there is no mount without the filter.
  ///
  /// The corresponding system call is `seccomp(2)` with `SECCOMP_SET_MODE_FILTER`, which needs
  /// `no_new_privs`.
  func install() throws(Errno) {
    let program = program
    let result = unsafe program.withUnsafeBufferPointer {
      // The kernel copies exactly the instructions that it is told of.
      unsafe clinux_seccomp_filter($0.baseAddress, UInt16($0.count))
    }
    guard result == 0 else { throw .last }
  }

  /// The instructions (seccomp(2), "Filter"): refuse another architecture's numbers, then find the
  /// call's number.
  private var program: [sock_filter] {
    // The offsets are those of struct seccomp_data: the number at 0, the architecture at 4.
    [
      sock_filter(code: clinux_bpf_load, jt: 0, jf: 0, k: 4),
      sock_filter(code: clinux_bpf_jump_if_equal, jt: 1, jf: 0, k: clinux_audit_architecture),
      sock_filter(code: clinux_bpf_return, jt: 0, jf: 0, k: clinux_seccomp_kill),
      sock_filter(code: clinux_bpf_load, jt: 0, jf: 0, k: 0),
    ] + search(boundaries, from: 0, to: boundaries.count)
  }

  /// Where permitted numbers begin and end. They cut all numbers into stretches, of which those with
  /// an odd index are permitted; the last one, which has no end, is not.
  private var boundaries: [UInt32] {
    let calls = self.calls
    var isPermitted = [Bool](repeating: false, count: Int(calls.max() ?? 0) + 2)
    for call in calls { isPermitted[Int(call)] = true }
    var boundaries: [UInt32] = []
    var previous = false
    for (number, permitted) in isPermitted.enumerated() where permitted != previous {
      boundaries.append(UInt32(number))
      previous = permitted
    }
    return boundaries
  }

  /// Looks in which of the stretches `first` to `last` the number lies, by halves. The kernel tries
  /// each of its calls against a new filter, which is most of what one costs; by halves that takes
  /// some ten instructions a call, and not as many as the list is long.
  private func search(_ boundaries: [UInt32], from first: Int, to last: Int) -> [sock_filter] {
    if first == last {
      let answer = first % 2 == 1 ? clinux_seccomp_allow : clinux_seccomp_kill
      return [sock_filter(code: clinux_bpf_return, jt: 0, jf: 0, k: answer)]
    }
    let middle = (first + last + 1) / 2
    let lower = search(boundaries, from: first, to: middle - 1)
    let upper = search(boundaries, from: middle, to: last)
    return [
      // At the boundary or above it: the next instruction, which can jump over any number of them;
      // a comparison can over 255 at the most.
      sock_filter(
        code: clinux_bpf_jump_if_not_below, jt: 0, jf: 1, k: boundaries[middle - 1]),
      sock_filter(code: clinux_bpf_jump, jt: 0, jf: 0, k: UInt32(lower.count)),
    ] + lower + upper
  }

  private var calls: [Int32] {
    switch self {
    case .worker: return integers(clinux_common_calls) + integers(clinux_worker_calls)
    case .monitor: return integers(clinux_common_calls) + integers(clinux_monitor_calls)
    case .inspector: return integers(clinux_common_calls) + integers(clinux_inspector_calls)
    }
  }
}

/// The elements of a C array of `int`, which Swift imports as a tuple.
private func integers<Tuple>(_ tuple: Tuple) -> [Int32] {
  // The tuple consists of Int32 only, so its bytes are exactly these integers.
  unsafe withUnsafeBytes(of: tuple) { unsafe Array($0.bindMemory(to: Int32.self)) }
}
