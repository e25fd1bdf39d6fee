// SPDX-License-Identifier: LGPL-2.1-or-later

import MountProtocol

// Short words for what recorded packets say.

func open(
  _ path: String, _ flags: UInt32, _ requestFlags: OpenRequestFlags = []
) -> Command {
  .open(OpenRequest(path: Array(path.utf8), openFlags: flags, requestFlags: requestFlags))
}

func blockDevice(
  _ path: String, _ flags: UInt32, blockSize: UInt32, _ requestFlags: OpenRequestFlags = []
) -> Command {
  .openBlockDevice(
    OpenRequest(
      path: Array(path.utf8), openFlags: flags, requestFlags: requestFlags, blockSize: blockSize))
}

func source(_ name: String) -> Command { .source(Array(name.utf8)) }

func mountPoint(_ format: UInt16, _ path: String) -> Command {
  .mountPoint(expectedFormat: format, path: Array(path.utf8))
}

func file(_ path: String, _ error: ErrorNumber? = nil) -> Reply {
  .file(error: error, path: Array(path.utf8))
}

let done = Reply.simple(error: nil)
let directory: UInt16 = 0x4000
let regularFile: UInt16 = 0x8000
// O_EXCL with O_RDONLY and O_RDWR, and MS_NOSUID|MS_NODEV, as x86_64 has them.
let exclusiveRead: UInt32 = 0x80
let exclusiveReadWrite: UInt32 = 0x82
let nosuidNodev: UInt32 = 0x6
