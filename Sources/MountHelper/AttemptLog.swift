// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives
internal import Literals
internal import MountPolicy

/// What the system log is told of one attempt to mount: that it begins, before anything is done, and
/// how it ended. Only of attempts with the program's set-user-ID bit; what root does, root knows.
struct AttemptLog {
  /// How a line is classed (syslog(3)): the facility `authpriv`, which only administrators read.
  private enum Priority: UInt8 {
    case notice = 85
    case warning = 84
  }

  /// Where the system's logger listens (syslog(3), `_PATH_LOG`).
  private static let path = text("/dev/log")
  /// The longest part of a line that a caller or a server chose, in bytes.
  private static let fieldLimit = 256
  /// How long the first line waits for a logger that is busy, in seconds. Any user can keep it busy,
  /// and must not be able to mount unseen by that: a line that is not taken costs the mount.
  private static let patience: Int64 = 10
  /// How long the outcome waits, in seconds.
  private static let patienceAfterwards: Int64 = 1

  /// Whether nothing is told: of what root does, and where the first line was not taken.
  private var isSilent: Bool
  private let invocation: MountInvocation
  private let caller: Caller
  private let service: [UInt8]?
  private let processIdentifier: Int32
  /// The attempt in words, when it has begun.
  private var begun: [UInt8]?

  /// A log for what `caller` wants. `service` is the socket's path, where the type has one.
  init(_ invocation: MountInvocation, caller: Caller, service: [UInt8]?) {
    isSilent = caller.isRoot
    self.invocation = invocation
    self.caller = caller
    self.service = service
    processIdentifier = getpid()
  }

  private var attempt: [UInt8] {
    if let begun { return begun }
    var words =
      text("uid=") + digits(UInt64(caller.userID)) + text(" gid=") + digits(UInt64(caller.groupID))
    words += Self.field("type", invocation.type)
    if let service { words += Self.field("service", service) }
    if invocation.operands.count > 1 { words += Self.field("source", invocation.operands[0]) }
    words += Self.field("mountpoint", invocation.mountPoint)
    return words
  }

  /// The line for an attempt that begins.
  var beginning: [UInt8] { line(.notice, text("mounting: ") + attempt) }

  /// The line for a mount that is in the tree, at `place` if that can be told.
  func success(at place: [UInt8]?) -> [UInt8] {
    let path = place.map { Self.field("path", $0) } ?? []
    return line(.notice, text("mounted: ") + attempt + path)
  }

  /// The line for an attempt that came to nothing, and why.
  func failure(_ why: [UInt8]) -> [UInt8] {
    line(.warning, text("not mounted: ") + attempt + Self.field("reason", why))
  }

  /// Says that the attempt begins, unless it has said so.
  ///
  /// - Throws: why the logger does not take it. That there is none, or none for this caller, is the
  ///   administrator's choice and no error.
  mutating func begin() throws(Errno) {
    if isSilent || begun != nil { return }
    begun = attempt
    do throws(Errno) {
      try send(beginning, until: .after(seconds: Self.patience))
    } catch {
      switch error {
      case .noSuchFile, .connectionRefused, .permissionDenied: return
      default:
        isSilent = true
        throw error
      }
    }
  }

  /// Says that the mount is in the tree.
  func mounted(at place: @autoclosure () -> [UInt8]?) {
    if isSilent { return }
    end(success(at: place()))
  }

  /// Says that there is no mount, and why.
  func failed(_ why: [UInt8]) {
    if isSilent { return }
    end(failure(why))
  }

  private func end(_ line: [UInt8]) {
    try? send(line, until: .after(seconds: Self.patienceAfterwards))
  }

  private func send(_ line: [UInt8], until deadline: Deadline) throws(Errno) {
    try sendLogLine(line, to: Self.path, until: deadline)
  }

  /// The form of syslog(3), whose date every logger puts in itself where it is missing.
  private func line(_ priority: Priority, _ message: [UInt8]) -> [UInt8] {
    text("<") + digits(UInt64(priority.rawValue)) + text(">fuservicemount3[")
      + digits(UInt64(processIdentifier)) + text("]: ") + message
  }

  /// ` key="value"`. What stands in the value cannot end it: a quote of its own is escaped like all
  /// that a reader could take for something else.
  private static func field(_ key: StaticString, _ value: [UInt8]) -> [UInt8] {
    var quoted: [UInt8] = []
    for byte in escaped(value, limit: fieldLimit) {
      if byte == UInt8(ascii: "\"") { quoted.append(UInt8(ascii: "\\")) }
      quoted.append(byte)
    }
    return text(" ") + text(key) + text("=\"") + quoted + text("\"")
  }
}
