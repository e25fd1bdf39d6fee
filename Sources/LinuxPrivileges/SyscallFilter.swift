// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives

/// A list of system calls, for a process that will never need another. Any other ends it at once.
///
/// The program is our own: two loads, a word of bits, two answers. A library would make the
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

  /// The instructions (seccomp(2), "Filter"): refuse another architecture's numbers, take the word of
  /// the list in which the call's number has its bit, and look at the bit.
  ///
  /// The kernel tries each of its calls against a new filter, to know those that are always permitted,
  /// until it meets an instruction that it cannot foresee. Most of a filter's cost was that, so such a
  /// one, with the number's lower bits, comes first.
  private var program: [sock_filter] {
    // The offsets are those of struct seccomp_data: the number at 0, the architecture at 4.
    var beginning = [
      instruction(clinux_bpf_load, 0),
      instruction(clinux_bpf_and, 31),
      instruction(clinux_bpf_set_index, 0),
      instruction(clinux_bpf_load, 4),
      jump(clinux_bpf_jump_if_equal, clinux_audit_architecture, over: 1),
      instruction(clinux_bpf_return, clinux_seccomp_kill),
      instruction(clinux_bpf_load, 0),
    ]
    if self == .monitor { beginning += companionRule }
    beginning.append(instruction(clinux_bpf_shift_right, 5))
    let words = list.enumerated().filter { $0.element != 0 }
    var search: [sock_filter] = []
    for (place, word) in words.enumerated() {
      // To the shift behind the search and the answer for a number that is in no word.
      let rest = UInt32(3 * (words.count - 1 - place) + 1)
      search += [
        jump(clinux_bpf_jump_if_equal, UInt32(word.offset), otherwiseOver: 2),
        instruction(clinux_bpf_load_constant, word.element),
        instruction(clinux_bpf_jump, rest),
      ]
    }
    return beginning + search + [
      instruction(clinux_bpf_return, clinux_seccomp_kill),
      instruction(clinux_bpf_shift_right_by_index, 0),
      jump(clinux_bpf_jump_if_bits, 1, otherwiseOver: 1),
      instruction(clinux_bpf_return, clinux_seccomp_allow),
      instruction(clinux_bpf_return, clinux_seccomp_kill),
    ]
  }

  /// Permits `execve(2)` where the name of the program is the companion's, which lies in memory that
  /// is not written to.
  private var companionRule: [sock_filter] {
    let address = clinux_companion_path_address()
    return [
      jump(clinux_bpf_jump_if_equal, clinux_execve, otherwiseOver: 6),
      instruction(clinux_bpf_load, clinux_first_argument_low),
      jump(clinux_bpf_jump_if_equal, UInt32(truncatingIfNeeded: address), otherwiseOver: 3),
      instruction(clinux_bpf_load, clinux_first_argument_high),
      jump(clinux_bpf_jump_if_equal, UInt32(address >> 32), otherwiseOver: 1),
      instruction(clinux_bpf_return, clinux_seccomp_allow),
      instruction(clinux_bpf_return, clinux_seccomp_kill),
    ]
  }

  /// The permitted numbers: a bit for each, 32 to the word.
  private var list: [UInt32] {
    let calls = self.calls
    var words = [UInt32](repeating: 0, count: Int(calls.max() ?? 0) / 32 + 1)
    for call in calls { words[Int(call) / 32] |= 1 << UInt32(call % 32) }
    return words
  }

  private var calls: [Int32] {
    switch self {
    case .worker: return integers(clinux_common_calls) + integers(clinux_worker_calls)
    case .monitor: return integers(clinux_common_calls) + integers(clinux_monitor_calls)
    case .inspector: return integers(clinux_common_calls) + integers(clinux_inspector_calls)
    }
  }
}

private func instruction(_ code: UInt16, _ operand: UInt32) -> sock_filter {
  sock_filter(code: code, jt: 0, jf: 0, k: operand)
}

/// A comparison: jumps over some instructions where it holds, and over others where it does not.
private func jump(
  _ code: UInt16, _ operand: UInt32, over matched: UInt8 = 0, otherwiseOver other: UInt8 = 0
) -> sock_filter {
  sock_filter(code: code, jt: matched, jf: other, k: operand)
}

/// The elements of a C array of `int`, which Swift imports as a tuple.
private func integers<Tuple>(_ tuple: Tuple) -> [Int32] {
  // The tuple consists of Int32 only, so its bytes are exactly these integers.
  unsafe withUnsafeBytes(of: tuple) { unsafe Array($0.bindMemory(to: Int32.self)) }
}
