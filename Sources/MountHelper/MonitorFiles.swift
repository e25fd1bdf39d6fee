// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy
internal import MountProtocol

/// How long attaching a loop device may take at the most, in seconds: others can hold the kernel's
/// answer to what is attached already.
private let loopTimeout: Int64 = 10

/// What the worker cannot do for a file that it has opened, and asks for with its descriptor.
extension Monitor where Operations: ~Copyable {
  /// Only a regular file's mount is cloned: a clone at a directory would show what other mounts
  /// cover. A file on the caller's own FUSE mount cannot be looked at here, and needs no clone: no
  /// server can open it again, because FUSE admits the caller alone.
  mutating func cloneReadOnly(_ descriptor: consuming FileDescriptor?) -> ExitStatus? {
    guard let descriptor else { return answer(.badFileDescriptor) }
    do throws(Errno) {
      do throws(Errno) {
        guard FileKind(mode: try descriptor.knownFormat()) == .regular else {
          throw .invalidArgument
        }
      } catch {
        throw error == .permissionDenied ? .notImplemented : error
      }
      let clone = try operations.cloneReadOnly(descriptor, patience: patience)
      return answer(nil, passing: clone.rawValue)
    } catch {
      return answer(error)
    }
  }

  mutating func setBlockSize(
    _ size: UInt32, of descriptor: consuming FileDescriptor?
  ) -> ExitStatus? {
    guard let descriptor else { return answer(.badFileDescriptor) }
    do throws(Errno) {
      guard BlockSize.isPossible(size) else { throw .invalidArgument }
      guard try !descriptor.isReadOnly() else { throw .permissionDenied }
      try operations.setBlockSize(size, of: descriptor, patience: patience)
      return answer(nil)
    } catch {
      return answer(error)
    }
  }

  mutating func attachLoopDevice(
    _ plan: LoopPlan, to file: consuming FileDescriptor?
  ) -> ExitStatus? {
    guard let file else { return answer(.badFileDescriptor) }
    do throws(Errno) {
      do throws(ErrorNumber) {
        try task.rules.judge(plan)
      } catch {
        throw Errno(rawValue: Int32(truncatingIfNeeded: error.rawValue))
      }
      guard plan.suits(fileFlags: UInt32(bitPattern: try file.statusFlags())) else {
        throw .permissionDenied
      }
      let patience = Patience(
        until: min(clock.deadlineOfOwnWork, .after(seconds: loopTimeout)), signals: signals)
      let device = try operations.attachLoopDevice(
        plan, to: file, caller: task.caller, maximum: try loopMaximum(), patience: patience)
      return answer(nil, passing: device.rawValue)
    } catch {
      return answer(error)
    }
  }

  private mutating func loopMaximum() throws(Errno) -> Int? {
    if let ownConfiguration { return ownConfiguration.loopMaximum }
    let configuration = try readOwnConfiguration(&diagnostics)
    ownConfiguration = configuration
    return configuration.loopMaximum
  }
}
