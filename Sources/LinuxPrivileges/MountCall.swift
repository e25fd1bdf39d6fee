// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives
internal import MountPolicy

/// A plan in the words of `mount(2)`.
struct MountCall: ~Copyable {
  private let source: CString
  private let type: CString
  private let flags: UInt
  private let options: CString

  init(
    _ plan: MountPlan, fuseDevice: borrowing FileDescriptor, rootMode: UInt32, caller: Caller
  ) throws(Errno) {
    let source = try CString(plan.source)
    let type = try CString(plan.mountType)
    let options = try CString(
      plan.mountSyscallOptions(
        fuseDevice: fuseDevice.rawValue, rootMode: rootMode, caller: caller))
    self.source = source
    self.type = type
    self.options = options
    flags = plan.flags.mountSyscallFlags
  }

  /// Mounts at `place` and returns what the call returns.
  ///
  /// The corresponding system call is `mount(2)`.
  func callAsFunction(at place: borrowing CString) -> Int32 {
    // Four terminated strings that live through the call.
    unsafe source.withPointer { source in
      unsafe place.withPointer { place in
        unsafe type.withPointer { type in
          unsafe options.withPointer { unsafe mount(source, place, type, flags, $0) }
        }
      }
    }
  }
}
