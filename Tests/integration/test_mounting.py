# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mounts that succeed: what is mounted, how, and how it goes away."""

import errno
import os
import stat

import fuse_service as wire
from support import (ALICE, BOB, ENGINES, ROOT, HelperTest, callers, mount_at, parametrized, utab,
                     utab_text)

MISSING = [(name, (f"{name}=ENOSYS",)) for name in (
    "fsopen", "fsconfig", "fsmount", "open_tree", "move_mount", "mount_setattr", "openat2",
    "statmount", "listmount", "close_range")]
MISSING.append(("subtype", ("fsconfig=EINVAL",)))


class OrdinaryMount(HelperTest):
    """Mount, look, unmount."""

    @callers()
    @parametrized(engine=ENGINES, where=["tmpfs", "rootfs"])
    def test_a_mount_shows_the_servers_files_with_the_right_bytes(self, caller, engine, where):
        service, target, _ = self.mount(caller, failing=engine, where=where)
        self.assertEqual(self.run_as(caller, "ls", target).out, "hello\n")
        shown = self.run_as(caller, "cat", target + "/hello")
        self.assertEqual((shown.out, shown.err), ("hello, world\n", ""))
        written = self.run_as(caller, "sh", "-c", f"echo changed > {target}/hello")
        self.assertEqual(written.status, 0, written.err)
        self.assertEqual(service.session.fuse.file("hello"), b"changed\n")
        self.unmount(target)

    @callers()
    def test_a_mount_is_of_type_fuse_and_names_its_source_and_its_owner(self, caller):
        _, target, mount = self.mount(caller, where="rootfs")
        self.assertEqual(mount.type, "fuse.demo")
        self.assertEqual(mount.source, "demo")
        self.assertIn(f"user_id={caller.uid}", mount.superblock)
        self.assertIn(f"group_id={caller.gid}", mount.superblock)
        self.assertNotIn("allow_other", mount.superblock)
        self.unmount(target)

    def test_the_owner_unmounts_with_fusermount3(self):
        _, target, _ = self.mount(ALICE)
        outcome = self.run_as(ALICE, "fusermount3", "-u", target)
        self.assertEqual((outcome.status, outcome.err), (0, ""))
        self.assert_nothing_mounted()

    @parametrized(options=[("plain", None), ("recorded", "x-foo=bar")])
    def test_the_owner_unmounts_with_umount(self, options):
        _, target, _ = self.mount(ALICE, table=options)
        self.unmount(target, ALICE)
        self.assertNotIn(target, utab_text())

    def test_another_user_can_neither_see_nor_unmount_it(self):
        _, target, _ = self.mount(ALICE)
        self.assertNotEqual(self.run_as(BOB, "ls", target).status, 0)
        self.assertNotEqual(self.run_as(BOB, "umount", target).status, 0)
        self.assertIsNotNone(mount_at(target))
        self.unmount(target, ALICE)

    @callers()
    @parametrized(engine=ENGINES)
    def test_a_mount_point_may_be_a_file(self, caller, engine):
        target = self.file(caller, b"below")
        service, _, mount = self.mount(
            caller, target=target, tree=b"served", expected=stat.S_IFREG, failing=engine)
        self.assertEqual(mount.type, "fuse.demo")
        self.assertEqual(self.run_as(caller, "cat", target).out, "served")
        self.run_as(caller, "dd", "of=" + target, "conv=notrunc", "status=none", timeout=5)
        self.assertEqual(service.session.fuse.file(""), b"served")
        self.unmount(target, caller)
        with open(target, "rb") as file:
            self.assertEqual(file.read(), b"below")

    @callers()
    @parametrized(length=[255, 256, 1000, 4095])
    def test_a_long_source_is_mounted_under_its_whole_name(self, caller, length):
        name = "s" * length
        _, target, mount = self.mount(caller, name=name)
        self.assertEqual(mount.source, name)
        self.assertTrue({"nosuid", "nodev"} <= mount.attributes, mount)
        self.unmount(target)

    @callers()
    @parametrized(missing=MISSING)
    def test_a_kernel_that_lacks_a_call_mounts_all_the_same(self, caller, missing):
        _, target, mount = self.mount(caller, failing=missing, options="ro")
        self.assertTrue({"ro", "nosuid", "nodev"} <= mount.attributes, mount)
        self.assertEqual(self.run_as(caller, "cat", target + "/hello").out, "hello, world\n")
        self.unmount(target)

    @callers()
    def test_fuseblk_is_for_root_only(self, caller):
        target = self.target(caller)

        def script(session):
            session.begin()
            fuseblk = bool(session.flags & wire.FUSEBLK)
            reply = session.type(1)
            session.goodbye(1)
            return fuseblk, reply
        outcome, (fuseblk, reply) = self.converse(script, caller, target=target)
        self.assertEqual((fuseblk, reply), (True, 0) if caller is ROOT else (False, errno.EPERM))
        self.assert_refused(outcome)

    @callers()
    @parametrized(conf=["", "user_allow_other\n"])
    def test_the_hello_tells_whether_allow_other_is_permitted(self, caller, conf):
        self.fuse_conf(conf)

        def script(session):
            session.begin()
            session.goodbye(1)
            return bool(session.flags & wire.ALLOW_OTHER)
        _, allowed = self.converse(script, caller)
        self.assertEqual(allowed, caller is ROOT or conf != "")


class Flags(HelperTest):
    """nosuid, nodev and what the caller asked for, whatever the server says."""

    FLAGS = ["ro", "noexec", "nosymfollow", "noatime", "nodiratime", "sync", "dirsync"]

    @callers()
    @parametrized(engine=ENGINES, flag=FLAGS)
    def test_a_flag_of_the_caller_holds_though_the_server_asks_for_none(
            self, caller, engine, flag):
        _, target, mount = self.mount(caller, options=flag, flags=0, failing=engine)
        shown = mount.attributes | mount.superblock
        self.assertIn(flag, shown)
        self.assertTrue({"nosuid", "nodev"} <= mount.attributes, mount)
        if flag == "ro":
            self.assertIn("ro", mount.attributes)
            self.assertIn("ro", mount.superblock)
            outcome = self.run_as(caller, "sh", "-c", f"echo x > {target}/hello")
            self.assertIn("Read-only file system", outcome.err)
        self.unmount(target)

    @callers()
    @parametrized(engine=ENGINES, flag=[
        ("RDONLY", (wire.MS_RDONLY, "ro")), ("NOEXEC", (wire.MS_NOEXEC, "noexec")),
        ("NOSYMFOLLOW", (wire.MS_NOSYMFOLLOW, "nosymfollow")),
        ("NOATIME", (wire.MS_NOATIME, "noatime")),
        ("SYNCHRONOUS", (wire.MS_SYNCHRONOUS, "sync")),
        ("DIRSYNC", (wire.MS_DIRSYNC, "dirsync"))])
    def test_a_restriction_that_the_server_asks_for_holds(self, caller, engine, flag):
        bit, word = flag
        _, target, mount = self.mount(caller, flags=bit, failing=engine)
        self.assertIn(word, mount.attributes | mount.superblock)
        self.assertTrue({"nosuid", "nodev"} <= mount.attributes, mount)
        self.unmount(target)

    @callers()
    @parametrized(engine=ENGINES, options=["dev,suid", "suid", "dev", "exec,dev,suid,rw",
                                           "nosuid,suid,nodev,dev"])
    def test_only_root_gets_dev_and_suid(self, caller, engine, options):
        _, target, mount = self.mount(caller, options=options, flags=0, failing=engine)
        words = options.split(",")
        self.assertEqual("nosuid" not in mount.attributes, caller is ROOT and "suid" in words)
        self.assertEqual("nodev" not in mount.attributes, caller is ROOT and "dev" in words)
        self.unmount(target)

    @callers()
    @parametrized(row=[("ro_then_rw", ("ro,rw", False)), ("rw_then_ro", ("rw,ro", True)),
                       ("r_flag", ("rw -r", True)), ("attached", ("rw -oro", True))])
    def test_the_last_of_ro_and_rw_counts(self, caller, row):
        words, read_only = row
        options, *more = words.split(" ")
        _, target, mount = self.mount(caller, options=options, more=more, flags=0)
        self.assertEqual("ro" in mount.attributes, read_only)
        self.unmount(target)

    @callers()
    @parametrized(options=[r"user=a\,ro", r"a\,ro", 'a="x,ro,y"', r"r\157", "ro=vfs", "-r", r"ro,a\,rw"],
                  form=["direct", "mount8"])
    def test_what_some_server_may_read_as_ro_is_enforced(self, caller, options, form):
        target = self.target(caller)
        service = self.service(wire.mounting(target, owner=caller.uid, group=caller.gid, flags=0))
        if form == "direct":
            outcome = self.helper(self.words("demo", target, options), caller)
        else:
            outcome = self.run_as(
                caller, self.link("mount.fuse.demo"), "demo", target, "-o", options)
        self.assert_mounted(outcome, service)
        self.assertIn("ro", mount_at(target).attributes)
        self.unmount(target)

    @parametrized(options=[r"a\,suid,a\,dev", 'a="x,suid,dev,y"', r"suid,dev,a\,nosuid,a\,nodev"])
    def test_what_some_server_may_read_otherwise_gives_root_no_suid_or_dev(self, options):
        _, target, mount = self.mount(ROOT, options=options, flags=0)
        self.assertTrue({"nosuid", "nodev"} <= mount.attributes, mount)
        self.unmount(target)

    @callers()
    @parametrized(engine=ENGINES)
    def test_superblock_options_that_are_permitted_are_in_force(self, caller, engine):
        self.fuse_conf("user_allow_other\n")
        _, target, mount = self.mount(
            caller, options="allow_other,default_permissions",
            superblock="default_permissions,allow_other,max_read=4096", failing=engine)
        self.assertTrue({"default_permissions", "allow_other", "max_read=4096"}
                        <= mount.superblock, mount)
        self.unmount(target)


class Table(HelperTest):
    """utab: written when there is something to record, and only then."""

    @callers()
    def test_a_mount_with_nothing_to_record_does_not_touch_utab(self, caller):
        for name in os.listdir("/run/mount"):  # umount(8) leaves its lock file
            os.unlink(os.path.join("/run/mount", name))
        _, target, _ = self.mount(caller)
        self.assertEqual(os.listdir("/run/mount"), [])
        self.unmount(target)

    @callers()
    @parametrized(engine=ENGINES)
    def test_x_options_of_the_server_are_recorded(self, caller, engine):
        _, target, _ = self.mount(caller, table="x-foo=bar,x-baz", failing=engine)
        lines = [line for line in utab() or [] if f"TARGET={target}" in line]
        self.assertEqual(len(lines), 1, utab())
        self.assertIn("x-foo=bar", lines[0])
        self.assertIn("x-baz", lines[0])
        # umount(8) knows by user_id= whose it is; a name would make an entry that outlives its mount
        # a right to unmount what else has this source and place.
        self.assertNotIn("user=", lines[0])
        self.unmount(target, caller)
        self.assertEqual(utab() or [], [])

    @callers()
    def test_minus_n_records_nothing(self, caller):
        _, target, _ = self.mount(caller, table="x-foo=bar,-n")
        self.assertIsNone(utab())
        self.unmount(target)

    @callers()
    @parametrized(word=["user=daemon", "uhelper=evil", "helper=evil", "loop", "loop=/dev/loop0"])
    def test_a_word_that_means_something_to_umount_is_dropped(self, caller, word):
        _, target, _ = self.mount_with_warning(caller, table=f"x-foo=bar,{word}")
        lines = [line for line in utab() or [] if f"TARGET={target}" in line]
        self.assertEqual(len(lines), 1, utab())
        self.assertIn("x-foo=bar", lines[0])
        self.assertNotRegex(lines[0], rf"[=,]{word}(,|$| )")
        self.unmount(target)

    def test_a_user_is_not_recorded_as_root(self):
        _, target, _ = self.mount_with_warning(ALICE, table="user=root,x-foo=bar")
        self.assertNotIn("user=root", utab_text())
        self.unmount(target, ALICE)

    def test_the_callers_own_name_is_dropped_without_a_warning(self):
        target = self.target(ALICE)
        with self.service(wire.mounting(target, table="user=fsmalice,x-foo=bar",
                                        owner=ALICE.uid)) as service:
            outcome = self.helper(self.words("demo", target), ALICE)
            self.assert_mounted(outcome, service)
        self.assertEqual(outcome.err, "")
        self.assertNotIn("user=", utab_text())
        self.unmount(target, ALICE)

    def mount_with_warning(self, caller, table):
        """A mount that succeeds and warns."""
        target = self.target(caller)
        service = self.service(wire.mounting(target, table=table, owner=caller.uid))
        outcome = self.helper(self.words("demo", target), caller)
        self.assertEqual(outcome.status, 0, outcome.err)
        self.assertNotEqual(outcome.err, "", "dropped without a word")
        return service, target, outcome

    def test_utab_keeps_other_entries(self):
        _, first, _ = self.mount(ALICE, table="x-first")
        _, second, _ = self.mount_second(ROOT, "x-second")
        text = utab_text()
        self.assertIn("x-first", text)
        self.assertIn("x-second", text)
        self.unmount(first)
        self.assertNotIn("x-first", utab_text())
        self.assertIn("x-second", utab_text())
        self.unmount(second)

    def mount_second(self, caller, table):
        """A second mount, of another type, while a first service still listens."""
        self.type = "other"
        try:
            return self.mount(caller, table=table)
        finally:
            del self.type
