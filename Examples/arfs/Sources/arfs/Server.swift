// SPDX-License-Identifier: LGPL-2.1-or-later

import CFuse
import Glibc
import LinuxPrimitives

/// What is served: a directory with the archive's members as files. Nothing in it changes, so all of
/// libfuse's threads could read it.
final class Server: Sendable {
  let archive: FileDescriptor
  let members: [Member]
  /// The number of each member in the mount: 1 is the directory, and the first member has 2.
  let inodes: [[UInt8]: fuse_ino_t]

  init(archive: consuming FileDescriptor, members: [Member]) {
    self.archive = archive
    self.members = members
    var inodes: [[UInt8]: fuse_ino_t] = [:]
    for (index, member) in members.enumerated() { inodes[member.name] = fuse_ino_t(index + 2) }
    self.inodes = inodes
  }

  /// The member with a number.
  func member(_ inode: fuse_ino_t) -> Member? {
    inode >= 2 && inode - 2 < members.count ? members[Int(inode - 2)] : nil
  }

  /// The attributes of a file, shown as the file of whoever asks: that is the mount's owner.
  func attributes(_ inode: fuse_ino_t, for asker: fuse_ctx) -> stat? {
    var result = stat()
    result.st_ino = ino_t(inode)
    result.st_uid = asker.uid
    result.st_gid = asker.gid
    if inode == 1 {
      result.st_mode = S_IFDIR | 0o555
      result.st_nlink = 2
      return result
    }
    guard let member = member(inode) else { return nil }
    result.st_mode = S_IFREG | 0o444
    result.st_nlink = 1
    result.st_size = Int(member.size)
    result.st_mtim.tv_sec = Int(member.changed)
    return result
  }

  /// Up to `count` bytes of a member; fewer at its end. `nil` when reading the archive fails.
  func content(of member: Member, at offset: Int64, count: Int) -> [UInt8]? {
    guard offset >= 0, offset < member.size else { return [] }
    let rest = Int(min(Int64(count), member.size - offset))
    return readBytes(archive.rawValue, at: member.offset + offset, count: rest)
  }
}

/// Reads up to `count` bytes at an offset; `nil` when that fails.
func readBytes(_ descriptor: Int32, at offset: Int64, count: Int) -> [UInt8]? {
  var length = 0
  let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
    length = pread(descriptor, buffer.baseAddress, count, Int(offset))
    initialized = max(0, length)
  }
  return length >= 0 ? bytes : nil
}

/// Serves the kernel on a descriptor of `/dev/fuse` that the helper has mounted, or will mount.
///
/// Everything that can fail is done here, before the mount. The session owns `device` and `server`
/// to the end of the process.
func makeSession(serving server: Server, on device: Int32) -> OpaquePointer? {
  var table = operations()
  guard let session = cfuse_session_new(&table, Unmanaged.passRetained(server).toOpaque()),
    fuse_session_mount(session, "/dev/fd/\(device)") == 0,
    fuse_set_signal_handlers(session) == 0
  else { return nil }
  return session
}

private func server(_ request: fuse_req_t?) -> Server {
  Unmanaged<Server>.fromOpaque(fuse_req_userdata(request)).takeUnretainedValue()
}

private func operations() -> fuse_lowlevel_ops {
  var table = fuse_lowlevel_ops()
  table.lookup = { request, parent, name in
    let server = server(request)
    guard parent == 1, let name,
      let inode = server.inodes[bytes(ofCString: name)],
      let attributes = server.attributes(inode, for: fuse_req_ctx(request).pointee)
    else {
      fuse_reply_err(request, ENOENT)
      return
    }
    var entry = fuse_entry_param()
    entry.ino = inode
    entry.attr = attributes
    entry.attr_timeout = 60
    entry.entry_timeout = 60
    fuse_reply_entry(request, &entry)
  }
  table.getattr = { request, inode, _ in
    guard
      var attributes = server(request).attributes(inode, for: fuse_req_ctx(request).pointee)
    else {
      fuse_reply_err(request, ENOENT)
      return
    }
    fuse_reply_attr(request, &attributes, 60)
  }
  table.read = { request, inode, count, offset, _ in
    let server = server(request)
    guard let member = server.member(inode),
      let content = server.content(of: member, at: Int64(offset), count: count)
    else {
      fuse_reply_err(request, EIO)
      return
    }
    content.withUnsafeBytes {
      _ = fuse_reply_buf(request, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
    }
  }
  table.readdir = { request, _, count, offset, _ in
    let server = server(request)
    var buffer = [CChar](repeating: 0, count: count)
    var used = 0
    // The offset of an entry is the number of the one behind it.
    var index = max(0, Int(offset))
    while index < server.members.count {
      var attributes = stat()
      attributes.st_ino = ino_t(index + 2)
      attributes.st_mode = S_IFREG
      let name = server.members[index].name + [0]
      index += 1
      let needed = name.withUnsafeBytes { name in
        buffer.withUnsafeMutableBufferPointer { buffer in
          fuse_add_direntry(
            request, buffer.baseAddress.map { $0 + used }, count - used,
            name.baseAddress?.assumingMemoryBound(to: CChar.self), &attributes, index)
        }
      }
      if needed > count - used { break }
      used += needed
    }
    fuse_reply_buf(request, buffer, used)
  }
  return table
}
