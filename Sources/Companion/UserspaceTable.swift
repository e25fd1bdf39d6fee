// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLibmount
internal import CLinux
internal import LinuxPrimitives
internal import MountPolicy

private let directory: StaticString = "/run/mount"
private let tablePath: StaticString = "/run/mount/utab"
private let lockPath: StaticString = "/run/mount/utab.lock"

/// What is needed for no longer than a change takes lies in a directory that only root may enter:
/// libmount's own lock, and the table as it was before.
private let privateDirectory: StaticString = "/run/mount/.fuservicemount3"
private let privateTable: StaticString = "/run/mount/.fuservicemount3/utab"
private let privateLock: StaticString = "/run/mount/.fuservicemount3/utab.lock"
private let formerTable: StaticString = "/run/mount/.fuservicemount3/before"

/// Far more than a machine can have, in bytes.
private let maximumSize = 16 << 20

/// The userspace mount table (`/run/mount/utab`), locked for as long as this value lives, with
/// libmount to write it.
///
/// libmount locks the table for each change alone, by flock(2) of `utab.lock`, which any user may do
/// as well: then an entry could not be taken back when attaching its mount fails. So the lock is
/// taken here, once for all changes, and libmount is given another one to lock (`mnt_update_table`
/// takes it as an argument), which nobody else can reach.
///
/// libmount takes a table that it cannot read for an empty one, and writes that; one that it cannot
/// open it leaves alone, and calls that done. So this looks before and after, and keeps the file that
/// was there, under another name, to put it back: libmount never writes into it, but renames a new one
/// over it.
struct UserspaceTable: ~Copyable {
  private let lock: FileDescriptor
  /// Whether there was a table before the change.
  private var wasThere = false

  /// Waits for the lock, perhaps for ever.
  ///
  /// The corresponding system calls are `open(2)` and `flock(2)`.
  init() throws(Errno) {
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
    self.lock = lock
  }

  /// Adds an entry. Then `takeBack` or `keep` has to follow; when this fails, the table is as it was.
  ///
  /// - Throws: `EOPNOTSUPP` when libmount keeps another table here.
  mutating func add(_ record: MountRecord) throws(Errno) {
    let options = Array(record.words.joined(separator: CollectionOfOne(UInt8(ascii: ","))))
    // The library's objects live until this process ends, which is soon; it copies every string that
    // it is given, and each is terminated and lives through its call.
    guard let entry = unsafe mnt_new_fs(), let update = unsafe mnt_new_update() else {
      throw .noMemory
    }
    try check(
      unsafe try CString(record.source).withPointer { unsafe mnt_fs_set_source(entry, $0) })
    try check(
      unsafe try CString(record.target).withPointer { unsafe mnt_fs_set_target(entry, $0) })
    try check(unsafe try CString(record.type).withPointer { unsafe mnt_fs_set_fstype(entry, $0) })
    try check(unsafe try CString(options).withPointer { unsafe mnt_fs_set_options(entry, $0) })
    // 1 means that there is nothing to record, which is an error here: there is.
    try check(unsafe mnt_update_set_fs(update, 0, nil, entry))
    // Before 2.39 libmount may have been built to keep a regular /etc/mtab, which has another lock.
    // The name is the object's, terminated, or null.
    guard let name = unsafe mnt_update_get_filename(update),
      unsafe bytes(ofCString: name) == Array("\(tablePath)".utf8)
    else { throw .notSupported }
    let entries = try preserve()
    do throws(Errno) {
      // The object is the library's own and lives until this process ends.
      try unsafe write(update)
      guard try numberOfEntries() == entries + 1 else { throw .inputOutput }
    } catch {
      try takeBack()
      throw error
    }
  }

  /// Puts the table back that was there before the entry.
  ///
  /// The corresponding system calls are `rename(2)` and `unlink(2)`.
  mutating func takeBack() throws(Errno) {
    let table = CString(tablePath)
    let before = CString(formerTable)
    func putBack() -> Bool {
      // Both names are the program's own. Where libmount has not written, both are one file, which
      // rename(2) leaves alone.
      if wasThere {
        return unsafe before.withPointer { from in
          unsafe table.withPointer { unsafe rename(from, $0) }
        } == 0
      }
      return unsafe table.withPointer { unsafe unlink($0) } == 0 || Errno.last == .noSuchFile
    }
    // A machine that fails once is no reason to leave something behind.
    guard putBack() || putBack() else { throw .last }
    keep()
  }

  /// Lets the table stand as it is, and forgets what was there before.
  borrowing func keep() {
    // All names are the program's own.
    _ = unsafe CString(formerTable).withPointer { unsafe unlink($0) }
    _ = unsafe CString(privateDirectory).withPointer { unsafe rmdir($0) }
  }

  /// Keeps what is there under another name as well, and returns the number of its entries.
  ///
  /// The corresponding system call is `link(2)`.
  private mutating func preserve() throws(Errno) -> Int {
    // Whoever is here has the table's lock, so one name is enough, and a directory that a killed
    // process has left is as good. All names are the program's own.
    if unsafe CString(privateDirectory).withPointer({ unsafe mkdir($0, 0o700) }) != 0,
      Errno.last != .fileExists
    {
      throw .last
    }
    let before = CString(formerTable)
    do throws(Errno) {
      _ = unsafe before.withPointer { unsafe unlink($0) }
      let linked = unsafe CString(tablePath).withPointer { table in
        unsafe before.withPointer { unsafe link(table, $0) }
      }
      guard linked == 0 || Errno.last == .noSuchFile else { throw .last }
      wasThere = linked == 0
      let entries = try numberOfEntries()
      // Both have to say the same of whether there is a table; taking back relies on it.
      guard (entries != nil) == wasThere else { throw .inputOutput }
      return entries ?? 0
    } catch {
      keep()
      throw error
    }
  }

  /// How many entries the table has, or `nil` where there is no table.
  private borrowing func numberOfEntries() throws(Errno) -> Int? {
    let content: [UInt8]
    do throws(Errno) {
      let file = try openFile(Array("\(tablePath)".utf8), [.noFollow, .nonblocking])
      content = try file.readToEnd(limit: maximumSize)
    } catch {
      guard error == .noSuchFile else { throw error }
      return nil
    }
    return UserspaceTableContent.numberOfEntries(content)
  }

  /// Has libmount write the table.
  private borrowing func write(_ update: OpaquePointer) throws(Errno) {
    defer {
      // The name is the program's own.
      _ = unsafe CString(privateLock).withPointer { unsafe unlink($0) }
    }
    // libmount copies the name; it locks the one with ".lock" behind it.
    guard let lock = unsafe CString(privateTable).withPointer({ unsafe mnt_new_lock($0, 0) })
    else { throw .noMemory }
    // Both objects are the library's own.
    try check(unsafe mnt_update_table(update, lock))
  }
}

/// libmount returns 0, a negative error number, or 1 for "nothing to do". Its own numbers begin at
/// 5000; the one that it has for a lock that it cannot take is the only one to be met here.
private func check(_ result: Int32) throws(Errno) {
  guard result != 0 else { return }
  throw Errno(rawValue: result > 0 ? EINVAL : result > -4096 ? -result : EAGAIN)
}
