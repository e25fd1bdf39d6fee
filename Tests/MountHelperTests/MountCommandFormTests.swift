// SPDX-License-Identifier: LGPL-2.1-or-later

import Testing

@testable import MountHelper

@Suite("Command lines in mount(8)'s form")
struct MountCommandFormTests {
  @Test(
    arguments: [
      Reading(
        "/sbin/mount.fuse.x disk.img /mnt -o rw,allow_other", on: "/mnt", others: "disk.img",
        options: "rw,allow_other", server: "disk.img /mnt -o rw,allow_other"),
      Reading(
        "mount.fuse.x disk.img /mnt", on: "/mnt", others: "disk.img", server: "disk.img /mnt"),
      Reading("mount.fuse.x '' /mnt", on: "/mnt", server: "/mnt"),
      Reading("mount.fuse.x /mnt", on: "/mnt", server: "/mnt"),
      Reading(
        "mount.fuse.x -o ro a /mnt", on: "/mnt", others: "a", options: "ro",
        server: "-o ro a /mnt"),
      // mount(8)'s own words stay here, and nothing but what travels is read as a server reads it.
      Reading(
        "mount.fuse.x a /mnt -o rw,user,_netdev,nofail,noexec,nosuid,nodev", on: "/mnt",
        others: "a", options: "rw,noexec,nosuid,nodev",
        server: "a /mnt -o rw,noexec,nosuid,nodev"),
      Reading(
        "mount.fuse.x a /mnt -o users,auto,noauto,owner,group,defaults", on: "/mnt", others: "a",
        server: "a /mnt"),
      Reading(
        "mount.fuse.x a /mnt -o user=joe,x-gvfs-show,subvol=b,x-systemd.automount", on: "/mnt",
        others: "a", options: "subvol=b", server: "a /mnt -o subvol=b"),
      // Neither does a word for the helper's clock; this is the spelling that mount(8) hands on.
      Reading(
        "mount.fuse.x a /mnt -o rw,fuse-service.timeout=5,b", on: "/mnt", others: "a",
        options: "rw,b", server: "a /mnt -o rw,b"),
      Reading(
        "mount.fuse.x a /mnt -o fuse-service.timeout=5", on: "/mnt", others: "a",
        server: "a /mnt"),
      // A backslash is no escape to mount(8); what is left of the list is what is read.
      Reading(
        #"mount.fuse.x a /mnt -o user=a\,ro"#, on: "/mnt", others: "a", options: "ro",
        server: "a /mnt -o ro"),
      Reading(
        #"mount.fuse.x a /mnt -o a\,user,ro"#, on: "/mnt", others: "a", options: #"a\,ro"#,
        server: #"a /mnt -o a\,ro"#),
      // A comma in quotes ends no word.
      Reading(
        "mount.fuse.x a /mnt -o nofail,context=\"b,user\",ro", on: "/mnt", others: "a",
        options: "context=\"b,user\",ro", server: "a /mnt -o context=\"b,user\",ro"),
      Reading(
        "mount.fuse.x a /mnt -o ro -o noexec", on: "/mnt", others: "a", options: "ro noexec",
        server: "a /mnt -o ro -o noexec"),
      Reading(
        "mount.fuse.x a /mnt -o ''", on: "/mnt", others: "a", server: "a /mnt"),
      // Letters, alone and in clusters, never travel.
      Reading("mount.fuse.x a /mnt -s -n -v", on: "/mnt", others: "a", server: "a /mnt"),
      Reading("mount.fuse.x a /mnt -snv -vv", on: "/mnt", others: "a", server: "a /mnt"),
      // With only /sbin/mount.fuse, mount(8) passes the type; mount.fuse3 always does.
      Reading("mount.fuse a /mnt -t fuse.x", on: "/mnt", others: "a", server: "a /mnt"),
      Reading(
        "mount.fuse3 a /mnt -t x -o ro,dev,suid", on: "/mnt", others: "a", options: "ro,dev,suid",
        server: "a /mnt -o ro,dev,suid"),
      Reading(
        "/usr/sbin/mount.fuse.x /mnt -t x -o dev,suid", on: "/mnt", options: "dev,suid",
        server: "/mnt -o dev,suid"),
    ])
  func `A command line is read, and travels without mount(8)'s own words`(reading: Reading) throws {
    try expect(reading)
  }

  @Test func `Words that do not travel are kept apart`() throws {
    let mount = try mountInvocation(
      "mount.fuse.x a /mnt -o user=a\\,ro,x-b -o nofail,fuse-service.timeout=5,c")
    #expect(mount.ownWords == words("user=a\\ x-b nofail fuse-service.timeout=5"))
    #expect(mount.optionArguments == words("ro c"))
  }

  @Test(
    arguments: [
      ("mount.fuse.x a /mnt", "x"), ("mount.fuseblk.x a /mnt", "x"),
      ("/sbin/mount.fuse.ext4 a /mnt", "ext4"), ("./mount.fuse.a.b a /mnt", "a.b"),
      ("mount.fuse.x a /mnt -t y", "y"), ("mount.fuse.x a /mnt -t fuse.y", "fuse.y"),
      ("mount.fuse3 a /mnt -t fuseblk.y", "fuseblk.y"), ("mount.fuse a /mnt -t y", "y"),
      ("mount.fuse.fuse.x a /mnt", "fuse.x"),
    ])
  func `The type is that of -t, or else of the program's name`(line: String, type: String) throws {
    #expect(text(try mountInvocation(line).type) == type)
  }

  @Test(arguments: ["-f", "-fv", "-svfn"])
  func `With -f nothing is mounted`(letters: String) throws {
    guard case .fake(let mount) = try Invocation.parse(words("mount.fuse.x a /mnt \(letters)"))
    else {
      Issue.record("not a fake mount")
      return
    }
    #expect(text(mount.mountPoint) == "/mnt")
    #expect(mount.isVerbose == letters.contains("v"))
    #expect(mount.recordsNothing == letters.contains("n"))
  }

  @Test func `-n and -v are the helper's, -s is nobody's`() throws {
    let plain = try mountInvocation("mount.fuse.x a /mnt -s")
    #expect(!plain.recordsNothing)
    #expect(!plain.isVerbose)
    #expect(try mountInvocation("mount.fuse.x a /mnt -n").recordsNothing)
    #expect(try mountInvocation("mount.fuse.x a /mnt -v").isVerbose)
  }

  @Test(
    arguments: [
      ("mount.fuse a /mnt", .missingType), ("mount.fuse3 a /mnt", .missingType),
      ("mount.fuse. a /mnt", .missingType), ("mount.fuseblk. a /mnt", .missingType),
      ("mount.fuse.x", .missingMountPoint), ("mount.fuse.x ''", .missingMountPoint),
      ("mount.fuse.x a ''", .missingMountPoint),
      ("mount.fuse.x a /mnt b", .unexpected(word: bytes("b"))),
      ("mount.fuse.x a /mnt -o", .missingValue(option: bytes("-o"))),
      ("mount.fuse.x a /mnt -t", .missingValue(option: bytes("-t"))),
      ("mount.fuse.x a /mnt -t x -t x", .repeated(option: bytes("-t"))),
      ("mount.fuse.x a /mnt -N /proc/1/ns/mnt", .otherNamespace),
      ("mount.fuse.x a /mnt -N", .otherNamespace),
      ("mount.fuse.x a /mnt -sN", .unknown(option: bytes("-sN"))),
      ("mount.fuse.x a /mnt -oro", .unknown(option: bytes("-oro"))),
      ("mount.fuse.x a /mnt -r", .unknown(option: bytes("-r"))),
      ("mount.fuse.x a /mnt --", .unknown(option: bytes("--"))),
      ("mount.fuse.x a /mnt --timeout 5", .unknown(option: bytes("--timeout"))),
      ("mount.fuse.x a /mnt --help", .unknown(option: bytes("--help"))),
      ("mount.fuse.x a /mnt -o a=\"b,ro", .openQuote(bytes("a=\"b,ro"))),
    ] as [(String, UsageError)])
  func `A command line that mount(8) would not write says what is wrong`(
    line: String, error: UsageError
  ) {
    #expect(usageError(line) == error)
  }

  @Test(arguments: ["mount", "mount.fus", "fuservicemount3", "xmount.fuse.x", "mount.fuse.x/f"])
  func `Any other program name is the helper's own form`(name: String) throws {
    // --verbose is a word of that form only.
    let mount = try mountInvocation("\(name) mnt -t x --verbose")
    #expect(mount.isVerbose)
  }
}
