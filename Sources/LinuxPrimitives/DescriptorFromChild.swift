// SPDX-License-Identifier: LGPL-2.1-or-later

extension Patience {
  /// Runs `body` in a child as `runInChild(keeping:_:)` does, and takes the descriptor that it makes.
  ///
  /// - Throws: what `body` throws, and what `runInChild(keeping:_:)` does.
  ///
  /// The corresponding system calls are `fork(2)`, and `sendmsg(2)` with `SCM_RIGHTS`.
  public func descriptorFromChild(
    keeping descriptors: [Int32], _ body: () throws(Errno) -> FileDescriptor
  ) throws(Errno) -> FileDescriptor {
    let child = try LinkedChild.fork(keeping: descriptors) { line in
      do throws(Errno) {
        let made = try body()
        try line.send([0], passing: made.rawValue, until: .after(seconds: 1))
        return 0
      } catch {
        return error.rawValue
      }
    }
    let status = try finalStatus(of: child.process)
    guard status == 0 else { throw Errno(rawValue: status) }
    let soon = Patience(cleaningUpUntil: .after(seconds: 1))
    guard var packet = try child.receive(limit: 1, acceptsDescriptor: true, soon),
      let made = packet.takeDescriptor()
    else { throw .inputOutput }
    return made
  }
}
