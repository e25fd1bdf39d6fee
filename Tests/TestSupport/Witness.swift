// SPDX-License-Identifier: LGPL-2.1-or-later

import CLinux
public import LinuxPrimitives

/// A descriptor whose closing can be seen from outside, in this process and in others.
public final class Witness {
  /// The descriptor's number, until it is closed or given away.
  public private(set) var number: Int32
  private let watching: Int32

  /// Opens the descriptor.
  public init() throws(Errno) {
    var pair = try PacketSocket.pair()
    guard let first = pair.first.take(), let second = pair.second.take() else {
      throw .badFileDescriptor
    }
    number = try first.descriptor.duplicate().release()
    watching = try second.descriptor.duplicate().release()
  }

  deinit {
    close()
    _ = CLinux.close(watching)
  }

  /// Hands the descriptor over; the witness keeps none.
  public func giveAway() -> FileDescriptor {
    defer { number = -1 }
    return FileDescriptor(owning: number)
  }

  /// Closes the descriptor, but not its duplicates.
  public func close() {
    _ = giveAway()
  }

  /// Whether the last descriptor is closed before `deadline`.
  public func isClosed(by deadline: Deadline) -> Bool {
    let ready = try? wait(for: [watching], until: deadline)
    return ready == [true]
  }
}
