// SPDX-License-Identifier: LGPL-2.1-or-later

import MountProtocol

extension RecordedSessionTests {
  /// What the sessions of InteropSessions.swift say.
  static let interop: [Reading] = [
    Reading(
      .highLevelRoot, flags: [.allowOther, .fuseblk],
      arguments: ["service_hl", "/srv/disk.img", "/mnt/data", "-o", "allow_other,noexec"],
      commands: [
        open("/srv/disk.img", exclusiveReadWrite), .filesystemContext([]), source("service_hl"),
        mountPoint(directory, "/mnt/data"), .superblockOptions(Array("allow_other".utf8)),
        .mount(flags: nosuidNodev | 0x8), .goodbye(exitCode: 0),
      ],
      replies: [file("/srv/disk.img"), done, done, done, done, done]),
    Reading(
      .highLevelUserReadOnly, flags: [],
      arguments: ["service_hl", "/home/disk.img", "/home/mnt", "-o", "ro"],
      commands: [
        open("/home/disk.img", exclusiveRead), .filesystemContext([]), source("service_hl"),
        mountPoint(directory, "/home/mnt"), .mount(flags: nosuidNodev | 0x1),
        .goodbye(exitCode: 0),
      ],
      replies: [file("/home/disk.img"), done, done, done, done]),
    Reading(
      .highLevelDevice, flags: [],
      arguments: [
        "service_hl", "/dev/loop0", "/home/mnt", "-o", "require_bdev,blocksize=1024",
      ],
      commands: [
        blockDevice("/dev/loop0", exclusiveReadWrite, blockSize: 1_024), .filesystemContext([]),
        source("service_hl"), mountPoint(directory, "/home/mnt"), .mount(flags: nosuidNodev),
        .goodbye(exitCode: 0),
      ],
      replies: [file("/dev/loop0"), done, done, done, done]),
    Reading(
      .lowLevelDevice, flags: [.allowOther, .fuseblk],
      arguments: ["service_ll", "/dev/loop0", "/mnt/data", "-s", "-o", "require_bdev,sync"],
      commands: [
        blockDevice("/dev/loop0", exclusiveReadWrite, blockSize: 0), .filesystemContext([]),
        source("service_ll"), mountPoint(directory, "/mnt/data"), .mount(flags: nosuidNodev),
        .goodbye(exitCode: 0),
      ],
      replies: [file("/dev/loop0"), done, done, done, done]),
    Reading(
      .rootNull, flags: [.allowOther, .fuseblk], arguments: ["null", "/home/file", "-o", "ro"],
      commands: [
        .filesystemContext([]), source("null"), mountPoint(regularFile, "/home/file"),
        .mount(flags: nosuidNodev | 0x1), .goodbye(exitCode: 0),
      ],
      replies: [done, done, done, done]),
    Reading(
      .calledWithType, flags: [],
      arguments: ["service_ll", "/home/disk.img", "/home/mnt", "-o", "rw,noexec,dev,suid"],
      commands: [
        open("/home/disk.img", exclusiveReadWrite), .filesystemContext([]), source("service_ll"),
        mountPoint(directory, "/home/mnt"), .mount(flags: 0x8), .goodbye(exitCode: 0),
      ],
      replies: [file("/home/disk.img"), done, done, done, done]),
    Reading(
      .calledWithoutSource, flags: [], arguments: ["null", "/home/file", "-o", "dev,suid"],
      commands: [
        .filesystemContext([]), source("null"), mountPoint(regularFile, "/home/file"),
        .mount(flags: 0), .goodbye(exitCode: 0),
      ],
      replies: [done, done, done, done]),
    Reading(
      .calledByMount8, flags: [],
      arguments: ["service_hl", "/home/disk.img", "/home/mnt", "-o", "ro,noatime,dev,suid"],
      commands: [
        open("/home/disk.img", exclusiveRead), .filesystemContext([]), source("service_hl"),
        mountPoint(directory, "/home/mnt"), .mount(flags: 0x401), .goodbye(exitCode: 0),
      ],
      replies: [file("/home/disk.img"), done, done, done, done]),
    Reading(
      .ownServerRoot, flags: [.allowOther, .fuseblk],
      arguments: [
        "singlefilefs", "/srv/disk.img", "/mnt/data", "-o",
        "ro,allow_other,default_permissions,max_read=65536,x-wire=1",
      ],
      commands: [
        open("/srv/disk.img", exclusiveRead, .quiet), .filesystemContext([]),
        source("/srv/disk.img"), mountPoint(directory, "/mnt/data"),
        .superblockOptions(Array("allow_other,default_permissions,max_read=65536".utf8)),
        .userspaceOptions(Array("x-wire=1".utf8)), .mount(flags: nosuidNodev | 0x1),
        .goodbye(exitCode: 0),
      ],
      replies: [file("/srv/disk.img"), done, done, done, done, done, done]),
    Reading(
      .ownServerReadOnlyRetry, flags: [],
      arguments: ["singlefilefs", "/srv/disk.img", "/home/mnt"],
      commands: [
        open("/srv/disk.img", exclusiveReadWrite, .quiet),
        open("/srv/disk.img", exclusiveRead, .quiet), .filesystemContext([]),
        source("/srv/disk.img"), mountPoint(directory, "/home/mnt"),
        .mount(flags: nosuidNodev | 0x1), .goodbye(exitCode: 0),
      ],
      replies: [
        file("/srv/disk.img", .permissionDenied), file("/srv/disk.img"), done, done, done, done,
      ]),
    Reading(
      .ownServerDevice, flags: [],
      arguments: [
        "singlefilefs", "/dev/loop0", "/home/mnt", "-o", "require_bdev,blocksize=1024",
      ],
      commands: [
        blockDevice("/dev/loop0", exclusiveReadWrite, blockSize: 1_024, .quiet),
        .filesystemContext([]), source("/dev/loop0"), mountPoint(directory, "/home/mnt"),
        .mount(flags: nosuidNodev), .goodbye(exitCode: 0),
      ],
      replies: [file("/dev/loop0"), done, done, done, done]),
    Reading(
      .ownServerFuseblk, flags: [.allowOther, .fuseblk],
      arguments: ["singlefilefs", "/dev/loop0", "/mnt/data", "-o", "blkdev,blksize=4096"],
      commands: [
        open("/dev/loop0", 0x2, .quiet), .filesystemContext(.fuseblk), source("/dev/loop0"),
        mountPoint(directory, "/mnt/data"), .superblockOptions(Array("blksize=4096".utf8)),
        .mount(flags: nosuidNodev), .goodbye(exitCode: 0),
      ],
      replies: [file("/dev/loop0"), done, done, done, done, done]),
    Reading(
      .ownServerGivesUp, flags: [],
      arguments: ["singlefilefs", "/home/disk.img", "/home/mnt", "-o", "allow_other"],
      commands: [
        .lastWords(
          Array(
            "allow_other is for root, and for users where /etc/fuse.conf has user_allow_other".utf8)
        ),
        .goodbye(exitCode: 1),
      ],
      replies: []),
  ]
}
