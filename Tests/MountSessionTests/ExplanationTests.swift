// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import MountSession
import Testing

@Suite("What the caller and the server hear")
struct ExplanationTests {
  @Test(
    arguments: [
      (.policy(.allowOtherNotPermitted), 1, "option allow_other needs user_allow_other in /f.conf"),
      (
        .policy(.fileNotNamed(bytes("/etc/shadow"))), 13,
        "the server asked for '/etc/shadow', which the command line does not name"
      ),
      (.repeated(.source), 22, "the service sent NAME twice"),
      (.malformed(.open), 22, "the service sent a malformed OPEN"),
      (.incomplete, 22, "the service asked for the mount without NAME or MNTP"),
      (
        .afterRefusal, 22,
        "the service asked for the mount although a part of it was refused"
      ),
      (.afterMount(.mountPoint), 22, "the service sent MNTP after DOIT"),
      (.noIOMapping, 95, "the service needs I/O mapping, which this kernel does not have"),
    ] as [(SessionRefusal, UInt32, String)])
  func `A refusal has an error number and a line`(
    refusal: SessionRefusal, number: UInt32, line: String
  ) {
    #expect(refusal.error.rawValue == number)
    #expect(text(refusal.explanation(configurationPath: bytes("/f.conf"))) == line)
  }

  @Test(
    arguments: [
      (
        .serverGaveUp(exitCode: 3, lastWords: bytes("bad \u{1b}[31m magic")),
        "the service says: bad \u{1b}[31m magic"
      ),
      (
        .serverGaveUp(exitCode: 1 << 31, lastWords: nil),
        "the service gave up with code 2147483648; see its log"
      ),
      (.nothingMounted, "the service said that it was done, but asked for no mount"),
      (
        .unknownPacket(0x0a1b_ff00),
        "the service sent an unknown packet (0x0a1bff00); is it newer than this helper?"
      ),
      (.brokenPacket, "the service sent a broken packet"),
      (.unexpectedLastWords, "the service explained a failure and went on all the same"),
      (.tooManyRequests, "the service sent too many requests"),
      (.outOfTurn, "the service sent a packet out of turn"),
    ] as [(SessionFailure, String)])
  func `A failure has a line`(failure: SessionFailure, line: String) {
    #expect(text(failure.explanation) == line)
  }
}
