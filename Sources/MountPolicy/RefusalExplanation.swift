// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

extension Refusal {
  /// One line that says what is refused and why and, where it helps, what to do.
  ///
  /// Bytes from outside stand in it as they are, long ones shortened, so the line goes through
  /// `escaped(_:limit:)` before it is shown. `configurationPath` is where fuse.conf is.
  public func explanation(configurationPath: [UInt8]) -> [UInt8] {
    if case .allowOtherNotPermitted = self {
      return text("option allow_other needs user_allow_other in ") + configurationPath
    }
    // A test goes through every case, so that none is left without words.
    return ofCommandLine ?? ofFile ?? ofSource ?? ofOption ?? ofMountPoint ?? []
  }

  /// The line with fuse.conf in its usual place.
  public var explanation: [UInt8] { explanation(configurationPath: text("/etc/fuse.conf")) }

  /// At most 160 bytes of `bytes`, so that the reason still fits on the line.
  static func shortened(_ bytes: [UInt8]) -> [UInt8] {
    bytes.count <= 160 ? bytes : Array(bytes.prefix(157)) + text("...")
  }

  private func quoted(_ bytes: [UInt8]) -> [UInt8] {
    text("'") + Refusal.shortened(bytes) + text("'")
  }

  private func hexadecimal(_ value: some FixedWidthInteger & UnsignedInteger) -> [UInt8] {
    text("0x") + digits(UInt64(truncatingIfNeeded: value), radix: 16)
  }

  private var ofCommandLine: [UInt8]? {
    switch self {
    case .emptyType:
      return text("the type names no service; use -t fuse.NAME")
    case .badType(let type):
      return text("type ") + quoted(type)
        + text(": a service's name is one word without '/' or control characters")
    case .typeTooLong(let type, let maximumLength):
      return text("type ") + quoted(type) + text(": a service's name has at most ")
        + digits(UInt64(max(0, maximumLength))) + text(" bytes")
    case .badTimeout(let word):
      return text("option ") + quoted(word) + text(" needs a number of seconds, 1 or more")
    case .unrecordableOption(let word):
      return text("option ") + quoted(word)
        + text(" cannot be recorded: no control characters, commas, quotes or backslashes in it")
    case .userspaceOptionsTooLong:
      return text("the x-* options have more than 4096 bytes in all")
    default:
      return nil
    }
  }

  private var ofFile: [UInt8]? {
    switch self {
    case .fileNotNamed(let path):
      return text("the server asked for ") + quoted(path)
        + text(", which the command line does not name")
    case .pathTooLong(let path):
      return quoted(path) + text(": a path has at most 4095 bytes")
    case .unknownRequestFlags(let flags, let path):
      return quoted(path) + text(": the server used request flags that are not offered: ")
        + hexadecimal(flags)
    case .openFlagsNotAllowed(let flags, let path):
      return quoted(path) + text(": the server used open flags that are not allowed: ")
        + hexadecimal(flags)
    case .badAccessMode(let path):
      return quoted(path) + text(": the server asked for access mode 3, which is none")
    case .writeToReadOnly(let path):
      return quoted(path) + text(": the server asked to write, but the options say ro")
    case .badBlockSize(let size, let path):
      return quoted(path) + text(": block size ") + digits(UInt64(size))
        + text(" is no power of two from 512 to 65536")
    case .blockSizeNeedsWriting(let path):
      return quoted(path) + text(": the server asked to set the block size of a device that it ")
        + text("only reads")
    case .notBlockDevice(let path, let kind):
      return quoted(path) + text(" is ") + kind.words
        + text(", but the server needs a block device")
    case .fileIsDirectory(let path):
      return quoted(path) + text(" is a directory; servers get files and block devices only")
    case .fileIsSymbolicLink(let path):
      return quoted(path) + text(" is a symbolic link that the server does not want followed")
    case .specialFile(let path, let kind):
      return quoted(path) + text(" is ") + kind.words
        + text("; servers get files and block devices only")
    case .kernelMadeFile(let path, let magic):
      return quoted(path) + text(" is on a file system that the kernel makes up (")
        + hexadecimal(magic) + text(")")
    default:
      return nil
    }
  }

  private var ofSource: [UInt8]? {
    switch self {
    case .unknownContextFlags(let flags):
      return text("the server used unknown flags for the file system's type: ")
        + hexadecimal(flags)
    case .fuseblkNeedsRoot:
      return text("the server wants fuseblk, which only root may mount")
    case .fuseblkSourceNotNamed(let source):
      return text("fuseblk source ") + quoted(source)
        + text(" is not a device that the command line names")
    case .emptySource:
      return text("the server sent an empty source")
    case .sourceTooLong(let source):
      return text("source ") + quoted(source) + text(" has more than 4095 bytes")
    case .sourceHoldsControlByte(let source):
      return text("source ") + quoted(source) + text(" holds a control character")
    case .sourceNotPrintable(let source):
      return text("source ") + quoted(source)
        + text(" holds characters that do not show, and the command line does not name it")
    case .sourceNotNamed(let source):
      return text("source ") + quoted(source)
        + text(" is a path that the command line does not name")
    case .mountFlagsNotAllowed(let flags):
      return text("the server used mount flags that are not allowed: ") + hexadecimal(flags)
    default:
      return nil
    }
  }

  private var ofOption: [UInt8]? {
    switch self {
    case .openQuote(let word):
      return text("option ") + quoted(word) + text(" from the server: a quote is not closed")
    case .unknownOption(let word):
      return text("option ") + quoted(word) + text(" from the server is not one that it may set")
    case .optionOfHelper(let word):
      return text("option ") + quoted(word)
        + text(" from the server is one that only this program sets")
    case .optionOnlyForCaller(let word):
      return text("option ") + quoted(word)
        + text(" from the server counts only when root writes it on the command line")
    case .securityContextNeedsRoot(let word):
      return text("option ") + quoted(word) + text(": only root may set a security context")
    case .badOptionValue(let word):
      return text("option ") + quoted(word) + text(" from the server: not a value it can have")
    case .repeatedOption(let word):
      return text("option ") + quoted(word) + text(" from the server is given twice")
    case .blockSizeNeedsFuseblk:
      return text("the server set blksize=, which is for fuseblk only")
    default:
      return nil
    }
  }

  private var ofMountPoint: [UInt8]? {
    switch self {
    case .notTheMountPoint(let path):
      return text("the server asked to mount on ") + quoted(path)
        + text(", which is not the mount point on the command line")
    case .unknownExpectedFormat(let format):
      return text("the server expects a mount point of unknown format 0")
        + digits(UInt64(format), radix: 8)
    case .mountPointIsNoDirectory:
      return text("the mount point is not a directory, but the server needs one")
    case .mountPointIsDirectory:
      return text("the mount point is a directory, but the server needs a regular file")
    case .mountPointIsSpecial(let kind):
      return text("the mount point is ") + kind.words
        + text("; use a directory or a regular file")
    case .mountPointNotWritable:
      return text("you may not write to the mount point; use one of your own")
    case .mountPointIsSticky:
      return text("the mount point is a sticky directory that is not yours; make one inside it")
    case .mountPointFileSystem(let magic):
      return text("users may not mount over a file system of type ") + hexadecimal(magic)
    default:
      return nil
    }
  }
}
