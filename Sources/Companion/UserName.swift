// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives

/// The longest name that is sent, in bytes; the kernel's and shadow's limits are far below.
private let maximumLength = 256

/// Says the name of the user that this process belongs to.
///
/// A lookup may load any library and speak with any daemon (nsswitch.conf(5)), so only a process
/// without privilege may ask.
///
/// - Throws: `ENOENT` when the user database does not know the id.
///
/// The corresponding C function is `getpwuid(3)`.
func sayUserName(_ line: borrowing PacketSocket) throws(Errno) -> Int32 {
  // The entry is valid until the next lookup; its name is terminated and copied at once.
  guard let entry = unsafe getpwuid(getuid()), let name = unsafe entry.pointee.pw_name else {
    throw .noSuchFile
  }
  let bytes = unsafe bytes(ofCString: name)
  // It would be no packet, and waited for.
  guard !bytes.isEmpty else { throw .noSuchFile }
  try line.send(
    [CompanionLine.done] + bytes.prefix(maximumLength + 1), until: .after(seconds: 1))
  return 0
}
