// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives
internal import Literals
internal import MountPolicy

private var directory: [UInt8] { text("/run/fuservicemount3") }

/// Far more than the devices of one user take, in bytes.
private let maximumSize = 1 << 20

/// The loop devices that a user has from this program, locked for as long as this value lives.
///
/// Each user has a file of its own, which only root can open, so that nobody keeps another user
/// waiting.
struct LoopChargeFile: ~Copyable {
  private let file: FileDescriptor
  private var charges: LoopCharges

  /// Opens the user's file and waits for its lock.
  ///
  /// The corresponding system calls are `mkdir(2)`, `open(2)` and `flock(2)`.
  init(userID: UInt32) throws(Errno) {
    let place = try CString(directory)
    do throws(Errno) {
      // The name is terminated and lives through the call.
      _ = try withRootFileAccess { unsafe place.withPointer { unsafe mkdir($0, 0o700) } }
    } catch {
      guard error == .fileExists else { throw error }
    }
    let name = try CString(directory + text("/loop.") + digits(UInt64(userID)))
    let file = try openAsRoot(name, [.readWrite, .create], mode: 0o600)
    while clinux_lock(file.rawValue) != 0 {
      let error = Errno.last
      guard error == .interrupted else { throw error }
    }
    charges = LoopCharges(parsing: try file.contentFromBeginning(limit: maximumSize))
    self.file = file
  }

  /// Makes sure that the user may have one device more.
  ///
  /// A server that may write to its device can clear the AUTOCLEAR that it was given, and the device
  /// then outlives everybody. It goes here, if it is still the one that was charged.
  ///
  /// - Throws: `EUSERS` when `maximum` devices are attached.
  mutating func makeRoom(within maximum: Int) throws(Errno) {
    for device in charges.devices {
      release(device)
      if !LoopDevice.isAttached(device.number) { charges.release(device.number) }
    }
    guard charges.devices.count < maximum else { throw .tooManyUsers }
  }

  /// Charges the user with a device.
  mutating func charge(_ device: LoopCharges.Device) throws(Errno) {
    charges.charge(device)
    try save()
  }

  /// Takes the charge of a device back.
  mutating func release(_ number: UInt32) throws(Errno) {
    charges.release(number)
    try save()
  }

  private func release(_ charged: LoopCharges.Device) {
    guard charged.sequence != 0,
      let device = try? LoopDevice(number: charged.number, flags: .nonblocking),
      device.sequence() == charged.sequence
    else { return }
    device.detachWhenUnused()
  }

  /// Writes the file anew. Killed in the middle, the process leaves lines of both, which charge the
  /// user with no less.
  ///
  /// The corresponding system calls are `pwrite(2)` and `ftruncate(2)`.
  private func save() throws(Errno) {
    let content = charges.encoded()
    let written = unsafe content.withUnsafeBytes {
      // The array outlives the call.
      unsafe pwrite(file.rawValue, $0.baseAddress, $0.count, 0)
    }
    guard written == content.count else { throw written < 0 ? .last : .noSpace }
    guard ftruncate(file.rawValue, off_t(content.count)) == 0 else { throw .last }
  }
}
