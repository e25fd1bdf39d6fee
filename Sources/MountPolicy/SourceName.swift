// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// The name under which a mount's source appears in mountinfo (NAME).
public enum SourceName {
  /// The longest that the kernel takes, in bytes; only mount(2) takes more than `fsconfigLength`.
  public static let maximumLength = 4095
  /// The longest that `fsconfig(2)` takes, in bytes.
  public static let fsconfigLength = 255

  /// Judges a name.
  ///
  /// A name that begins with `/` looks like a path to whoever reads the mount table, and umount(8)
  /// finds mounts by it, so it has to be one that the caller wrote.
  /// - Throws: `EINVAL` for an empty name, control bytes, more than 4095 bytes, and for a path, or
  ///   characters that act on a terminal or do not show, that the caller did not write.
  public static func judge(_ source: [UInt8], namedFiles: NamedFiles) throws(Refusal) {
    guard !source.isEmpty else { throw .emptySource }
    guard source.count <= maximumLength else { throw .sourceTooLong(source) }
    guard !source.holdsControlByte else {
      throw .sourceHoldsControlByte(source)
    }
    if namedFiles.contains(source) { return }
    // Whoever shows the mount table shows it as it is, on any terminal.
    guard isPrintable(source) else { throw .sourceNotPrintable(source) }
    guard source.first != UInt8(ascii: "/") || source == "/dev/fuse" else {
      throw .sourceNotNamed(source)
    }
  }
}
