// SPDX-License-Identifier: LGPL-2.1-or-later

import FuseService
import ServerSupport
import Testing

@testable import SingleFile

@Suite struct MountParameterTests {
  @Test func `Options are joined and the source is the image`() throws {
    let options = try parse(options: "allow_other,max_read=4096,x-a,x-b,noexec")
    let parameters = mountParameters(options, subtype: text("s"), isReadOnly: false)
    #expect(
      parameters
        == MountParameters(
          source: text("disk.img"), superblockOptions: text("allow_other,max_read=4096"),
          userspaceOptions: text("x-a,x-b"), mountPoint: text("/mnt"),
          flags: [.noSetId, .noDevices, .noExecute]))
  }

  @Test func `A source that turned out read-only makes the mount read-only`() throws {
    let parameters = mountParameters(
      try parse(options: "rw"), subtype: text("s"), isReadOnly: true)
    #expect(parameters.flags == [.noSetId, .noDevices, .readOnly])
  }

  @Test(arguments: ["a\nb", String(repeating: "a", count: 256)])
  func `An image with a name that no mount table takes is named by the subtype`(name: String) throws
  {
    let options = try parse([name, "/mnt"])
    #expect(mountParameters(options, subtype: text("s"), isReadOnly: false).source == text("s"))
  }

  @Test func `fsname wins`() throws {
    let options = try parse(options: "fsname=vol")
    #expect(mountParameters(options, subtype: text("s"), isReadOnly: false).source == text("vol"))
  }
}
