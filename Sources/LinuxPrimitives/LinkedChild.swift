// SPDX-License-Identifier: LGPL-2.1-or-later

/// A child, and this process's end of the pair of sockets between the two.
public struct LinkedChild: ~Copyable, Sendable {
  /// The child.
  public let process: ChildProcess
  /// This process's end.
  public let line: PacketSocket

  /// A child that has the other end of `line`.
  public init(process: consuming ChildProcess, line: consuming PacketSocket) {
    self.process = process
    self.line = line
  }

  /// Starts a child that has only the descriptors `keeping` and its end of the line, which `body` gets,
  /// and standard input, output and error on `/dev/null`; see `ChildProcess.fork(_:)`.
  ///
  /// The corresponding system calls are `socketpair(2)` and `clone(2)`.
  public static func fork(
    keeping descriptors: [Int32] = [], _ body: (consuming PacketSocket) -> Int32
  ) throws(Errno) -> LinkedChild {
    var pair = try PacketSocket.pair()
    guard let near = pair.first.take(), let far = pair.second?.descriptor.rawValue else {
      throw .badFileDescriptor
    }
    let process = try ChildProcess.fork(keeping: descriptors + [far]) {
      body(PacketSocket(FileDescriptor(owning: far)))
    }
    // The child's alone from now on, so that its end is heard.
    pair.second = nil
    return LinkedChild(process: process, line: near)
  }

  /// Ends the line, which the child finds readable and at its end from then on.
  ///
  /// The corresponding system call is `shutdown(2)`.
  public func cut() { line.shutDown() }

  /// Waits for a packet of the child's; `nil` when it has closed its end.
  ///
  /// - Throws: what `Patience.waitUntilReadable(_:)` and
  ///   `PacketSocket.receive(limit:acceptsDescriptor:isThere:until:)` do.
  public func receive(
    limit: Int, acceptsDescriptor: Bool = false, _ patience: Patience
  ) throws(Errno) -> ReceivedPacket? {
    try patience.waitUntilReadable(line.descriptor)
    return try line.receive(
      limit: limit, acceptsDescriptor: acceptsDescriptor, isThere: true,
      until: .after(seconds: 1))
  }
}
