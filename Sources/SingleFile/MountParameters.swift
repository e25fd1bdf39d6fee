// SPDX-License-Identifier: LGPL-2.1-or-later

internal import FuseService
internal import ServerSupport

/// What the helper is to mount.
///
/// The source in the mount table is the image as the caller named it, which findmnt(8) then shows;
/// where such a name cannot stand there, it is the subtype.
func mountParameters(
  _ options: ServerOptions, subtype: [UInt8], isReadOnly: Bool
) -> MountParameters {
  let named = isSourceName(options.source) ? options.source : subtype
  return MountParameters(
    fuseblk: options.fuseblk,
    source: options.sourceName ?? named,
    superblockOptions: commaSeparated(options.superblockWords),
    userspaceOptions: commaSeparated(options.userspaceWords),
    mountPoint: options.mountPoint,
    flags: isReadOnly ? options.flags.union(.readOnly) : options.flags)
}

private func commaSeparated(_ words: [[UInt8]]) -> [UInt8] {
  Array(words.joined(separator: [UInt8(ascii: ",")]))
}
