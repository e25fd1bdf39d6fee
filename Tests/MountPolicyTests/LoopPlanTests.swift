// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import Testing

private let image = bytes("disk.img")

private func judge(
  _ flags: HostOpenFlags, readOnly: Bool = false, blockDevice: Bool = false, blockSize: UInt32 = 0,
  requestFlags: OpenRequestFlags = .loop
) throws(Refusal) -> OpenPlan {
  try rules(readOnly: readOnly).judge(
    OpenRequest(
      path: image, openFlags: flags.rawValue, requestFlags: requestFlags, blockSize: blockSize),
    blockDevice: blockDevice)
}

private func rules(readOnly: Bool = false) -> OpenRules {
  OpenRules(
    namedFiles: NamedFiles(operands: [image], optionValues: []), readOnly: readOnly, caller: user)
}

private func reason(_ body: () throws(ErrorNumber) -> Void) -> ErrorNumber? {
  do {
    try body()
    return nil
  } catch {
    return error
  }
}

@Suite("Loop devices")
struct LoopPlanTests {
  @Test(
    arguments: [
      ([], []), (.readWrite, .readWrite), ([.readWrite, .exclusive], [.readWrite, .exclusive]),
      ([.readWrite, .sync], [.readWrite, .sync]), ([.dataSync], [.dataSync]),
      ([.direct, .largeFile], [.direct, .largeFile]),
      // These are done with when the file is open.
      ([.readWrite, .create, .noFollow, .noAccessTime, .nonblocking, .closeOnExec], .readWrite),
    ] as [(HostOpenFlags, HostOpenFlags)])
  func `The device is opened with what the request says of the open file`(
    flags: HostOpenFlags, wanted: HostOpenFlags
  ) throws {
    let plan = try judge(flags)
    #expect(plan.loop?.openFlags == wanted.rawValue)
    #expect(plan.loop?.isReadOnly == wanted.isDisjoint(with: .accessMode))
    #expect(plan.loop?.blockSize == 0)
  }

  @Test(
    arguments: [
      .writeOnly, [.writeOnly, .exclusive], [.readWrite, .append], [.readWrite, .truncate],
      .truncate, .append,
    ] as [HostOpenFlags])
  func `What a device cannot be asked for is left to the plain file`(flags: HostOpenFlags) throws {
    let plan = try judge(flags)
    #expect(plan.loop == nil)
    #expect(plan.openFlags == flags.rawValue)
  }

  @Test func `Nobody gets a loop device who does not ask for one`() throws {
    #expect(try judge(.readWrite, requestFlags: []).loop == nil)
    #expect(try judge(.readWrite, blockDevice: true, requestFlags: .quiet).loop == nil)
  }

  @Test
  func `Of all numbers for flags and block size only those that a request can have are taken`() {
    for bit in 0..<32 {
      let flags = HostOpenFlags(rawValue: 1 << bit)
      let isTaken = LoopPlan(openFlags: flags.rawValue, blockSize: 0) != nil
      let offered: HostOpenFlags = [
        .readWrite, .exclusive, .sync, .dataSync, .direct, .largeFile, .noAccessTime, .create,
      ]
      #expect(isTaken == offered.contains(flags), "bit \(bit)")
      let size = UInt32(1) << bit
      #expect((LoopPlan(openFlags: 0, blockSize: size) != nil) == (9...16).contains(bit))
    }
    #expect(LoopPlan(openFlags: 3, blockSize: 0) == nil)
    #expect(LoopPlan(openFlags: 0, blockSize: 513) == nil)
  }

  @Test func `BDEV takes a regular file that gets a loop device, and nothing else that is none`()
    throws
  {
    let withLoop = try judge(.readWrite, blockDevice: true)
    let without = try judge(.readWrite, blockDevice: true, requestFlags: [])
    let append = try judge([.readWrite, .append], blockDevice: true)
    for (kind, passes) in [
      (FileKind.regular, true), (.blockDevice, true), (.directory, false), (.fifo, false),
      (.socket, false), (.characterDevice, false), (.symbolicLink, false), (.other, false),
    ] {
      let file = OpenedFile(kind: kind, fileSystemMagic: 0xef53)
      let refused = refusal { () throws(Refusal) in try rules().judgeFile(file, plan: withLoop) }
      #expect((refused == nil) == passes, "\(kind)")
      if kind != .blockDevice {
        for plan in [without, append] {
          let reason = refusal { () throws(Refusal) in try rules().judgeFile(file, plan: plan) }
          #expect(reason?.error == .notBlockDevice, "\(kind)")
        }
      }
    }
  }

  @Test func `A loop device that is only read may get a block size, another device may not`() throws
  {
    let plan = try judge([], blockDevice: true, blockSize: 1024)
    #expect(plan.loop?.blockSize == 1024)
    try rules().judgeFile(OpenedFile(kind: .regular, fileSystemMagic: 0xef53), plan: plan)
    let reason = refusal { () throws(Refusal) in
      try rules().judgeFile(OpenedFile(kind: .blockDevice, fileSystemMagic: 0xef53), plan: plan)
    }
    #expect(reason == .blockSizeNeedsWriting(image))
  }

  @Test(
    arguments: [
      (.regular, 0xef53, 512, nil), (.regular, 0x0102_1994, .max, nil),
      (.regular, 0xef53, 511, .invalidArgument), (.regular, 0xef53, 0, .invalidArgument),
      (.regular, 0xef53, -1, .invalidArgument), (.directory, 0xef53, 4096, .invalidArgument),
      (.blockDevice, 0xef53, 4096, .invalidArgument), (.fifo, 0xef53, 4096, .invalidArgument),
      (.regular, 0x6573_5546, 4096, .notSupported), (.regular, 0x9fa0, 4096, .permissionDenied),
      (.regular, 0x6265_6572, 4096, .permissionDenied),
      (.regular, 0x5345_434d, 4096, .permissionDenied),
    ] as [(FileKind, UInt64, Int64, ErrorNumber?)])
  func `The file behind a device is a regular one with a block, not the kernel's and not FUSE's`(
    kind: FileKind, magic: UInt64, size: Int64, error: ErrorNumber?
  ) {
    let file = OpenedFile(kind: kind, fileSystemMagic: magic)
    #expect(reason { () throws(ErrorNumber) in try LoopPlan.judge(file, size: size) } == error)
  }

  @Test(
    arguments: [
      (.readWrite, .readWrite, true), ([], .readWrite, true), ([], [], true),
      (.readWrite, [], false), (.readWrite, .writeOnly, false), ([], .writeOnly, false),
      (.readWrite, [.readWrite, .append], false), ([], .accessMode, false),
      ([], HostOpenFlags(rawValue: 0o10_000_000), false),
      (.readWrite, [.readWrite, .direct, .sync, .largeFile], true),
    ] as [(HostOpenFlags, HostOpenFlags, Bool)])
  func `A file is behind a device only if it was opened for what the device does`(
    device: HostOpenFlags, file: HostOpenFlags, suits: Bool
  ) throws {
    let plan = try #require(LoopPlan(openFlags: device.rawValue, blockSize: 0))
    #expect(plan.suits(fileFlags: file.rawValue) == suits)
  }

  @Test(
    arguments: [
      ("6.11", true), ("6.11.0-rc1", true), ("6.18.44-fc", true), ("7.0", true), ("10.2.3", true),
      ("6.10.14", false), ("6.1.192", false), ("6.2", false), ("5.19.0", false), ("2.6.78", false),
      ("", false), ("6", false), ("6.", false), ("x.y", false), ("six.eleven", false),
    ])
  func `A kernel before 6.11 lets nobody have a loop device`(release: String, isSafe: Bool) {
    #expect(LoopPlan.isSafe(onRelease: bytes(release)) == isSafe)
  }

  @Test(arguments: [false, true])
  func `The monitor gives no device to write to when the caller said ro`(readOnly: Bool) throws {
    let rules = MountRules(
      caller: user, configuration: FuseConfiguration(),
      options: try options(readOnly ? "ro" : "rw"), subtype: bytes("x"),
      namedFiles: NamedFiles(operands: [image], optionValues: []), mountPoint: bytes("/mnt"))
    for flags: HostOpenFlags in [[], .readWrite] {
      let plan = try #require(LoopPlan(openFlags: flags.rawValue, blockSize: 0))
      let error = reason { () throws(ErrorNumber) in try rules.judge(plan) }
      #expect(error == (readOnly && !flags.isEmpty ? .permissionDenied : nil))
    }
  }

  @Test(
    arguments: [
      (
        .busy,
        "'disk.img': attached to a loop device already; detach it with losetup -d, or unmount what uses it"
      ),
      (
        .tooManyUsers,
        "'disk.img': no loop device, because you have as many as loop_max in /c permits"
      ),
      (
        .invalidArgument,
        "'disk.img': no loop device: the file has not even one block of 512 bytes"
      ),
      (.notSupported, "'disk.img': no loop device for a file on a FUSE mount"),
      (
        .notImplemented,
        "'disk.img': no loop device before Linux 6.11, where a server could keep it for what others attach to it"
      ),
      (.noSuchFile, nil),
    ] as [(ErrorNumber, String?)])
  func `What there is no loop device for is said in words`(error: ErrorNumber, words: String?) {
    let line = LoopPlan.explanation(of: error, path: image, configurationPath: bytes("/c"))
    #expect(line.map(text) == words)
  }
}

@Suite("The loop devices of a user")
struct LoopChargesTests {
  private func device(_ number: UInt32, _ sequence: UInt64 = 0) -> LoopCharges.Device {
    LoopCharges.Device(number: number, sequence: sequence)
  }

  @Test func `What is charged reads back as it was written`() {
    var charges = LoopCharges(parsing: [])
    #expect(charges.encoded().isEmpty)
    charges.charge(device(0))
    charges.charge(device(1_048_575, .max))
    #expect(
      text(charges.encoded())
        == "0000000 00000000000000000000\n1048575 18446744073709551615\n")
    #expect(LoopCharges(parsing: charges.encoded()) == charges)
  }

  @Test func `A device is charged once, and released at once`() {
    var charges = LoopCharges(parsing: bytes("7 1\n8 2\n7 3\n"))
    #expect(charges.devices == [device(8, 2), device(7, 3)])
    charges.charge(device(8, 9))
    #expect(charges.devices == [device(7, 3), device(8, 9)])
    charges.release(8)
    charges.release(5)
    #expect(charges.devices == [device(7, 3)])
  }

  @Test(arguments: [
    "", "\n", "7\n", "7 1 2\n", " 7 1\n", "7  1\n", "x 1\n", "7 x\n", "-7 1\n", "7 -1\n",
    "1048576 1\n", "4294967296 1\n", "7 18446744073709551616\n", "7\0 1\n",
  ])
  func `A line that is none is left out, and the others are read`(line: String) {
    let charges = LoopCharges(parsing: bytes("3 1\n" + line + "\n4 1\n"))
    #expect(charges.devices == [device(3, 1), device(4, 1)])
  }

  @Test(arguments: 0..<12)
  func `A file that was cut short charges no less than its whole lines`(length: Int) {
    let content = bytes("3 10\n4 200\n")
    let charges = LoopCharges(parsing: Array(content.prefix(length)))
    let whole = content.prefix(length).count { $0 == UInt8(ascii: "\n") }
    #expect(charges.devices.count >= whole)
  }

  @Test func `A file that is written over in part has whole lines of before or of now`() {
    var charges = LoopCharges(parsing: [])
    for number: UInt32 in [3, 40, 500] { charges.charge(device(number, UInt64(number))) }
    let before = charges.encoded()
    charges.release(40)
    charges.charge(device(7, 70))
    let now = charges.encoded()
    for length in stride(from: 0, through: now.count, by: 29) {
      let mixed = Array(now.prefix(length)) + before.dropFirst(length)
      for found in LoopCharges(parsing: mixed).devices {
        #expect([device(3, 3), device(40, 40), device(500, 500), device(7, 70)].contains(found))
      }
    }
    #expect(now.count % 29 == 0)
  }

  @Test(
    arguments: [
      ("loop0", 0), ("loop17", 17), ("loop1048575", 1_048_575), ("loop1048576", nil),
      ("loop", nil), ("loop1p1", nil), ("loop-control", nil), ("vda", nil), ("xloop4", nil),
      ("", nil),
    ] as [(String, UInt32?)])
  func `A loop device is known by its name`(name: String, number: UInt32?) {
    #expect(LoopNumber.number(ofName: bytes(name)) == number)
  }
}
