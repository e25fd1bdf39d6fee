// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import Testing

private func parse(_ content: String) -> (OwnConfiguration, [ConfigurationWarning]) {
  OwnConfiguration.parse(bytes(content))
}

@Suite("fuservicemount3.conf")
struct OwnConfigurationTests {
  @Test(
    arguments: [
      ("", 8), ("# loop_max = 3\n", 8), ("loop_max = 3\n", 3), ("loop_max=0\n", 0),
      ("loop_max = -1\n", nil), ("\tloop_max = 0x10 # sixteen\n", 16),
      ("loop_max = 1\nloop_max = 2\n", 2), ("loop_max = 2147483647\n", 2_147_483_647),
    ] as [(String, Int?)])
  func `A user has eight loop devices at most unless the file says otherwise`(
    content: String, maximum: Int?
  ) {
    let (configuration, warnings) = parse(content)
    #expect(configuration.loopMaximum == maximum)
    #expect(warnings.isEmpty)
  }

  @Test(
    arguments: [
      (
        "loop_max = -2",
        .invalidLimit(name: bytes("loop_max"), line: 1, text: bytes("loop_max = -2"))
      ),
      (
        "loop_max = 2147483648",
        .invalidLimit(name: bytes("loop_max"), line: 1, text: bytes("loop_max = 2147483648"))
      ),
      ("mount_max = 3", .unknownParameter(line: 1, text: bytes("mount_max = 3"))),
      ("user_allow_other", .unknownParameter(line: 1, text: bytes("user_allow_other"))),
      ("loop_max", .unknownParameter(line: 1, text: bytes("loop_max"))),
      ("loop_max = many", .unknownParameter(line: 1, text: bytes("loop_max = many"))),
    ] as [(String, ConfigurationWarning)])
  func `What cannot be taken is warned about and changes nothing`(
    line: String, warning: ConfigurationWarning
  ) {
    let (configuration, warnings) = parse(line + "\n")
    #expect(configuration == OwnConfiguration())
    #expect(warnings == [warning])
  }

  @Test func `fuse.conf does not have this limit, because fusermount3 would complain of it`() {
    let line = bytes("loop_max = 3")
    #expect(
      FuseConfiguration.parse(line + bytes("\n")).warnings
        == [.unknownParameter(line: 1, text: line)])
  }

  @Test func `A warning names the limit that is wrong`() {
    let warning = ConfigurationWarning.invalidLimit(
      name: bytes("loop_max"), line: 4, text: bytes("loop_max = -7"))
    #expect(
      text(warning.line(path: bytes("/c")))
        == "/c: line 4: invalid loop_max: 'loop_max = -7' is ignored; use -1 for no limit, "
        + "or a number up to 2147483647")
  }
}
