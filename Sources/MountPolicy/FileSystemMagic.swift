// SPDX-License-Identifier: LGPL-2.1-or-later

/// File systems by the `f_type` of statfs(2): numbers from linux/magic.h, statfs(2), and the
/// kernel's sources where neither has them.
enum FileSystemMagic {
  /// Whether the files of a file system are made by the kernel: they hold no image, and reading or
  /// writing one can be an act of its own.
  static func isKernelMade(_ magic: UInt64) -> Bool {
    // Where `f_type` is a 32-bit int, a large number comes with its sign spread over the rest.
    kernelMade.contains(UInt32(truncatingIfNeeded: magic))
  }

  private static let kernelMade: [UInt32] = [
    0x9fa0,  // proc
    0x6265_6572,  // sysfs
    0x6462_6720,  // debugfs
    0x7472_6163,  // tracefs
    0x7363_6673,  // securityfs
    0x0027_e0eb,  // cgroup
    0x6367_7270,  // cgroup2
    0x0765_5821,  // resctrl
    0x1cd1,  // devpts
    0xcafe_4a11,  // bpf
    0x6265_6570,  // configfs
    0xf97c_ff8c,  // selinuxfs
    0x4341_5d53,  // smackfs
    0x5a3c_69f0,  // apparmorfs
    0x6165_676c,  // pstore
    0xde5e_81e4,  // efivarfs
    0x6e73_6673,  // nsfs
    0x5049_4446,  // pidfs
    0x5049_5045,  // pipefs
    0x534f_434b,  // sockfs
    0x0904_1934,  // anon_inodefs
    0x1980_0202,  // mqueue
    0x9584_58f6,  // hugetlbfs
    0x6573_5543,  // fusectl
    0x4249_4e4d,  // binfmt_misc
    0x5345_434d,  // secretmem
    0x474d_454d,  // guest_memfd
    0x6c6f_6f70,  // binderfs
    0xabba_1974,  // xenfs
    0x9fa1,  // openpromfs
    0x0a64_7361,  // functionfs
    0xaee7_1ee7,  // gadgetfs
    0x9fa2,  // usbfs
    0x6e66_7364,  // nfsd
    0x6759_6969,  // rpc_pipefs
    0x6264_6576,  // bdev
    0x6464_6178,  // dax
    0x444d_4142,  // dma-buf
    0x454d_444d,  // devmem
    0x1130_7854,  // mtd_inodefs
    0x0bad_1dea,  // futexfs
  ]

  /// Whether a server outside of the kernel answers for the files.
  static func isFuse(_ magic: UInt64) -> Bool { UInt32(truncatingIfNeeded: magic) == 0x6573_5546 }

  /// Whether a user may mount over something on a file system of this type: the list that
  /// fusermount3 has, so that both helpers allow the same. procfs and its kin have places that
  /// users can write to without being meant to put anything over them (CVE-2016-1572).
  static func isFitForUserMounts(_ magic: UInt64) -> Bool {
    if magic == ufsd { return true }
    let isSignSpread = magic >> 32 == 0xffff_ffff
    guard let short = UInt32(exactly: isSignSpread ? magic & 0xffff_ffff : magic) else {
      return false
    }
    return fitForUserMounts.contains(short)
  }

  /// Paragon's UFSD is the one whose number needs 64 bits.
  private static let ufsd: UInt64 = 0x7366_7500_5346_544e

  private static let fitForUserMounts: [UInt32] = [
    0x6175_6673,  // aufs
    0x0187,  // autofs
    0xca45_1a4e,  // bcachefs
    0x9123_683e,  // btrfs
    0x00c3_6400,  // ceph
    0xff53_4d42,  // cifs
    0xf15f,  // ecryptfs
    0x2011_bab0,  // exfat
    0xef53,  // ext2, ext3, ext4
    0xf2f5_2010,  // f2fs
    0x6573_5546,  // fuse
    0x0116_1970,  // gfs2
    0x4750_4653,  // gpfs
    0x482b,  // hfsplus
    0x72b6,  // jffs2
    0x3153_464a,  // jfs
    0x0bd0_0bd0,  // lustre
    0x4d44,  // msdos, vfat
    0x564c,  // ncp
    0x6969,  // nfs
    0x3434,  // nilfs2
    0x5346_544e,  // ntfs
    0x7366_746e,  // ntfs3
    0x5346_414f,  // afs, OpenAFS
    0x794c_7630,  // overlay
    0xaad7_aaea,  // panfs
    0x5265_4973,  // reiserfs
    0xfe53_4d42,  // smb2
    0x7371_7368,  // squashfs
    0x0102_1994,  // tmpfs
    0x2405_1905,  // ubifs
    0x1803_1977,  // wekafs
    0x5846_5342,  // xfs
    0x2fc1_2fc1,  // zfs
    0x8584_58f6,  // ramfs
  ]
}
