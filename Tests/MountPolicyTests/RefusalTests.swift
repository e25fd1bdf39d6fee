// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation
import MountPolicy
import MountProtocol
import Testing

private let hostile = bytes("a\u{1b}[31m\nb")

private let everyCase: [(Refusal, Int32, String)] = [
  (.emptyType, EINVAL, "-t fuse.NAME"), (.badType(hostile), EINVAL, "one word"),
  (.typeTooLong(hostile, maximumLength: 90), EINVAL, "at most 90 bytes"),
  (.badTimeout(hostile), EINVAL, "number of seconds"),
  (.unrecordableOption(hostile), EINVAL, "cannot be recorded"),
  (.userspaceOptionsTooLong, EINVAL, "4096 bytes"),
  (.fileNotNamed(hostile), EACCES, "the command line does not name"),
  (.pathTooLong(hostile), ENAMETOOLONG, "4095 bytes"),
  (.unknownRequestFlags(2, path: hostile), EINVAL, "request flags that are not offered: 0x2"),
  (.openFlagsNotAllowed(0x40_0000, path: hostile), EINVAL, "not allowed: 0x400000"),
  (.badAccessMode(hostile), EINVAL, "access mode 3"),
  (.writeToReadOnly(hostile), EACCES, "the options say ro"),
  (.badBlockSize(511, path: hostile), EINVAL, "block size 511"),
  (.blockSizeNeedsWriting(hostile), EACCES, "only reads"),
  (.notBlockDevice(hostile, kind: .regular), ENOTBLK, "is a regular file, but"),
  (.fileIsDirectory(hostile), EISDIR, "is a directory"),
  (.fileIsSymbolicLink(hostile), ELOOP, "is a symbolic link"),
  (.specialFile(hostile, kind: .fifo), EACCES, "is a FIFO"),
  (.specialFile(hostile, kind: .socket), EACCES, "is a socket"),
  (.specialFile(hostile, kind: .characterDevice), EACCES, "is a character device"),
  (.specialFile(hostile, kind: .other), EACCES, "is a special file"),
  (.kernelMadeFile(hostile, fileSystemMagic: 0x9fa0), EACCES, "kernel makes up (0x9fa0)"),
  (.unknownContextFlags(6), EINVAL, "0x6"), (.fuseblkNeedsRoot, EPERM, "only root"),
  (.fuseblkSourceNotNamed(hostile), EACCES, "fuseblk source"),
  (.emptySource, EINVAL, "empty source"), (.sourceTooLong(hostile), EINVAL, "4095 bytes"),
  (.sourceHoldsControlByte(hostile), EINVAL, "control character"),
  (.sourceNotPrintable(hostile), EINVAL, "do not show"),
  (.sourceNotNamed(hostile), EINVAL, "the command line does not name"),
  (.openQuote(hostile), EINVAL, "not closed"),
  (.unknownOption(hostile), EINVAL, "not one that it may set"),
  (.optionOfHelper(hostile), EINVAL, "only this program sets"),
  (.optionOnlyForCaller(hostile), EINVAL, "root writes it on the command line"),
  (.allowOtherNotPermitted, EPERM, "option allow_other needs user_allow_other in /etc/fuse.conf"),
  (.securityContextNeedsRoot(hostile), EPERM, "only root may set a security context"),
  (.badOptionValue(hostile), EINVAL, "not a value"), (.repeatedOption(hostile), EINVAL, "twice"),
  (.blockSizeNeedsFuseblk, EINVAL, "fuseblk only"),
  (.mountFlagsNotAllowed(0x1000), EINVAL, "mount flags that are not allowed: 0x1000"),
  (.notTheMountPoint(hostile), EINVAL, "not the mount point on the command line"),
  (.unknownExpectedFormat(0o60000), EINVAL, "unknown format 060000"),
  (.mountPointIsNoDirectory, ENOTDIR, "not a directory"),
  (.mountPointIsDirectory, EISDIR, "needs a regular file"),
  (.mountPointIsSpecial(kind: .blockDevice), EACCES, "is a block device"),
  (.mountPointIsSpecial(kind: .directory), EACCES, "is a directory"),
  (.mountPointIsSpecial(kind: .symbolicLink), EACCES, "is a symbolic link"),
  (.mountPointNotWritable, EPERM, "may not write"), (.mountPointIsSticky, EPERM, "sticky"),
  (.mountPointFileSystem(magic: 0x6265_6572), EPERM, "of type 0x62656572"),
]

@Suite("Refusals")
struct RefusalTests {
  @Test(arguments: everyCase)
  func `Every reason has the errno of the protocol and says why in one line`(
    reason: Refusal, errno: Int32, words: String
  ) {
    #expect(reason.error == ErrorNumber(rawValue: UInt32(errno)))
    let shown = text(escaped(reason.explanation))
    #expect(shown.contains(words), "\(shown)")
    #expect(!shown.contains("\n") && !shown.contains("\u{1b}"))
    #expect(!shown.hasSuffix("."))
  }

  @Test func `No two reasons have the same words`() {
    let lines = everyCase.map { text($0.0.explanation) }
    #expect(Set(lines).count == lines.count)
  }

  @Test func `A path of thousands of bytes does not push the reason off the line`() {
    let shown = text(
      escaped(Refusal.fileNotNamed([UInt8](repeating: 0x78, count: 60_000)).explanation))
    #expect(shown.hasSuffix("xxx...', which the command line does not name"))
    #expect(shown.count < 300)
  }

  @Test func `The line about allow_other names the file that was read`() {
    let line = Refusal.allowOtherNotPermitted.explanation(
      configurationPath: bytes("/usr/local/etc/fuse.conf"))
    #expect(
      text(line) == "option allow_other needs user_allow_other in /usr/local/etc/fuse.conf")
  }
}
