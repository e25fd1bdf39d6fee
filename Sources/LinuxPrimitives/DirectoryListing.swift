// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import Literals

/// The names in the directory at `path`, in the file system's order, without `.` and `..`.
///
/// - Throws: `ENOENT` when there is none, `ENOTDIR`, `EACCES`.
///
/// The corresponding C functions are `opendir(3)` and `readdir(3)`.
public func directoryEntries(_ path: [UInt8]) throws(Errno) -> [[UInt8]] {
  // The name is terminated and lives through the call; the stream is closed below, once.
  guard let stream = unsafe try withCString(path, { unsafe opendir($0) }) else { throw .last }
  defer { _ = unsafe closedir(stream) }
  var names: [[UInt8]] = []
  while true {
    // The end and an error look the same but for errno (readdir(3)).
    clinux_set_errno(0)
    guard let entry = unsafe readdir(stream) else {
      guard clinux_errno() == 0 else { throw .last }
      return names
    }
    // The entry is valid until the next call; its name is terminated and copied at once.
    let name = unsafe bytes(ofCString: clinux_entry_name(entry))
    if name != ".", name != ".." { names.append(name) }
  }
}
