// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// The numbers that both sides of the protocol agree on.
public enum ProtocolLimits {
  /// The only version there is.
  public static let version: UInt16 = 1
  /// The largest packet, in bytes.
  public static let packetSize = 65_536
  /// The smallest send buffer of the socket, in bytes, that lets an OPEN of a longest path through.
  public static let sendBufferSize = 4_117
  /// The longest SAYS, in bytes without its terminator.
  public static let lastWordsLength = 512
  /// How often a server may ask for files, refused requests included.
  public static let fileRequests = 4_096
  /// The path that stands in a FILE reply when the request's cannot be told.
  public static let unknownPath: [UInt8] = [UInt8(ascii: "?")]
  /// The path of the FILE reply that carries the command line.
  public static let argumentsPath = text("argv")
  /// The path of the FILE reply that carries the open `/dev/fuse`.
  public static let fuseDevicePath = text("fusedev")
}
