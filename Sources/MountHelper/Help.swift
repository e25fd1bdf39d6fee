// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// What `--help` prints; man/fuservicemount3.8 says the same at length.
let helpText = text(
  """
  Usage:
    fuservicemount3 [SOURCE] MOUNTPOINT -t TYPE [-o OPTIONS]... [SERVER OPTIONS]
    fuservicemount3 -t TYPE --check [--verbose]
    fuservicemount3 --list [--json]
    mount.fuse.TYPE SOURCE MOUNTPOINT [-sfnv] [-o OPTIONS] [-t TYPE]

  Mounts a FUSE file system whose server runs contained, as a service without
  privilege that sees nothing but the files named on the command line.

    SOURCE            image, device or whatever else the file system is made of
    MOUNTPOINT        directory or file to mount on
    -t TYPE           file system type: X, fuse.X or fuseblk.X
    -o OPTIONS        mount options, comma-separated; ro, noexec, nosuid, nodev
                      and the like are enforced, the rest is the server's
    --timeout SECONDS how long each step may take: finding the mount point and
                      the files that root names, and each answer of the service
                      (default 300; 90 for the connection, 90 for its first
                      answer). All together may take twelve times as long. In
                      fstab: fuse-service.timeout=SECONDS among the options
    --check           say by the exit status whether you can use the service for
                      TYPE; with --verbose in words, too, and why not
    --list            show the types that have a service, whether you may use
                      each, and its socket; with --json for scripts
    --verbose         tell each step, and how long it took
    --help, --version

  Everything else travels to the server.

  Exit status: 0 mounted, 1 not mounted, 2 there is no service for TYPE.

  Example:
    fuservicemount3 disk.img ~/mnt -t singlefilefs -o ro
  """)
