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
    var pair = try PacketSocket.pair()
    guard let near = pair.first.take(), let far = pair.second?.descriptor.rawValue else {
      throw .badFileDescriptor
    }
    let status = try runInChild(keeping: descriptors + [far]) {
      do throws(Errno) {
        let made = try body()
        let end = PacketSocket(FileDescriptor(owning: far))
        try end.send([0], passing: made.rawValue, until: .after(seconds: 1))
        return 0
      } catch {
        return error.rawValue
      }
    }
    guard status == 0 else { throw Errno(rawValue: status) }
    guard
      var packet = try near.receive(limit: 1, acceptsDescriptor: true, until: .after(seconds: 1)),
      let made = packet.takeDescriptor()
    else { throw .inputOutput }
    return made
  }
}
