// SPDX-License-Identifier: LGPL-2.1-or-later

import MountProtocol

extension FuzzTarget {
  /// The input is one packet, of either side: what reads as something is written as the same bytes
  /// again, and no packet is two things.
  public static let packets = FuzzTarget(name: "packets") { (bytes) throws(BrokenPromise) in
    var encodings: [[UInt8]] = []
    if let hello = Hello(decoding: bytes) { encodings.append(hello.encoded()) }
    if let reply = HelloReply(decoding: bytes) { encodings.append(reply.encoded()) }
    if let reply = Reply(decoding: bytes) { encodings.append(reply.encoded()) }
    do throws(CommandError) {
      let command = try Command(decoding: bytes)
      encodings.append(command.encoded())
    } catch {
      try promiseReason(error, for: bytes)
    }
    try promise(encodings.count <= 1, "\(shown(bytes)) reads as \(encodings.count) packets")
    for encoding in encodings {
      try promise(encoding == bytes, "\(shown(bytes)) is written as \(shown(encoding))")
    }
  }

  /// A refused packet is refused for what it is.
  private static func promiseReason(
    _ error: CommandError, for bytes: [UInt8]
  ) throws(BrokenPromise) {
    let raw = bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    let holds: Bool
    switch error {
    case .tooShort: holds = bytes.count < 4
    case .tooLong: holds = bytes.count > ProtocolLimits.packetSize
    case .unknownMagic(let unknown): holds = unknown == raw && !fromServer.contains(raw)
    case .malformedFileRequest(let magic), .malformedCommand(let magic),
      .malformedFarewell(let magic):
      holds = magic.rawValue == raw && fromServer.contains(raw)
    }
    try promise(holds, "\(shown(bytes)) is refused as \(error)")
  }

  private static let fromServer: [UInt32] = [
    "OPEN", "BDEV", "TYPE", "NAME", "OPTS", "MTAB", "MNTP", "DOIT", "SAYS", "IOMA", "BYEE",
  ].map { (name: String) in name.utf8.reduce(0) { $0 << 8 | UInt32($1) } }
}
