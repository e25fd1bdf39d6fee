// SPDX-License-Identifier: LGPL-2.1-or-later

// What real peers sent: libfuse 3.19.0-rc0, its helper fuservicemount3 (installed setuid root) and its
// example servers service_ll and null, all unchanged, on Linux on x86_64.
//
// Recorded packet by packet by a relay between the helper's socket and the server's, which forwards
// bytes and descriptors as they are; the server was started by
// `systemd-socket-activate --accept --seqpacket -l SOCKET SERVER`, the helper by the command line
// that stands with each session. `/srv/disk.img` was root's, mode 0644; everything under `/home`
// belonged to user 1000. /dev/fuse had mode 0666.
//
// SAYS, IOMA and the request flags QUIET and LOOP are not here, because no released peer sends them.

import Testing

/// The packets of one session between libfuse's helper and one of its servers, in order.
struct RecordedSession: Sendable, CustomTestStringConvertible {
  /// What the session is about.
  let testDescription: String
  /// Who ran the helper, and how.
  let commandLine: String
  /// One packet a line as hexadecimal words after its sender, `+fd` when a descriptor rode along;
  /// lines that begin with a space go on; `argv` is the content of the first descriptor.
  let record: String
}

extension RecordedSession {
  static let rootReadOnly = RecordedSession(
    testDescription: "root mounts read-only with every kind of option",
    commandLine: "root: fuservicemount3 /srv/disk.img /mnt/data -t fuse.service_ll -o "
      + "ro,allow_other,default_permissions,max_read=65536,x-wire=1",
    record: """
      helper    53414654 00010001 00000003
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000b 0000004b 0000000e 00000059 0000000a 00000063
                00000003 00000066 0000003b 00000000 00000000 00000000 00000000 73657276 6963655f
                6c6c002f 7372762f 6469736b 2e696d67 002f6d6e 742f6461 7461002d 6f00726f 2c616c6c
                6f775f6f 74686572 2c646566 61756c74 5f706572 6d697373 696f6e73 2c6d6178 5f726561
                643d3635 3533362c 782d7769 72653d31 00
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000080 00000000 00000000 00000000 2f737276 2f646973 6b2e696d 6700
      helper+fd 46494c45 00000000 2f737276 2f646973 6b2e696d 6700
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 73657276 6963655f 6c6c00
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f6d6e74 2f646174 6100
      helper    5245504c 00000000
      server    4f505453 616c6c6f 775f6f74 6865722c 64656661 756c745f 7065726d 69737369 6f6e732c
                6d61785f 72656164 3d363535 333600
      helper    5245504c 00000000
      server    4d544142 782d7769 72653d31 00
      helper    5245504c 00000000
      server    444f4954 00000007
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let rootUserspaceOptions = RecordedSession(
    testDescription: "root names a source and an option for the mount table",
    commandLine: "root: fuservicemount3 /srv/disk.img /mnt/data -t service_ll -o "
      + "user=root,fsname=disk.img,noexec,noatime",
    record: """
      helper    53414654 00010001 00000003
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000b 0000004b 0000000e 00000059 0000000a 00000063
                00000003 00000066 00000029 00000000 00000000 00000000 00000000 73657276 6963655f
                6c6c002f 7372762f 6469736b 2e696d67 002f6d6e 742f6461 7461002d 6f007573 65723d72
                6f6f742c 66736e61 6d653d64 69736b2e 696d672c 6e6f6578 65632c6e 6f617469 6d6500
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000082 00000000 00000000 00000000 2f737276 2f646973 6b2e696d 6700
      helper+fd 46494c45 00000000 2f737276 2f646973 6b2e696d 6700
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 6469736b 2e696d67 00
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f6d6e74 2f646174 6100
      helper    5245504c 00000000
      server    4d544142 75736572 3d726f6f 7400
      helper    5245504c 00000000
      server    444f4954 0000040e
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let rootBlockDevice = RecordedSession(
    testDescription: "root asks for fuseblk on a device that the server itself keeps busy",
    commandLine: "root: fuservicemount3 /dev/loop0 /mnt/data -t fuse.service_ll -o "
      + "require_bdev,blocksize=4096,blkdev,fsname=/dev/loop0",
    record: """
      helper    53414654 00010001 00000003
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000b 0000004b 0000000b 00000056 0000000a 00000060
                00000003 00000063 00000035 00000000 00000000 00000000 00000000 73657276 6963655f
                6c6c002f 6465762f 6c6f6f70 30002f6d 6e742f64 61746100 2d6f0072 65717569 72655f62
                6465762c 626c6f63 6b73697a 653d3430 39362c62 6c6b6465 762c6673 6e616d65 3d2f6465
                762f6c6f 6f703000
      helper+fd 46494c45 00000000 66757365 64657600
      server    42444556 00000082 00000000 00000000 00001000 2f646576 2f6c6f6f 703000
      helper+fd 46494c45 00000000 2f646576 2f6c6f6f 703000
      server    54595045 00000001
      helper    5245504c 00000000
      server    4e414d45 2f646576 2f6c6f6f 703000
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f6d6e74 2f646174 6100
      helper    5245504c 00000000
      server    444f4954 00000006
      helper    5245504c 00000010
      server    42594545 00000001
      """)

  static let rootNotBlockDevice = RecordedSession(
    testDescription: "a block device is required and the file is none",
    commandLine: "root: fuservicemount3 /srv/disk.img /mnt/data -t fuse.service_ll -o "
      + "require_bdev",
    record: """
      helper    53414654 00010001 00000003
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000b 0000004b 0000000e 00000059 0000000a 00000063
                00000003 00000066 0000000d 00000000 00000000 00000000 00000000 73657276 6963655f
                6c6c002f 7372762f 6469736b 2e696d67 002f6d6e 742f6461 7461002d 6f007265 71756972
                655f6264 657600
      helper+fd 46494c45 00000000 66757365 64657600
      server    42444556 00000082 00000000 00000000 00000000 2f737276 2f646973 6b2e696d 6700
      helper    46494c45 0000000f 2f737276 2f646973 6b2e696d 6700
      server    42594545 00000001
      """)

  static let userPlain = RecordedSession(
    testDescription: "a user mounts its own image",
    commandLine: "user 1000: fuservicemount3 /home/disk.img /home/mnt -t fuse.service_ll",
    record: """
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000003 00000030 0000000b 0000003b 0000000f 0000004a 0000000a 00000000
                00000000 00000000 00000000 73657276 6963655f 6c6c002f 686f6d65 2f646973 6b2e696d
                67002f68 6f6d652f 6d6e7400
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000082 00000000 00000000 00000000 2f686f6d 652f6469 736b2e69 6d6700
      helper+fd 46494c45 00000000 2f686f6d 652f6469 736b2e69 6d6700
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 73657276 6963655f 6c6c00
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f686f6d 652f6d6e 7400
      helper    5245504c 00000000
      server    444f4954 00000006
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let userReadOnlyRetry = RecordedSession(
    testDescription: "a user mounts an image that it may only read",
    commandLine: "user 1000: fuservicemount3 /srv/disk.img /home/mnt -t fuse.service_ll",
    record: """
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000003 00000030 0000000b 0000003b 0000000e 00000049 0000000a 00000000
                00000000 00000000 00000000 73657276 6963655f 6c6c002f 7372762f 6469736b 2e696d67
                002f686f 6d652f6d 6e7400
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000082 00000000 00000000 00000000 2f737276 2f646973 6b2e696d 6700
      helper    46494c45 0000000d 2f737276 2f646973 6b2e696d 6700
      server    4f50454e 00000080 00000000 00000000 00000000 2f737276 2f646973 6b2e696d 6700
      helper+fd 46494c45 00000000 2f737276 2f646973 6b2e696d 6700
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 73657276 6963655f 6c6c00
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f686f6d 652f6d6e 7400
      helper    5245504c 00000000
      server    444f4954 00000006
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let userAllowOther = RecordedSession(
    testDescription: "a user asks for allow_other and may not",
    commandLine: "user 1000: fuservicemount3 /home/disk.img /home/mnt -t fuse.service_ll -o "
      + "allow_other",
    record: """
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000b 0000004b 0000000f 0000005a 0000000a 00000064
                00000003 00000067 0000000c 00000000 00000000 00000000 00000000 73657276 6963655f
                6c6c002f 686f6d65 2f646973 6b2e696d 67002f68 6f6d652f 6d6e7400 2d6f0061 6c6c6f77
                5f6f7468 657200
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000082 00000000 00000000 00000000 2f686f6d 652f6469 736b2e69 6d6700
      helper+fd 46494c45 00000000 2f686f6d 652f6469 736b2e69 6d6700
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 73657276 6963655f 6c6c00
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f686f6d 652f6d6e 7400
      helper    5245504c 00000000
      server    4f505453 616c6c6f 775f6f74 68657200
      helper    5245504c 00000001
      server    42594545 00000001
      """)

  static let userFuseblk = RecordedSession(
    testDescription: "a user asks for fuseblk and may not",
    commandLine: "user 1000: fuservicemount3 /home/disk.img /home/mnt -t fuse.service_ll -o "
      + "blkdev,fsname=disk",
    record: """
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000b 0000004b 0000000f 0000005a 0000000a 00000064
                00000003 00000067 00000013 00000000 00000000 00000000 00000000 73657276 6963655f
                6c6c002f 686f6d65 2f646973 6b2e696d 67002f68 6f6d652f 6d6e7400 2d6f0062 6c6b6465
                762c6673 6e616d65 3d646973 6b00
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000082 00000000 00000000 00000000 2f686f6d 652f6469 736b2e69 6d6700
      helper+fd 46494c45 00000000 2f686f6d 652f6469 736b2e69 6d6700
      server    54595045 00000001
      helper    5245504c 00000001
      server    42594545 00000001
      """)

  static let userNoSuchFile = RecordedSession(
    testDescription: "the image does not exist",
    commandLine: "user 1000: fuservicemount3 /home/nothing.img /home/mnt -t fuse.service_ll",
    record: """
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000003 00000030 0000000b 0000003b 00000012 0000004d 0000000a 00000000
                00000000 00000000 00000000 73657276 6963655f 6c6c002f 686f6d65 2f6e6f74 68696e67
                2e696d67 002f686f 6d652f6d 6e7400
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000082 00000000 00000000 00000000 2f686f6d 652f6e6f 7468696e 672e696d
                6700
      helper    46494c45 00000002 2f686f6d 652f6e6f 7468696e 672e696d 6700
      server    42594545 00000001
      """)

  static let userNotDirectory = RecordedSession(
    testDescription: "the mount point is a file and the server wants a directory",
    commandLine: "user 1000: fuservicemount3 /home/disk.img /home/file -t fuse.service_ll",
    record: """
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000003 00000030 0000000b 0000003b 0000000f 0000004a 0000000b 00000000
                00000000 00000000 00000000 73657276 6963655f 6c6c002f 686f6d65 2f646973 6b2e696d
                67002f68 6f6d652f 66696c65 00
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000082 00000000 00000000 00000000 2f686f6d 652f6469 736b2e69 6d6700
      helper+fd 46494c45 00000000 2f686f6d 652f6469 736b2e69 6d6700
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 73657276 6963655f 6c6c00
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f686f6d 652f6669 6c6500
      helper    5245504c 00000014
      server    42594545 00000001
      """)

  static let userInvalidUTF8 = RecordedSession(
    testDescription: "the image has a name that is not UTF-8, and -o is empty",
    commandLine: "user 1000: fuservicemount3 $'/home/\\344.img' /home/mnt -t fuse.service_ll -o "
      + "''",
    record: """
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000b 0000004b 0000000c 00000057 0000000a 00000061
                00000003 00000064 00000001 00000000 00000000 00000000 00000000 73657276 6963655f
                6c6c002f 686f6d65 2fe42e69 6d67002f 686f6d65 2f6d6e74 002d6f00 00
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000082 00000000 00000000 00000000 2f686f6d 652fe42e 696d6700
      helper+fd 46494c45 00000000 2f686f6d 652fe42e 696d6700
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 73657276 6963655f 6c6c00
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f686f6d 652f6d6e 7400
      helper    5245504c 00000000
      server    444f4954 00000006
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let userFileMountPoint = RecordedSession(
    testDescription: "the mount point is a file, as the server wants",
    commandLine: "user 1000: fuservicemount3 /home/file -t fuse.null",
    record: """
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000002 00000028 00000005 0000002d 0000000b 00000000 00000000 00000000
                00000000 6e756c6c 002f686f 6d652f66 696c6500
      helper+fd 46494c45 00000000 66757365 64657600
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 6e756c6c 00
      helper    5245504c 00000000
      server    4d4e5450 80000000 2f686f6d 652f6669 6c6500
      helper    5245504c 00000000
      server    444f4954 00000006
      helper    5245504c 00000000
      server    42594545 00000000
      """)

}
