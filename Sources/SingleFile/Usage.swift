// SPDX-License-Identifier: LGPL-2.1-or-later

internal import ServerSupport

/// The options in one line, for a caller who asked the service for help: it has no other way to
/// answer than its last words, which are 512 bytes at most.
var optionSummary: [UInt8] {
  text(
    "options: ro, rw, sync, nosync, dio, nodio, size=BYTES[K|M|G|T], blocksize=BYTES, require_bdev, "
      + "loop, name=FILE, fsname=NAME, allow_other, default_permissions, max_read=BYTES, nosuid, "
      + "nodev, noexec, dirsync, noatime, nodiratime, relatime, strictatime, nosymfollow, "
      + "x-*; -d -r -s")
}

/// The help for somebody who starts the program by hand.
var usage: [UInt8] {
  text(
    """
    singlefilefs shows a disk image or a block device as one file in a mount.

    It is a service: the service manager starts it for each connection to
    /run/filesystems/singlefilefs, and the mount helper connects it with a mount.
    To mount, run

        mount -t fuse.singlefilefs IMAGE MOUNTPOINT [-o OPTIONS]

    To try it without a service manager, as root:

        systemd-socket-activate --accept --seqpacket \\
            -l /run/filesystems/singlefilefs /usr/libexec/singlefilefs

    Options:
        ro, rw            never write to the image; write where that is permitted (default)
        sync, nosync      wait for the medium after every write; do not (default)
        dio, nodio        allow files to be opened with O_DIRECT (default); refuse it
        size=BYTES        show only the beginning of the image; K, M, G, T are powers of 1024
        blocksize=BYTES   report this block size, and set it with require_bdev; the size has to
                          be a multiple of it
        require_bdev      refuse what is not a block device
        loop              ask the helper to attach the image to a loop device, and show that: whole
                          sectors of 512 bytes; where it has none, the image itself, or nothing
                          with require_bdev. mount(8) keeps this word to itself; ask the helper:
                          fuservicemount3 IMAGE MOUNTPOINT -t fuse.singlefilefs -o loop
        name=FILE         the name of the file, by default "image"
        fsname=NAME       the source's name in the mount table, by default the image's
        allow_other       other users may use the mount, as the caller may
        default_permissions, max_read=BYTES, blkdev, blksize=BYTES, context=... and the
                          flags nosuid, nodev, noexec, dirsync, noatime, nodiratime, relatime,
                          strictatime, nosymfollow: as in mount.fuse3(8)
        -r -s -d          as ro; serve one request at a time; log every request

    Started by hand: --help prints this, --version the version.

    """)
}
