// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

/// The name of the user with this id.
///
/// A lookup may load any library and speak with any daemon (nsswitch.conf(5)), so only a process
/// without privilege may ask.
///
/// - Throws: `ENOENT` when the user database does not know the id.
///
/// The corresponding C function is `getpwuid(3)`.
public func userName(of userID: UInt32) throws(Errno) -> [UInt8] {
  // The entry is valid until the next lookup; its name is terminated and copied at once.
  guard let entry = unsafe getpwuid(userID), let name = unsafe entry.pointee.pw_name else {
    throw .noSuchFile
  }
  return unsafe bytes(ofCString: name)
}
