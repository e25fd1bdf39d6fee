// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

/// The address of a socket in the file system (unix(7)).
///
/// - Throws: `ENAMETOOLONG` when the path and its terminator do not fit.
func unixAddress(of path: [UInt8]) throws(Errno) -> sockaddr_un {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  let fits = unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
    guard path.count < room.count else { return false }
    // The name and its terminator, already zero, lie inside sun_path.
    unsafe room.copyBytes(from: path)
    return true
  }
  guard fits else { throw .nameTooLong }
  return address
}
