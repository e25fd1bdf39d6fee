// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLibmount
internal import CLinux
internal import LinuxPrimitives
internal import MountHelper

private let directory: StaticString = "/run/mount"
private let lockPath: StaticString = "/run/mount/utab.lock"

/// The userspace mount table (`/run/mount/utab`), locked for as long as this value lives, with
/// libmount to write it.
///
/// libmount locks the table for each change alone, by flock(2) of `utab.lock`, which any user may do
/// as well: then an entry could not be taken back when attaching its mount fails. So the lock is
/// taken here, once for all changes, and libmount is given another one to lock (`mnt_update_table`
/// takes it as an argument), which nobody else can reach.
struct UserspaceTable: ~Copyable {
  private let library: clibmount
  private let lock: FileDescriptor

  /// Loads libmount, and waits for the lock, perhaps for ever.
  ///
  /// The corresponding system calls are `open(2)` and `flock(2)`.
  init() throws(Errno) {
    var library = clibmount()
    // The shim fills in every function or fails.
    guard unsafe clibmount_load(&library) == 0 else { throw .noSuchFile }
    // libmount does not make the directory. That it is there already is the usual case; the name is
    // terminated and lives through the call.
    _ = unsafe CString(directory).withPointer { unsafe mkdir($0, 0o755) }
    // As libmount opens it. A name of the program's own, in a directory that only root may write to.
    let number = unsafe CString(lockPath).withPointer {
      unsafe clinux_open($0, O_RDONLY | O_CREAT | O_CLOEXEC, 0o644)
    }
    guard number >= 0 else { throw .last }
    let lock = FileDescriptor(owning: number)
    while clinux_lock(number) != 0 {
      let error = Errno.last
      guard error == .interrupted || error == .resourceTemporarilyUnavailable else { throw error }
    }
    self.library = library
    self.lock = lock
  }

  /// Adds an entry.
  borrowing func add(_ record: MountRecord, options: [UInt8]) throws(Errno) {
    // The library's objects live until this process ends, which is soon; it copies every string that
    // it is given, and each is terminated and lives through its call.
    guard let entry = library.new_fs(), let update = library.new_update() else { throw .noMemory }
    try check(
      unsafe try CString(record.source).withPointer { unsafe library.set_source(entry, $0) })
    try check(
      unsafe try CString(record.target).withPointer { unsafe library.set_target(entry, $0) })
    try check(unsafe try CString(record.type).withPointer { unsafe library.set_type(entry, $0) })
    try check(unsafe try CString(options).withPointer { unsafe library.set_options(entry, $0) })
    // 1 means that there is nothing to record, which is an error here: there is.
    try check(unsafe library.update_set_fs(update, 0, nil, entry))
    // The object is the library's own and lives until this process ends.
    try unsafe write(update)
  }

  /// Takes the last entry of a target out, if there is one.
  borrowing func remove(target: [UInt8]) throws(Errno) {
    guard let update = library.new_update() else { throw .noMemory }
    // The string is terminated and lives through the call.
    let result = unsafe try withCString(target) {
      unsafe library.update_set_fs(update, 0, $0, nil)
    }
    if result == 1 { return }
    try check(result)
    // The object is the library's own and lives until this process ends.
    try unsafe write(update)
  }

  /// Has libmount write the table. Its own lock lies in a directory that is there for no longer than
  /// that, and that only root may enter.
  private borrowing func write(_ update: OpaquePointer) throws(Errno) {
    let place = Array("\(directory)/.fuservicemount3".utf8)
    let name = try CString(place)
    let file = try CString(place + Array("/utab".utf8))
    let lockFile = try CString(place + Array("/utab.lock".utf8))
    // All names are terminated and live through their calls. Whoever is here has the table's lock, so
    // one name is enough, and a directory that a killed process has left is as good.
    if unsafe name.withPointer({ unsafe mkdir($0, 0o700) }) != 0, Errno.last != .fileExists {
      throw .last
    }
    defer {
      _ = unsafe lockFile.withPointer { unsafe unlink($0) }
      _ = unsafe name.withPointer { unsafe rmdir($0) }
    }
    guard let lock = unsafe file.withPointer({ unsafe library.new_lock($0, 0) }) else {
      throw .noMemory
    }
    // Both objects are the library's own, made above.
    try check(unsafe library.update_table(update, lock))
  }
}

/// libmount returns 0, a negative error number, or 1 for "nothing to do". Its own numbers begin at
/// 5000; the one that it has for a lock that it cannot take is the only one to be met here.
private func check(_ result: Int32) throws(Errno) {
  guard result != 0 else { return }
  throw Errno(rawValue: result > 0 ? EINVAL : result > -4096 ? -result : EAGAIN)
}
