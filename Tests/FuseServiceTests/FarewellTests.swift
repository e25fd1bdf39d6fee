// SPDX-License-Identifier: LGPL-2.1-or-later

import FuseService
import LinuxPrimitives
import MountProtocol
import Testing

@Suite struct FarewellTests {
  @Test(arguments: [UInt32(0), 1, 255])
  func `A goodbye is the last packet and closes the connection`(exitCode: UInt32) throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/m"])
    let connection = try helper.begin()
    _ = helper.packets()
    let heard = connection.goodbye(exitCode: exitCode)
    #expect(heard)
    #expect(helper.packets() == [[0x42, 0x59, 0x45, 0x45, 0, 0, 0, UInt8(exitCode)]])
    #expect(helper.serverIsGone())
  }

  @Test func `A goodbye that nobody hears says so`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/m"])
    let connection = try helper.begin()
    helper.socket.shutDown()
    let heard = connection.goodbye(exitCode: 0)
    #expect(!heard)
  }

  @Test func `A connection that is dropped ends without a goodbye`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/m"])
    #expect(helper.failureToBegin() == nil)
    #expect(helper.packets().count == 1)
    #expect(helper.serverIsGone())
  }

  @Test func `Last words are cut at 512 bytes and hold no NUL`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/m"])
    var connection = try helper.begin()
    connection.lastWords([0] + [UInt8](repeating: 0x61, count: 600))
    connection.goodbye(exitCode: 1)
    #expect(
      try helper.commands() == [
        .lastWords([UInt8](repeating: 0x61, count: 512)), .goodbye(exitCode: 1),
      ])
  }

  @Test func `Last words to nobody are no error`() throws {
    let helper = try FakeHelper(greetingWith: ["x", "d", "/m"])
    var connection = try helper.begin()
    helper.socket.shutDown()
    connection.lastWords(bytes("sorry"))
    let heard = connection.goodbye(exitCode: 1)
    #expect(!heard)
  }

  @Test func `A service exits with 0 or 1`() {
    #expect(serviceExitStatus(succeeded: true) == 0)
    #expect(serviceExitStatus(succeeded: false) == 1)
  }

  @Test(arguments: [
    (FuseServiceError.refused(command: .mount, .tooManyUsers), "the mount helper refused DOIT: "),
    (.unexpectedPacket(waitingFor: .simpleReply), "the mount helper sent something else than REPL"),
    (.helperGone, "the mount helper closed the connection"),
    (.system(.permissionDenied), "talking to the mount helper: Permission denied"),
  ])
  func `Every error has words`(error: FuseServiceError, beginning: String) {
    #expect(error.message.starts(with: beginning.utf8))
  }
}
