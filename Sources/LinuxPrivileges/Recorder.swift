// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLibmount
internal import CLinux
public import LinuxPrimitives
public import MountHelper
public import MountPolicy

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`.
  ///
  /// The caller's name is looked up first, in a child that has nothing but the caller's ids, because
  /// a lookup may load any library and speak with any daemon (nsswitch.conf(5)).
  public mutating func record(
    _ record: MountRecord, namesCaller: Bool, caller: Caller, patience: Patience
  ) throws(Errno) {
    var words = record.words
    if namesCaller {
      words.append(Array("user=".utf8) + (try lookUpName(of: caller, patience: patience)))
    }
    var options: [UInt8] = []
    for word in words { options += (options.isEmpty ? [] : [UInt8(ascii: ",")]) + word }
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

  /// Runs `body` as root without any capability, in a session of its own, so that the caller can
  /// neither stop it nor send it a signal while it holds the table's lock.
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
        _ = setsid()
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

/// libmount returns 0, a negative error number, or 1 for "nothing to do".
private func check(_ result: Int32) throws(Errno) {
  guard result == 0 else { throw Errno(rawValue: result < 0 ? -result : EINVAL) }
}
