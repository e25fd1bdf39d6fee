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
    let child = try LinkedChild.fork { line in
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
        throw becomeCompanion(CompanionLine.userName, line: line.descriptor.rawValue)
      } catch {
        return error.rawValue
      }
    }
    guard try patience.finalStatus(of: child.process) == 0 else { throw .noSuchFile }
    let soon = Patience(cleaningUpUntil: .after(seconds: 1))
    guard let packet = try child.receive(limit: maximumLength + 2, soon),
      packet.bytes.first == CompanionLine.done
    else { throw .noSuchFile }
    let name = Array(packet.bytes.dropFirst())
    guard !name.isEmpty, name.count <= maximumLength,
      !name.contains(where: { $0 <= 0x20 || $0 == 0x7f || $0 == UInt8(ascii: ",") })
    else { throw .noSuchFile }
    return name
  }
}
