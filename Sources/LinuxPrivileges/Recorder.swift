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

  /// Runs `body` as root without any capability, in a session of its own, so that the caller can
  /// neither stop it nor send it a signal while it holds the table's lock.
  ///
  /// Neither can this process, whose ids are the caller's. So there are two: a guard, which waits
  /// for the line that it shares with this process to be cut, by this process's end or by its giving
  /// up, and then kills the one that does the work. Any user may hold the lock for ever
  /// (flock(2) needs no right to write), so this happens.
  private func runRecorder(
    _ patience: Patience, _ body: () throws(Errno) -> Void
  ) throws(Errno) {
    var line = try PacketSocket.pair()
    guard let far = line.second?.descriptor.rawValue else { throw .badFileDescriptor }
    let guardian = try ChildProcess.fork(keeping: [far]) {
      do throws(Errno) {
        try becomeRecorder()
        return try guarded(byLine: far, until: patience.deadline, body)
      } catch {
        return error.rawValue
      }
    }
    line.second = nil
    let status: Int32
    do throws(Errno) {
      status = try patience.status(of: guardian)
    } catch {
      // Cutting the line ends the work; what was finished in this moment counts.
      line.first = nil
      guard try Patience(cleaningUpUntil: .after(seconds: 5)).status(of: guardian) == 0 else {
        throw error
      }
      return
    }
    guard status == 0 else { throw Errno(rawValue: status) }
  }
}

/// Takes root's ids, which are the saved ones, and gives up every capability.
private func becomeRecorder() throws(Errno) {
  let root = IdentityTriple(real: 0, effective: 0, saved: 0)
  try setIdentities(users: root, groups: root)
  try setCapabilities(permitted: [], effective: [])
  try sealProcess()
  _ = setsid()
}

/// Runs `body` in a child that is killed when the line is cut or the time is over.
private func guarded(
  byLine line: Int32, until deadline: Deadline, _ body: () throws(Errno) -> Void
) throws(Errno) -> Int32 {
  let worker = try ChildProcess.fork(keeping: []) {
    do throws(Errno) {
      try body()
      return 0
    } catch {
      return error.rawValue
    }
  }
  let ready = try wait(for: [worker.descriptor.rawValue, line], until: deadline)
  if ready[0], case .exited(let status) = try worker.reap() { return status }
  worker.killAndReap()
  return (ready[1] ? Errno.canceled : .timedOut).rawValue
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
