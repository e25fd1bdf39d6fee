// SPDX-License-Identifier: LGPL-2.1-or-later

// More of what real peers sent, recorded as the sessions of RecordedSessions.swift were, and with the
// same places: libfuse's helper and its servers service_ll, service_hl and null, of its main branch
// at 3.19.0-rc0; libfuse's mount.fuse3 in front of its helper; and singlefilefs of this project behind
// libfuse's helper. `/dev/loop0` belonged to the caller.
//
// `call` is the command line by which mount.fuse3 called the helper, each word with its NUL. SAYS is
// in one of them: singlefilefs sends it, and libfuse's helper ends the session.
//
// packaging/interop holds these conversations again, between the same programs of today, and compares
// each packet.

extension RecordedSession {
  static let highLevelRoot = RecordedSession(
    testDescription: "a server on the high-level interface, with options for the kernel",
    commandLine: "root: fuservicemount3 /srv/disk.img /mnt/data -t fuse.service_hl -o "
      + "allow_other,noexec",
    record: """
      helper    53414654 00010001 00000003
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000b 0000004b 0000000e 00000059 0000000a 00000063
                00000003 00000066 00000013 00000000 00000000 00000000 00000000 73657276 6963655f
                686c002f 7372762f 6469736b 2e696d67 002f6d6e 742f6461 7461002d 6f00616c 6c6f775f
                6f746865 722c6e6f 65786563 00
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000082 00000000 00000000 00000000 2f737276 2f646973 6b2e696d 6700
      helper+fd 46494c45 00000000 2f737276 2f646973 6b2e696d 6700
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 73657276 6963655f 686c00
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f6d6e74 2f646174 6100
      helper    5245504c 00000000
      server    4f505453 616c6c6f 775f6f74 68657200
      helper    5245504c 00000000
      server    444f4954 0000000e
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let highLevelUserReadOnly = RecordedSession(
    testDescription: "a user mounts read-only, by the high-level interface",
    commandLine: "user 1000: fuservicemount3 /home/disk.img /home/mnt -t "
      + "fuse.service_hl -o ro",
    record: """
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000b 0000004b 0000000f 0000005a 0000000a 00000064
                00000003 00000067 00000003 00000000 00000000 00000000 00000000 73657276 6963655f
                686c002f 686f6d65 2f646973 6b2e696d 67002f68 6f6d652f 6d6e7400 2d6f0072 6f00
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000080 00000000 00000000 00000000 2f686f6d 652f6469 736b2e69 6d6700
      helper+fd 46494c45 00000000 2f686f6d 652f6469 736b2e69 6d6700
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 73657276 6963655f 686c00
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f686f6d 652f6d6e 7400
      helper    5245504c 00000000
      server    444f4954 00000007
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let highLevelDevice = RecordedSession(
    testDescription: "a user's block device, and its block size",
    commandLine: "user 1000: fuservicemount3 /dev/loop0 /home/mnt -t fuse.service_hl -o "
      + "require_bdev,blocksize=1024",
    record: """
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000b 0000004b 0000000b 00000056 0000000a 00000060
                00000003 00000063 0000001c 00000000 00000000 00000000 00000000 73657276 6963655f
                686c002f 6465762f 6c6f6f70 30002f68 6f6d652f 6d6e7400 2d6f0072 65717569 72655f62
                6465762c 626c6f63 6b73697a 653d3130 323400
      helper+fd 46494c45 00000000 66757365 64657600
      server    42444556 00000082 00000000 00000000 00000400 2f646576 2f6c6f6f 703000
      helper+fd 46494c45 00000000 2f646576 2f6c6f6f 703000
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 73657276 6963655f 686c00
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f686f6d 652f6d6e 7400
      helper    5245504c 00000000
      server    444f4954 00000006
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let lowLevelDevice = RecordedSession(
    testDescription: "root's block device, with one thread and written to at once",
    commandLine: "root: fuservicemount3 /dev/loop0 /mnt/data -t fuse.service_ll -s -o "
      + "require_bdev,sync",
    record: """
      helper    53414654 00010001 00000003
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000006 00000048 0000000b 00000053 0000000b 0000005e 0000000a 00000068
                00000003 0000006b 00000003 0000006e 00000012 00000000 00000000 00000000 00000000
                73657276 6963655f 6c6c002f 6465762f 6c6f6f70 30002f6d 6e742f64 61746100 2d73002d
                6f007265 71756972 655f6264 65762c73 796e6300
      helper+fd 46494c45 00000000 66757365 64657600
      server    42444556 00000082 00000000 00000000 00000000 2f646576 2f6c6f6f 703000
      helper+fd 46494c45 00000000 2f646576 2f6c6f6f 703000
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 73657276 6963655f 6c6c00
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f6d6e74 2f646174 6100
      helper    5245504c 00000000
      server    444f4954 00000006
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let rootNull = RecordedSession(
    testDescription: "root mounts a file on a file, read-only",
    commandLine: "root: fuservicemount3 /home/file -t fuse.null -o ro",
    record: """
      helper    53414654 00010001 00000003
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000004 00000038 00000005 0000003d 0000000b 00000048 00000003 0000004b
                00000003 00000000 00000000 00000000 00000000 6e756c6c 002f686f 6d652f66 696c6500
                2d6f0072 6f00
      helper+fd 46494c45 00000000 66757365 64657600
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 6e756c6c 00
      helper    5245504c 00000000
      server    4d4e5450 80000000 2f686f6d 652f6669 6c6500
      helper    5245504c 00000000
      server    444f4954 00000007
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let calledWithType = RecordedSession(
    testDescription: "mount.fuse3 is called with the type among the words",
    commandLine: "user 1000: /usr/sbin/mount.fuse3 /home/disk.img /home/mnt -t "
      + "fuse.service_ll -o rw,noexec",
    record: """
      call      2f757372 2f736269 6e2f6d6f 756e742e 66757365 33002f68 6f6d652f 6469736b 2e696d67
                002f686f 6d652f6d 6e74002d 74007365 72766963 655f6c6c 002d6f00 72772c6e 6f657865
                632c6465 762c7375 696400
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000b 0000004b 0000000f 0000005a 0000000a 00000064
                00000003 00000067 00000013 00000000 00000000 00000000 00000000 73657276 6963655f
                6c6c002f 686f6d65 2f646973 6b2e696d 67002f68 6f6d652f 6d6e7400 2d6f0072 772c6e6f
                65786563 2c646576 2c737569 6400
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000082 00000000 00000000 00000000 2f686f6d 652f6469 736b2e69 6d6700
      helper+fd 46494c45 00000000 2f686f6d 652f6469 736b2e69 6d6700
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 73657276 6963655f 6c6c00
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f686f6d 652f6d6e 7400
      helper    5245504c 00000000
      server    444f4954 00000008
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let calledWithoutSource = RecordedSession(
    testDescription: "mount.fuse3 is called without a source",
    commandLine: "user 1000: /usr/sbin/mount.fuse3 null# /home/file",
    record: """
      call      2f757372 2f736269 6e2f6d6f 756e742e 66757365 33002f68 6f6d652f 66696c65 002d7400
                6e756c6c 002d6f00 6465762c 73756964 00
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000004 00000038 00000005 0000003d 0000000b 00000048 00000003 0000004b
                00000009 00000000 00000000 00000000 00000000 6e756c6c 002f686f 6d652f66 696c6500
                2d6f0064 65762c73 75696400
      helper+fd 46494c45 00000000 66757365 64657600
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 6e756c6c 00
      helper    5245504c 00000000
      server    4d4e5450 80000000 2f686f6d 652f6669 6c6500
      helper    5245504c 00000000
      server    444f4954 00000000
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let calledByMount8 = RecordedSession(
    testDescription: "mount(8) calls mount.fuse3 by the name of a type",
    commandLine: "user 1000: mount -t fuse.service_hl /home/disk.img /home/mnt -o "
      + "ro,noatime",
    record: """
      call      2f736269 6e2f6d6f 756e742e 66757365 2e736572 76696365 5f686c00 2f686f6d 652f6469
                736b2e69 6d67002f 686f6d65 2f6d6e74 002d7400 73657276 6963655f 686c002d 6f00726f
                2c6e6f61 74696d65 2c646576 2c737569 6400
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000b 0000004b 0000000f 0000005a 0000000a 00000064
                00000003 00000067 00000014 00000000 00000000 00000000 00000000 73657276 6963655f
                686c002f 686f6d65 2f646973 6b2e696d 67002f68 6f6d652f 6d6e7400 2d6f0072 6f2c6e6f
                6174696d 652c6465 762c7375 696400
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000080 00000000 00000000 00000000 2f686f6d 652f6469 736b2e69 6d6700
      helper+fd 46494c45 00000000 2f686f6d 652f6469 736b2e69 6d6700
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 73657276 6963655f 686c00
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f686f6d 652f6d6e 7400
      helper    5245504c 00000000
      server    444f4954 00000401
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let ownServerRoot = RecordedSession(
    testDescription: "singlefilefs serves root read-only, with every kind of option",
    commandLine: "root: fuservicemount3 /srv/disk.img /mnt/data -t fuse.singlefilefs -o "
      + "ro,allow_other,default_permissions,max_read=65536,x-wire=1",
    record: """
      helper    53414654 00010001 00000003
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000d 0000004d 0000000e 0000005b 0000000a 00000065
                00000003 00000068 0000003b 00000000 00000000 00000000 00000000 73696e67 6c656669
                6c656673 002f7372 762f6469 736b2e69 6d67002f 6d6e742f 64617461 002d6f00 726f2c61
                6c6c6f77 5f6f7468 65722c64 65666175 6c745f70 65726d69 7373696f 6e732c6d 61785f72
                6561643d 36353533 362c782d 77697265 3d3100
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000080 00000000 00000001 00000000 2f737276 2f646973 6b2e696d 6700
      helper+fd 46494c45 00000000 2f737276 2f646973 6b2e696d 6700
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 2f737276 2f646973 6b2e696d 6700
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

  static let ownServerReadOnlyRetry = RecordedSession(
    testDescription: "singlefilefs serves an image that the user may only read",
    commandLine: "user 1000: fuservicemount3 /srv/disk.img /home/mnt -t "
      + "fuse.singlefilefs",
    record: """
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000003 00000030 0000000d 0000003d 0000000e 0000004b 0000000a 00000000
                00000000 00000000 00000000 73696e67 6c656669 6c656673 002f7372 762f6469 736b2e69
                6d67002f 686f6d65 2f6d6e74 00
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000082 00000000 00000001 00000000 2f737276 2f646973 6b2e696d 6700
      helper    46494c45 0000000d 2f737276 2f646973 6b2e696d 6700
      server    4f50454e 00000080 00000000 00000001 00000000 2f737276 2f646973 6b2e696d 6700
      helper+fd 46494c45 00000000 2f737276 2f646973 6b2e696d 6700
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 2f737276 2f646973 6b2e696d 6700
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f686f6d 652f6d6e 7400
      helper    5245504c 00000000
      server    444f4954 00000007
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let ownServerDevice = RecordedSession(
    testDescription: "singlefilefs serves a user's block device",
    commandLine: "user 1000: fuservicemount3 /dev/loop0 /home/mnt -t fuse.singlefilefs "
      + "-o require_bdev,blocksize=1024",
    record: """
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000d 0000004d 0000000b 00000058 0000000a 00000062
                00000003 00000065 0000001c 00000000 00000000 00000000 00000000 73696e67 6c656669
                6c656673 002f6465 762f6c6f 6f703000 2f686f6d 652f6d6e 74002d6f 00726571 75697265
                5f626465 762c626c 6f636b73 697a653d 31303234 00
      helper+fd 46494c45 00000000 66757365 64657600
      server    42444556 00000082 00000000 00000001 00000400 2f646576 2f6c6f6f 703000
      helper+fd 46494c45 00000000 2f646576 2f6c6f6f 703000
      server    54595045 00000000
      helper    5245504c 00000000
      server    4e414d45 2f646576 2f6c6f6f 703000
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f686f6d 652f6d6e 7400
      helper    5245504c 00000000
      server    444f4954 00000006
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let ownServerFuseblk = RecordedSession(
    testDescription: "singlefilefs serves root's block device as fuseblk",
    commandLine: "root: fuservicemount3 /dev/loop0 /mnt/data -t fuse.singlefilefs -o "
      + "blkdev,blksize=4096",
    record: """
      helper    53414654 00010001 00000003
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000d 0000004d 0000000b 00000058 0000000a 00000062
                00000003 00000065 00000014 00000000 00000000 00000000 00000000 73696e67 6c656669
                6c656673 002f6465 762f6c6f 6f703000 2f6d6e74 2f646174 61002d6f 00626c6b 6465762c
                626c6b73 697a653d 34303936 00
      helper+fd 46494c45 00000000 66757365 64657600
      server    4f50454e 00000002 00000000 00000001 00000000 2f646576 2f6c6f6f 703000
      helper+fd 46494c45 00000000 2f646576 2f6c6f6f 703000
      server    54595045 00000001
      helper    5245504c 00000000
      server    4e414d45 2f646576 2f6c6f6f 703000
      helper    5245504c 00000000
      server    4d4e5450 40000000 2f6d6e74 2f646174 6100
      helper    5245504c 00000000
      server    4f505453 626c6b73 697a653d 34303936 00
      helper    5245504c 00000000
      server    444f4954 00000006
      helper    5245504c 00000000
      server    42594545 00000000
      """)

  static let ownServerGivesUp = RecordedSession(
    testDescription: "singlefilefs says why it gives up",
    commandLine: "user 1000: fuservicemount3 /home/disk.img /home/mnt -t "
      + "fuse.singlefilefs -o allow_other",
    record: """
      helper    53414654 00010001 00000000
      server    4c415354 00010000
      helper+fd 46494c45 00000000 61726776 00
      argv      41524753 00000005 00000040 0000000d 0000004d 0000000f 0000005c 0000000a 00000066
                00000003 00000069 0000000c 00000000 00000000 00000000 00000000 73696e67 6c656669
                6c656673 002f686f 6d652f64 69736b2e 696d6700 2f686f6d 652f6d6e 74002d6f 00616c6c
                6f775f6f 74686572 00
      helper+fd 46494c45 00000000 66757365 64657600
      server    53415953 616c6c6f 775f6f74 68657220 69732066 6f722072 6f6f742c 20616e64 20666f72
                20757365 72732077 68657265 202f6574 632f6675 73652e63 6f6e6620 68617320 75736572
                5f616c6c 6f775f6f 74686572 00
      server    42594545 00000001
      """)
}
