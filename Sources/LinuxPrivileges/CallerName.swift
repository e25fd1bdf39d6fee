// SPDX-License-Identifier: LGPL-2.1-or-later

public import LinuxPrimitives
public import MountPolicy

/// The longest name that is believed; the kernel's and shadow's limits are far below.
private let maximumLength = 256

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`. A name that does not fit a mount table is none.
  ///
  /// The companion looks it up, with `getpwuid(3)`.
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
        try hideProcess()
        dieWithParent(parent)
        throw becomeCompanion(CompanionLine.userName, line: output)
      } catch {
        return error.rawValue
      }
    }
    guard status == 0 else { throw .noSuchFile }
    pair.second = nil
    guard
      let packet = try input.receive(limit: maximumLength + 2, until: .after(seconds: 1)),
      packet.bytes.first == CompanionLine.done
    else { throw .noSuchFile }
    let name = Array(packet.bytes.dropFirst())
    guard !name.isEmpty, name.count <= maximumLength,
      !name.contains(where: { $0 <= 0x20 || $0 == 0x7f || $0 == UInt8(ascii: ",") })
    else { throw .noSuchFile }
    return name
  }
}
