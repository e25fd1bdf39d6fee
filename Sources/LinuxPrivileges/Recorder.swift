// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLibmount
internal import CLinux
public import LinuxPrimitives
public import MountHelper

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`.
  public mutating func record(_ record: MountRecord, patience: Patience) throws(Errno) {
    var options: [UInt8] = []
    for word in record.words { options += (options.isEmpty ? [] : [UInt8(ascii: ",")]) + word }
    try runRecorder(patience) { () throws(Errno) in
      try addToTable(record, options: options)
    }
  }

  /// See `PrivilegedOperations`.
  public mutating func removeRecord(target: [UInt8], patience: Patience) throws(Errno) {
    try runRecorder(patience) { () throws(Errno) in
      try removeFromTable(target: target)
    }
  }

  /// Runs `body` as root without any capability. Any user may hold the table's lock for ever
  /// (flock(2) needs no right to write), so it is killed when patience is over.
  private func runRecorder(
    _ patience: Patience, _ body: () throws(Errno) -> Void
  ) throws(Errno) {
    let status = try patience.runInChild(keeping: []) {
      do throws(Errno) {
        let parent = parentProcess()
        let root = IdentityTriple(real: 0, effective: 0, saved: 0)
        try setIdentities(users: root, groups: root)
        try setCapabilities(permitted: [], effective: [])
        try sealProcess()
        dieWithParent(parent)
        try body()
        return 0
      } catch {
        return error.rawValue
      }
    }
    guard status == 0 else { throw Errno(rawValue: status) }
  }
}

/// The directory of utab; libmount does not make it.
private func makeTableDirectory() {
  // The name is terminated and lives through the call; that it is there already is the usual case.
  _ = unsafe CString("/run/mount").withPointer { unsafe mkdir($0, 0o755) }
}

/// Writes one entry, under libmount's lock.
private func addToTable(_ record: MountRecord, options: [UInt8]) throws(Errno) {
  let library = try loadLibrary()
  makeTableDirectory()
  // The library's objects live until this process ends, which is at once; it copies every string
  // that it is given, and each is terminated and lives through its call.
  guard let entry = library.new_fs(), let update = library.new_update() else { throw .noMemory }
  try check(unsafe try CString(record.source).withPointer { unsafe library.set_source(entry, $0) })
  try check(unsafe try CString(record.target).withPointer { unsafe library.set_target(entry, $0) })
  try check(unsafe try CString(record.type).withPointer { unsafe library.set_type(entry, $0) })
  try check(unsafe try CString(options).withPointer { unsafe library.set_options(entry, $0) })
  // 1 means that there is nothing to record, which is an error here: there is.
  try check(unsafe library.update_set_fs(update, 0, nil, entry))
  try check(unsafe library.update_table(update, nil))
}

/// Takes the entries of one target out, under libmount's lock.
private func removeFromTable(target: [UInt8]) throws(Errno) {
  let library = try loadLibrary()
  guard let update = library.new_update() else { throw .noMemory }
  // The string is terminated and lives through the call.
  let result = unsafe try withCString(target) { unsafe library.update_set_fs(update, 0, $0, nil) }
  if result == 1 { return }
  try check(result)
  try check(unsafe library.update_table(update, nil))
}

private func loadLibrary() throws(Errno) -> clibmount {
  var library = clibmount()
  // The shim fills in every function or fails.
  guard unsafe clibmount_load(&library) == 0 else { throw .noSuchFile }
  return library
}

/// libmount returns 0, a negative error number, or 1 for "nothing to do". Its own numbers begin at
/// 5000; the one that it has for a lock that it cannot take is the only one to be met here.
private func check(_ result: Int32) throws(Errno) {
  guard result != 0 else { return }
  throw Errno(rawValue: result > 0 ? EINVAL : result > -4096 ? -result : EAGAIN)
}
