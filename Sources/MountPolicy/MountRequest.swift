// SPDX-License-Identifier: LGPL-2.1-or-later

/// The mount that a server asked for, as its commands came and not yet trusted.
public struct MountRequest: Equatable, Sendable {
  /// TYPE asked for fuseblk.
  public var fuseblk: Bool
  /// NAME.
  public var source: [UInt8]
  /// OPTS; `nil` when it was not sent.
  public var superblockOptions: [UInt8]?
  /// MTAB; `nil` when it was not sent.
  public var userspaceOptions: [UInt8]?
  /// The flags of DOIT.
  public var flags: UInt32

  /// A request of these commands.
  public init(
    fuseblk: Bool = false, source: [UInt8], superblockOptions: [UInt8]? = nil,
    userspaceOptions: [UInt8]? = nil, flags: UInt32 = 0
  ) {
    self.fuseblk = fuseblk
    self.source = source
    self.superblockOptions = superblockOptions
    self.userspaceOptions = userspaceOptions
    self.flags = flags
  }
}
