// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLibfuse3
internal import CLinux
internal import LinuxPrimitives

// What the kernel asks, answered. libfuse calls these from several threads; every one of them gets
// a request that is answered exactly once. The served file is what FuseSession gave libfuse as user
// data, and outlives the session.
//
// What is missing is answered by libfuse with ENOSYS, which the kernel takes as it should: it asks
// no more for flush (there is nothing that only a close would write), fsyncdir, access, or opendir;
// and there are no extended attributes, locks, or holes to punch. What would change the directory
// is refused with EPERM, because ENOSYS would read as a fault.

/// The table of operations.
func operations() -> fuse_lowlevel_ops {
  // Only pointers to functions go in here.
  var table = fuse_lowlevel_ops()
  unsafe table.`init` = { unsafe initialize($0, $1) }
  unsafe table.lookup = { unsafe lookUp($0, $1, $2) }
  unsafe table.getattr = { request, inode, _ in unsafe replyAttributes(request, inode) }
  unsafe table.setattr = { request, inode, attributes, mask, _ in
    unsafe setAttributes(request, inode, attributes, mask)
  }
  unsafe table.open = { unsafe open($0, $1, $2) }
  unsafe table.read = { request, inode, size, offset, _ in
    unsafe read(request, inode, size, offset)
  }
  unsafe table.write_buf = { request, inode, data, offset, _ in
    unsafe write(request, inode, data, offset)
  }
  unsafe table.fsync = { request, inode, dataOnly, _ in
    unsafe synchronize(request, inode, dataOnly: dataOnly != 0)
  }
  unsafe table.statfs = { request, _ in unsafe replyFileSystem(request) }
  unsafe table.readdir = { request, inode, size, offset, _ in
    unsafe readDirectory(request, inode, size, offset)
  }
  refuseDirectoryChanges(&table)
  unsafe clibfuse_set_statx(&table) { request, inode, _, _, _ in
    unsafe replyExtendedAttributes(request, inode)
  }
  return table
}

/// The directory holds what it holds.
private func refuseDirectoryChanges(_ table: inout fuse_lowlevel_ops) {
  unsafe table.mknod = { request, _, _, _, _ in unsafe refuse(request) }
  unsafe table.mkdir = { request, _, _, _ in unsafe refuse(request) }
  unsafe table.unlink = { request, _, _ in unsafe refuse(request) }
  unsafe table.rmdir = { request, _, _ in unsafe refuse(request) }
  unsafe table.symlink = { request, _, _, _ in unsafe refuse(request) }
  unsafe table.rename = { request, _, _, _, _, _ in unsafe refuse(request) }
  unsafe table.link = { request, _, _, _ in unsafe refuse(request) }
}

private func refuse(_ request: fuse_req_t?) {
  unsafe fuse_reply_err(request, EPERM)
}

/// The served file behind a request.
private func served(_ request: fuse_req_t?) -> UnsafeMutablePointer<ServedFile> {
  // FuseSession gave this pointer and keeps it valid until the session is gone.
  unsafe fuse_req_userdata(request).assumingMemoryBound(to: ServedFile.self)
}

/// Who asks.
private func asker(_ request: fuse_req_t?) -> fuse_ctx {
  // The context lives as long as the request, and is copied.
  unsafe fuse_req_ctx(request).pointee
}

private func initialize(
  _ userData: UnsafeMutableRawPointer?, _ connection: UnsafeMutablePointer<fuse_conn_info>?
) {
  guard let userData = unsafe userData, let connection = unsafe connection else { return }
  let file = unsafe userData.assumingMemoryBound(to: ServedFile.self)
  // Without them fuse_reply_data and write_buf copy through memory.
  unsafe clibfuse_want(connection, clibfuse_CAP_SPLICE_READ)
  unsafe clibfuse_want(connection, clibfuse_CAP_SPLICE_WRITE)
  unsafe clibfuse_want(connection, clibfuse_CAP_SPLICE_MOVE)
  // A write and its header have to fit into a pipe of the size that every user may have (1 MiB,
  // pipe(7)), or libfuse reads it into memory.
  unsafe connection.pointee.max_write = min(connection.pointee.max_write, 512 << 10)
  if unsafe !file.pointee.isReadOnly {
    // The kernel would drop all that it cached whenever the image's time of change moves, which it
    // does by this mount's own writes.
    unsafe clibfuse_do_not_want(connection, clibfuse_CAP_AUTO_INVAL_DATA)
  }
  if unsafe file.pointee.maxRead > 0 {
    unsafe connection.pointee.max_read = file.pointee.maxRead
  }
}

private func lookUp(_ request: fuse_req_t?, _ parent: fuse_ino_t, _ name: UnsafePointer<CChar>?) {
  let file = unsafe served(request)
  // Both names are terminated strings.
  guard parent == ServedFile.root, let name = unsafe name,
    unsafe strcmp(name, file.pointee.name.pointer) == 0,
    let attributes = unsafe file.pointee.attributes(
      of: ServedFile.inode, askedBy: asker(request))
  else {
    unsafe fuse_reply_err(request, ENOENT)
    return
  }
  var entry = fuse_entry_param()
  entry.ino = ServedFile.inode
  entry.attr = attributes
  entry.attr_timeout = ServedFile.attributeTimeout
  entry.entry_timeout = ServedFile.nameTimeout
  unsafe fuse_reply_entry(request, &entry)
}

private func replyAttributes(_ request: fuse_req_t?, _ inode: fuse_ino_t) {
  let file = unsafe served(request)
  guard var attributes = unsafe file.pointee.attributes(of: inode, askedBy: asker(request)) else {
    unsafe fuse_reply_err(request, ENOENT)
    return
  }
  unsafe fuse_reply_attr(request, &attributes, ServedFile.attributeTimeout)
}

private func replyExtendedAttributes(_ request: fuse_req_t?, _ inode: fuse_ino_t) {
  let file = unsafe served(request)
  guard var attributes = unsafe file.pointee.attributes(of: inode, askedBy: asker(request)) else {
    unsafe fuse_reply_err(request, ENOENT)
    return
  }
  let image = unsafe inode == ServedFile.inode ? file.pointee.descriptor.rawValue : -1
  unsafe clibfuse_reply_statx(request, &attributes, image, ServedFile.attributeTimeout)
}

/// The size, the owner and the permissions are fixed: EPERM. Setting the size that it has succeeds,
/// and so does setting times, which are the image's own and stay as they are.
private func setAttributes(
  _ request: fuse_req_t?, _ inode: fuse_ino_t, _ attributes: UnsafeMutablePointer<stat>?,
  _ mask: Int32
) {
  let file = unsafe served(request)
  let fixed = clibfuse_SET_ATTR_MODE | clibfuse_SET_ATTR_UID | clibfuse_SET_ATTR_GID
  let changesSize =
    unsafe mask & clibfuse_SET_ATTR_SIZE != 0
    && attributes?.pointee.st_size != off_t(file.pointee.geometry.size)
  if inode != ServedFile.inode || mask & fixed != 0 || changesSize {
    unsafe fuse_reply_err(request, EPERM)
  } else if unsafe file.pointee.isReadOnly {
    unsafe fuse_reply_err(request, EROFS)
  } else {
    unsafe replyAttributes(request, inode)
  }
}

private func open(
  _ request: fuse_req_t?, _ inode: fuse_ino_t, _ info: UnsafeMutablePointer<fuse_file_info>?
) {
  let file = unsafe served(request)
  guard let info = unsafe info else {
    unsafe fuse_reply_err(request, EIO)
    return
  }
  let flags = unsafe info.pointee.flags
  if inode != ServedFile.inode {
    unsafe fuse_reply_err(request, EISDIR)
  } else if unsafe flags & O_ACCMODE != O_RDONLY && file.pointee.isReadOnly {
    unsafe fuse_reply_err(request, EROFS)
  } else if flags & O_TRUNC != 0 {
    // The kernel leaves truncating to the open (FUSE_CAP_ATOMIC_O_TRUNC), and the size is fixed.
    unsafe fuse_reply_err(request, EPERM)
  } else if unsafe flags & O_DIRECT != 0 && !file.pointee.allowsDirectIO {
    unsafe fuse_reply_err(request, EINVAL)
  } else {
    unsafe fuse_reply_open(request, info)
  }
}

private func read(_ request: fuse_req_t?, _ inode: fuse_ino_t, _ size: Int, _ offset: off_t) {
  let file = unsafe served(request)
  guard inode == ServedFile.inode else {
    unsafe fuse_reply_err(request, EISDIR)
    return
  }
  let count = unsafe file.pointee.geometry.available(size, at: Int64(offset))
  guard count > 0 else {
    unsafe fuse_reply_buf(request, nil, 0)
    return
  }
  // The pages go from the image to the kernel's side of the mount by splice(2), if it can be had.
  var data = unsafe clibfuse_file_buffer(file.pointee.descriptor.rawValue, offset, count)
  unsafe clibfuse_reply_moved(request, &data)
}

/// Writes up to the end; at the end or behind it there is no room: ENOSPC, as on a block device.
private func write(
  _ request: fuse_req_t?, _ inode: fuse_ino_t, _ data: UnsafeMutablePointer<fuse_bufvec>?,
  _ offset: off_t
) {
  let file = unsafe served(request)
  guard inode == ServedFile.inode, let data = unsafe data else {
    unsafe fuse_reply_err(request, EISDIR)
    return
  }
  guard unsafe !file.pointee.isReadOnly else {
    unsafe fuse_reply_err(request, EROFS)
    return
  }
  let size = unsafe fuse_buf_size(data)
  let count = unsafe file.pointee.geometry.available(size, at: Int64(offset))
  guard count > 0 || size == 0 else {
    unsafe fuse_reply_err(request, ENOSPC)
    return
  }
  let image = unsafe file.pointee.descriptor.rawValue
  var target = clibfuse_file_buffer(image, offset, count)
  // fuse_buf_copy copies as much as the smaller of the two holds.
  let written = unsafe clibfuse_copy(&target, data)
  if written < 0 {
    unsafe fuse_reply_err(request, Int32(-written))
  } else if unsafe file.pointee.isSynchronous && fdatasync(image) != 0 {
    unsafe fuse_reply_err(request, clibfuse_errno())
  } else {
    unsafe fuse_reply_write(request, written)
  }
}

private func synchronize(_ request: fuse_req_t?, _ inode: fuse_ino_t, dataOnly: Bool) {
  let file = unsafe served(request)
  let image = unsafe file.pointee.descriptor.rawValue
  let result = unsafe file.pointee.isReadOnly ? 0 : dataOnly ? fdatasync(image) : fsync(image)
  unsafe fuse_reply_err(request, result == 0 ? 0 : clibfuse_errno())
}

private func replyFileSystem(_ request: fuse_req_t?) {
  let file = unsafe served(request)
  var status = statvfs()
  unsafe status.f_bsize = UInt(file.pointee.geometry.blockSize)
  status.f_frsize = status.f_bsize
  unsafe status.f_blocks = fsblkcnt_t(file.pointee.geometry.blocks)
  status.f_files = 2
  status.f_namemax = 255
  unsafe fuse_reply_statfs(request, &status)
}

private func readDirectory(
  _ request: fuse_req_t?, _ inode: fuse_ino_t, _ size: Int, _ offset: off_t
) {
  let file = unsafe served(request)
  guard inode == ServedFile.root else {
    unsafe fuse_reply_err(request, ENOTDIR)
    return
  }
  // Three short entries fit into any buffer the kernel offers, but it may begin behind any of them.
  let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
  defer { unsafe buffer.deallocate() }
  var used = 0
  var next = max(0, Int64(offset))
  while next < 3 {
    var attributes = stat()
    attributes.st_ino = ino_t(next == 2 ? ServedFile.inode : ServedFile.root)
    attributes.st_mode = mode_t(next == 2 ? S_IFREG : S_IFDIR)
    let length = unsafe withEntryName(next, file) { name in
      // Writes the entry if it fits in what is left, and tells its length in any case.
      unsafe fuse_add_direntry(
        request, buffer + used, size - used, name, &attributes, off_t(next + 1))
    }
    guard length <= size - used else { break }
    used += length
    next += 1
  }
  unsafe fuse_reply_buf(request, buffer, used)
}

private func withEntryName(
  _ number: Int64, _ file: UnsafeMutablePointer<ServedFile>,
  _ body: (UnsafePointer<CChar>) -> Int
) -> Int {
  switch number {
  case 0: return unsafe ".".withCString(body)
  case 1: return unsafe "..".withCString(body)
  default: return unsafe body(file.pointee.name.pointer)
  }
}
