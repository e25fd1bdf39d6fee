// SPDX-License-Identifier: LGPL-2.1-or-later

import MountProtocol
import MountSession
import Testing

/// A state that a session can be in, and a way there.
struct Stage: CustomTestStringConvertible {
  enum Kind: Equatable {
    /// Nothing was refused that the mount needs.
    case collecting
    /// Something was refused.
    case hopeless
    /// DOIT was accepted.
    case mounting
    /// The mount is made.
    case mounted
    /// DOIT was accepted, and then the mount failed.
    case mountFailed
    /// SAYS came.
    case heard
    /// BYEE, or a failure.
    case ended
  }

  var kind: Kind
  var taken: [Setting] = []
  var way: String
  var session: MountSession

  var testDescription: String { "\(way) with \(taken) taken" }

  /// A session that a malformed DOIT has made hopeless has taken nothing by it.
  private static let spoiler = packet(.mount)

  static let words = bytes("no superblock")

  static let all: [Stage] =
    everyCollection(hopeless: false) + everyCollection(hopeless: true) + later

  private static func everyCollection(hopeless: Bool) -> [Stage] {
    subsets(of: Setting.allCases).map { taken in
      var session = newSession()
      if hopeless { _ = session.handle(spoiler) }
      _ = session.handle(all: taken.map { $0.command })
      return Stage(
        kind: hopeless ? .hopeless : .collecting, taken: taken,
        way: hopeless ? "hopeless" : "collecting", session: session)
    }
  }

  private static var later: [Stage] {
    let doit = Setting.ofMount.map { $0.command } + [.mount(flags: 6)]
    var mounting = newSession()
    _ = mounting.handle(all: doit)
    var mounted = mounting
    mounted.mountEnded(succeeded: true)
    var failed = mounting
    failed.mountEnded(succeeded: false)
    var hopeless = newSession()
    _ = hopeless.handle(spoiler)
    var broken = newSession()
    _ = broken.handle([])
    var completed = mounted
    _ = completed.handle(.goodbye(exitCode: 0))
    var stages = [
      Stage(kind: .mounting, taken: Setting.ofMount, way: "mounting", session: mounting),
      Stage(kind: .mounted, taken: Setting.ofMount, way: "mounted", session: mounted),
      Stage(
        kind: .mountFailed, taken: Setting.ofMount, way: "after a mount that failed",
        session: failed),
      Stage(kind: .ended, way: "after a broken packet", session: broken),
      Stage(kind: .ended, taken: Setting.ofMount, way: "after the goodbye", session: completed),
    ]
    for (way, session) in [
      ("at once", newSession()), ("hopeless", hopeless), ("mounted", mounted),
      ("after a mount that failed", failed),
    ] {
      var heard = session
      _ = heard.handle(.lastWords(words))
      stages.append(Stage(kind: .heard, way: "last words \(way)", session: heard))
    }
    return stages
  }
}
