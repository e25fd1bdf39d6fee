// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives
public import MountPolicy

/// The longest name that is believed; the kernel's and shadow's limits are far below.
private let maximumLength = 256

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`. A name that does not fit a mount table is none.
  ///
  /// The corresponding C function is `getpwuid(3)`.
  public mutating func name(of caller: Caller, patience: Patience) throws(Errno) -> [UInt8] {
    var pair = try PacketSocket.pair()
    guard let input = pair.first.take(), let output = pair.second?.descriptor.rawValue else {
      throw .badFileDescriptor
    }
    let status = try patience.runInChild(keeping: [output]) {
      do throws(Errno) {
        let parent = parentProcess()
        let user = caller.userID
        let group = caller.groupID
        try setIdentities(
          users: IdentityTriple(real: user, effective: user, saved: user),
          groups: IdentityTriple(real: group, effective: group, saved: group))
        try setCapabilities(permitted: [], effective: [])
        try sealProcess()
        dieWithParent(parent)
        let name = try userName(of: user)
        // It would be no packet, and waited for.
        guard !name.isEmpty else { throw .noSuchFile }
        try writeAll(Array(name.prefix(maximumLength + 1)), to: output)
        return 0
      } catch {
        return error.rawValue
      }
    }
    guard status == 0 else { throw Errno(rawValue: status) }
    guard let packet = try input.receive(limit: maximumLength + 1, until: .after(seconds: 1)) else {
      throw .noSuchFile
    }
    let name = packet.bytes
    guard !name.isEmpty, name.count <= maximumLength,
      !name.contains(where: { $0 <= 0x20 || $0 == 0x7f || $0 == UInt8(ascii: ",") })
    else { throw .noSuchFile }
    return name
  }
}
