// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CServiceAdapter
internal import FuseService
internal import ServerSupport

/// What the server told the shim.
enum ShimReport: Equatable {
  /// It called `mount(2)`.
  case mount(WantedMount)
  /// It answered FUSE_INIT, with this error or 0.
  case answered(Int32)
}

/// What the server asked `mount(2)` for.
struct WantedMount: Equatable {
  /// Whether it asked for a read-only mount (`MS_RDONLY`).
  let isReadOnly: Bool
  /// The words of its options.
  let words: [[UInt8]]
}

/// Reads a packet of the shim's; `nil` when it is none. The server may have written it itself.
func shimReport(_ packet: [UInt8]) -> ShimReport? {
  switch packet.count {
  case MemoryLayout<service_shim_answered>.size:
    // The packet has just this size, and any bits are a number.
    return .answered(unsafe packet.withUnsafeBytes { unsafe $0.loadUnaligned(as: Int32.self) })
  case MemoryLayout<service_shim_mount>.size:
    let flags = unsafe packet.withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt64.self) }
    let options = packet[MemoryLayout<UInt64>.size...].prefix { $0 != 0 }
    return .mount(
      WantedMount(
        isReadOnly: flags & UInt64(FuseMountFlags.readOnly.rawValue) != 0,
        words: options.split(separator: UInt8(ascii: ",")).map { Array($0) }))
  default:
    return nil
  }
}

/// What the helper is to mount, after what the caller asked for, what the description says, and what
/// the server wants, which of these three counts least: it may make the mount read-only and may
/// bound the size of reads (`max_read=`), which it has to know. What it asks for beyond that, such as
/// `allow_other`, is not its business, and `fd=`, `rootmode=`, `user_id=` and `group_id=` are the
/// helper's.
func mountParameters(
  _ request: CallerRequest, _ description: ServiceDescription, _ wanted: WantedMount,
  subtype: [UInt8], openedReadOnly: Bool
) -> MountParameters {
  var superblockWords = request.superblockWords
  let permissions = text("default_permissions")
  // Most servers check nothing: with others let in, somebody has to.
  let isChecked = description.hasDefaultPermissions || request.allowsOthers
  if isChecked && !superblockWords.contains(permissions) { superblockWords.append(permissions) }
  if request.allowsOthers { superblockWords.append(text("allow_other")) }
  superblockWords += wanted.words.filter {
    value(of: $0, after: "max_read=").flatMap(wholeNumber) != nil
  }.prefix(1)
  let comma = [UInt8(ascii: ",")]
  return MountParameters(
    source: request.sourceName ?? (isSourceName(request.source) ? request.source : subtype),
    superblockOptions: Array(superblockWords.joined(separator: comma)),
    userspaceOptions: Array(request.userspaceWords.joined(separator: comma)),
    mountPoint: request.mountPoint,
    flags: openedReadOnly || wanted.isReadOnly ? request.flags.union(.readOnly) : request.flags)
}
