// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CServiceAdapter
internal import LinuxPrimitives

/// Has the kernel hold a mount back until FUSE_INIT is answered, so that DOIT succeeds only when the
/// server is up.
///
/// - Returns: whether the kernel does; before 6.18 none does.
///
/// The corresponding system call is `ioctl(2)` with `FUSE_DEV_IOC_SYNC_INIT`.
func waitForInit(on fuseDevice: borrowing FileDescriptor) -> Bool {
  service_wait_for_init(fuseDevice.rawValue) == 0
}

/// Answers FUSE_INIT in the place of a server that ended, so that a mount that waits for the answer
/// ends too.
///
/// The answer is that all is well: the mount is in no directory, and will not be put into one. With an
/// error the helper would tell the caller of a file system that could not be created, and nobody wants
/// to know that who is about to hear why. Where the server has read the request already its number is
/// known all the same: it is the connection's first, and numbers go up by two from two
/// (fs/fuse/dev.c).
///
/// The corresponding system calls are `read(2)` and `write(2)`.
func answerInit(on fuseDevice: borrowing FileDescriptor) {
  let isThere = try? wait(for: [fuseDevice.rawValue], until: .after(milliseconds: 0))
  // The kernel wants room for FUSE_MIN_READ_BUFFER, whatever there is to read.
  if isThere == [true] { _ = try? fuseDevice.read(8_192) }
  let answer = InitAnswer()
  let bytes = unsafe withUnsafeBytes(of: answer) { unsafe Array($0) }
  // Nothing waits for an answer yet, or any more.
  try? fuseDevice.write(bytes)
}

/// `struct fuse_out_header` and `struct fuse_init_out` of `<linux/fuse.h>`, for a server that can do
/// nothing.
private struct InitAnswer {
  let length = UInt32(MemoryLayout<InitAnswer>.size)
  let error: Int32 = 0
  let unique: UInt64 = 2
  let major: UInt32 = 7
  let minor: UInt32 = 31
  let maximumReadAhead: UInt32 = 0
  let flags: UInt32 = 0
  let maximumBackground: UInt16 = 1
  let congestionThreshold: UInt16 = 1
  let maximumWrite: UInt32 = 4_096
  let timeGranularity: UInt32 = 1
  let maximumPages: UInt16 = 1
  let mapAlignment: UInt16 = 0
  let moreFlags: UInt32 = 0
  // Seven more fields of 32 bits that say nothing.
  let unused: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0, 0, 0, 0)
}
