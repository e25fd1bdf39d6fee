// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import Testing

private let path = bytes("disk.img")
private let ext4: UInt64 = 0xef53
private let rules = OpenRules(
  namedFiles: NamedFiles(operands: [path], optionValues: []), readOnly: false, caller: root)

private func judge(_ file: OpenedFile, blockDevice: Bool = false) throws(Refusal) {
  let plan = try rules.judge(OpenRequest(path: path, openFlags: 0), blockDevice: blockDevice)
  try rules.judgeFile(file, plan: plan)
}

@Suite("Opened files")
struct OpenedFileTests {
  @Test(
    arguments: [
      (FileKind.regular, nil), (.blockDevice, nil), (.directory, .isDirectory),
      (.fifo, .permissionDenied), (.socket, .permissionDenied),
      (.characterDevice, .permissionDenied),
      (.other, .permissionDenied), (.symbolicLink, .tooManyLinks),
    ] as [(FileKind, ErrorNumber?)])
  func `OPEN gives regular files and block devices only`(kind: FileKind, error: ErrorNumber?) {
    let reason = refusal { () throws(Refusal) in
      try judge(OpenedFile(kind: kind, fileSystemMagic: ext4))
    }
    #expect(reason?.error == error)
  }

  @Test(arguments: [
    FileKind.regular, .directory, .fifo, .socket, .characterDevice, .other, .symbolicLink,
  ])
  func `BDEV on anything but a block device hears ENOTBLK`(kind: FileKind) {
    let reason = refusal { () throws(Refusal) in
      try judge(OpenedFile(kind: kind, fileSystemMagic: ext4), blockDevice: true)
    }
    #expect(reason == .notBlockDevice(path, kind: kind))
    #expect(reason?.error == .notBlockDevice)
  }

  @Test(
    arguments: [(0, 0, true), (0, 512, false), (1, 512, true), (2, 512, true), (2, 0, true)]
      as [(UInt32, UInt32, Bool)])
  func `The block size of a device that is only read is refused`(
    flags: UInt32, size: UInt32, isTaken: Bool
  ) throws {
    let plan = try rules.judge(
      OpenRequest(path: path, openFlags: flags, blockSize: size), blockDevice: true)
    let reason = refusal { () throws(Refusal) in
      try rules.judgeFile(OpenedFile(kind: .blockDevice, fileSystemMagic: ext4), plan: plan)
    }
    #expect(reason == (isTaken ? nil : .blockSizeNeedsWriting(path)))
    // What is no device hears that first.
    let other = refusal { () throws(Refusal) in
      try rules.judgeFile(OpenedFile(kind: .regular, fileSystemMagic: ext4), plan: plan)
    }
    #expect(other?.error == .notBlockDevice)
  }

  @Test func `BDEV on a block device is taken`() {
    let reason = refusal { () throws(Refusal) in
      try judge(OpenedFile(kind: .blockDevice, fileSystemMagic: 0x0102_1994), blockDevice: true)
    }
    #expect(reason == nil)
  }

  @Test(
    arguments: [
      0x9fa0, 0x6265_6572, 0x6462_6720, 0x7472_6163, 0x7363_6673, 0x27e0eb, 0x6367_7270, 0x1cd1,
      0xcafe_4a11, 0x6265_6570, 0xf97c_ff8c, 0x4341_5d53, 0x5a3c_69f0, 0x6165_676c, 0xde5e_81e4,
      0x6e73_6673, 0x5049_5045, 0x534f_434b, 0x1980_0202, 0x9584_58f6, 0x6573_5543, 0x4249_4e4d,
      0x0765_5821, 0x0904_1934, 0x5345_434d, 0x6c6f_6f70, 0x5049_4446, 0xabba_1974, 0x9fa1,
      0xffff_ffff_cafe_4a11,
    ] as [UInt64])
  func `A file that the kernel makes up is refused`(magic: UInt64) {
    for kind in [FileKind.regular, .blockDevice] {
      let reason = refusal { () throws(Refusal) in
        try judge(OpenedFile(kind: kind, fileSystemMagic: magic))
      }
      #expect(reason == .kernelMadeFile(path, fileSystemMagic: magic))
      #expect(reason?.error == .permissionDenied)
    }
  }

  @Test(
    arguments: [
      ext4, 0x0102_1994, 0x8584_58f6, 0x6573_5546, 0x6969, 0x9123_683e, 0x794c_7630, 0x9660, 0x1234,
    ] as [UInt64])
  func `A regular file on any other file system is taken`(magic: UInt64) {
    let reason = refusal { () throws(Refusal) in
      try judge(OpenedFile(kind: .regular, fileSystemMagic: magic))
    }
    #expect(reason == nil)
  }

  @Test(
    arguments: [
      (0o100644, .regular), (0o104755, .regular), (0o060660, .blockDevice), (0o041777, .directory),
      (0o010600, .fifo), (0o140777, .socket), (0o020666, .characterDevice),
      (0o120777, .symbolicLink), (0, .other), (0o150000, .other),
    ] as [(UInt32, FileKind)])
  func `The kind of a file is in the format bits of its mode`(mode: UInt32, kind: FileKind) {
    #expect(FileKind(mode: mode) == kind)
  }
}
