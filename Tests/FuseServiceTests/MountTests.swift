// SPDX-License-Identifier: LGPL-2.1-or-later

import FuseService
import LinuxPrimitives
import MountProtocol
import Testing

/// A mount with everything in it.
private let everything = MountParameters(
  fuseblk: true, source: bytes("/dev/sda"), superblockOptions: bytes("default_permissions"),
  userspaceOptions: bytes("x-a,-n"), mountPoint: bytes("/mnt"),
  flags: [.readOnly, .noSetId, .noDevices, .noExecute])

@Suite struct MountTests {
  @Test func `A plain mount has the packets that libfuse sends, in its order`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/m"])
    var connection = try helper.begin()
    _ = helper.packets()
    try helper.accept(commands: 4)
    connection.expectMountFormat(.directory)
    try connection.mount(MountParameters(source: bytes("x"), mountPoint: bytes("/m")))
    #expect(
      helper.packets() == [
        [0x54, 0x59, 0x50, 0x45, 0, 0, 0, 0],
        [0x4e, 0x41, 0x4d, 0x45, 0x78, 0],
        [0x4d, 0x4e, 0x54, 0x50, 0x40, 0x00, 0, 0, 0x2f, 0x6d, 0],
        // MS_NOSUID | MS_NODEV
        [0x44, 0x4f, 0x49, 0x54, 0, 0, 0, 6],
      ])
  }

  @Test func `All that a mount can have is sent before it is done`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.accept(commands: 6)
    try connection.mount(everything)
    #expect(
      try helper.commands() == [
        .filesystemContext(.fuseblk), .source(bytes("/dev/sda")),
        .mountPoint(expectedFormat: 0, path: bytes("/mnt")),
        .superblockOptions(bytes("default_permissions")), .userspaceOptions(bytes("x-a,-n")),
        .mount(flags: 0xf),
      ])
  }

  @Test func `A mount that is started is waited for apart`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/m"])
    var connection = try helper.begin()
    try helper.accept(commands: 3)
    try connection.describe(MountParameters(source: bytes("x"), mountPoint: bytes("/m")))
    try connection.startMount([.noSetId])
    #expect(try helper.commands().last == .mount(flags: 2))
    // There is no answer yet.
    #expect(try wait(for: [connection.socketNumber], until: .after(seconds: 0)) == [false])
    try helper.refuseCommand(.tooManyUsers)
    #expect(try wait(for: [connection.socketNumber], until: .after(seconds: 5)) == [true])
    #expect(throws: FuseServiceError.refused(command: .mount, .tooManyUsers)) {
      try connection.finishMount()
    }
  }

  @Test(arguments: [
    (0, Magic.filesystemContext), (1, .source), (2, .mountPoint), (3, .superblockOptions),
    (4, .userspaceOptions), (5, .mount),
  ])
  func `A refused command is named with its reason and ends the attempt`(
    accepted: Int, command: Magic
  ) throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.accept(commands: accepted)
    try helper.refuseCommand(.tooManyUsers)
    try helper.accept(commands: 6)
    #expect(throws: FuseServiceError.refused(command: command, .tooManyUsers)) {
      try connection.mount(everything)
    }
    #expect(try helper.commands().count == accepted + 1)
  }

  @Test(arguments: [
    Reply.file(error: nil, path: bytes("d")).encoded(), Reply.simple(error: nil).encoded() + [0],
    Array(Reply.simple(error: nil).encoded().dropLast()), Hello(flags: []).encoded(),
  ])
  func `Another packet than a simple reply is refused`(packet: [UInt8]) throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.send(packet)
    #expect(throws: FuseServiceError.unexpectedPacket(waitingFor: .simpleReply)) {
      try connection.mount(everything)
    }
  }

  @Test func `A descriptor with a simple reply does no harm`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    for _ in 0..<6 {
      try helper.send(Reply.simple(error: nil).encoded(), with: image())
    }
    try connection.mount(everything)
  }

  @Test func `A helper that does not answer is given up in time`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/mnt"])
    var connection = try helper.begin()
    try helper.accept(commands: 5)
    #expect(throws: FuseServiceError.helperSilent) { try connection.mount(everything) }
  }

  @Test(arguments: [
    MountParameters(source: [], mountPoint: bytes("/m")),
    MountParameters(source: bytes("x"), mountPoint: []),
    MountParameters(source: [0x78, 0], mountPoint: bytes("/m")),
    MountParameters(
      source: bytes("x"), superblockOptions: [0x61, 0, 0x62], mountPoint: bytes("/m")),
    MountParameters(
      source: bytes("x"), userspaceOptions: [UInt8](repeating: 0x61, count: 65_536),
      mountPoint: bytes("/m")),
  ])
  func `A string that cannot travel stops a mount before anything is sent`(
    parameters: MountParameters
  ) throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/m"])
    var connection = try helper.begin()
    #expect(throws: FuseServiceError.unsendableString) { try connection.mount(parameters) }
    #expect(try helper.commands() == [])
  }
}
