# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unusual callers, unusual names of the program, and what a caller leaves lying about for it."""

import os
import select
import struct

import fuse_service as wire
from support import (ALICE, ENGINES, ROOT, Caller, HelperTest, callers, helper_processes, mount_at,
                     parametrized, process_status, stage, utab, utab_text)

NOBODY_KNOWS = [("far", 3000000000), ("highest", 4294967294), ("near", 61999)]


class Strangers(HelperTest):
    """Users that no password file knows, some with ids beyond a signed integer."""

    def stranger(self, number):
        """The caller with this id, and a home."""
        home = f"/home/stranger-{number}"
        os.makedirs(home, exist_ok=True)
        os.chown(home, number, number)
        return Caller(f"stranger-{number}", number, number, home)

    @parametrized(number=NOBODY_KNOWS, engine=ENGINES)
    def test_the_mount_belongs_to_its_caller(self, number, engine):
        caller = self.stranger(number)
        _, target, mount = self.mount(caller, failing=engine)
        self.assertLessEqual({f"user_id={number}", f"group_id={number}"}, mount.superblock)
        self.assertEqual(self.run_as(caller, "cat", target + "/hello").out, "hello, world\n")
        self.assertNotEqual(self.run_as(ALICE, "cat", target + "/hello").status, 0)
        self.unmount(target)

    @parametrized(number=NOBODY_KNOWS)
    def test_a_record_names_no_user(self, number):
        _, target, _ = self.mount(self.stranger(number), table="x-foo=bar")
        lines = [line for line in utab() or [] if f"TARGET={target}" in line]
        self.assertEqual(len(lines), 1, utab())
        self.assertIn("x-foo=bar", lines[0])
        self.assertNotIn("user=", lines[0])
        self.unmount(target)

    @parametrized(number=NOBODY_KNOWS)
    def test_processes_have_the_callers_ids(self, number):
        def script(session):
            session.begin()
            session.open("not named")
            found = sorted(process_status(process)["Uid"].split()[:3]
                           for process in helper_processes())
            session.goodbye(1)
            return found
        outcome, found = self.converse(script, self.stranger(number))
        self.assert_refused(outcome)
        # The monitor, the mounter and the worker.
        self.assertEqual(found, [[str(number)] * 2 + ["0"]] * 2 + [[str(number)] * 3])


class Names(HelperTest):
    """The helper by other ways than its own name."""

    def program(self, name):
        """A path beside the helper's for this test; links below it count as the helper."""
        path = stage.helper + "-" + name
        self.addCleanup(os.unlink, path)
        return path

    def assert_ordinary(self, caller, words, target):
        """The program mounts as it always does, or refuses in words; whether it mounted."""
        with self.service(wire.mounting(target, owner=caller.uid, group=caller.gid, flags=0)):
            outcome = self.run_as(caller, *words)
            mount = mount_at(target)
            if outcome.status == 0:
                self.assertEqual(mount.type, "fuse.demo")
                self.assertIn(f"user_id={caller.uid}", mount.superblock)
                self.assertTrue(caller == ROOT or {"nosuid", "nodev"} <= mount.attributes, mount)
                self.unmount(target)
            else:
                self.assert_refused(outcome)
                self.assertNotRegex(outcome.err, r"[\x00-\x09\x0b-\x1f\x7f]")
        return outcome.status == 0

    @callers()
    def test_a_hard_link_is_the_same_program(self, caller):
        path = self.program("hard")
        os.link(stage.helper, path)
        target = self.target(caller)
        self.assertTrue(self.assert_ordinary(caller, [path, *self.words("demo", target)], target))

    @callers()
    @parametrized(name=["fusermount3", "mount", "su", "-t", "mount.fuse", "a b", "\x1b[31m",
                        "fuservicemount3-t", "caf\udce9"])
    def test_a_symbolic_link_of_the_callers_is_the_same_program(self, caller, name):
        link = os.path.join(self.directory(ALICE), name)
        os.symlink(stage.helper, link)
        target = self.target(caller)
        mounted = self.assert_ordinary(caller, [link, *self.words("demo", target)], target)
        self.assertTrue(mounted)

    @callers()
    @parametrized(name=[("type", ("mount.fuse.demo", True)), ("slash", ("mount.fuse...", False)),
                        ("none", ("mount.fuse.", False)), ("other", ("mount.fuse.no", False)),
                        ("escape", ("mount.fuse.\x1b[31m", False))])
    def test_a_type_in_the_name_is_a_type_and_nothing_else(self, caller, name):
        name, works = name
        link = os.path.join(self.directory(ALICE), name)
        os.symlink(stage.helper, link)
        target = self.target(caller)
        with self.service(wire.mounting(target, owner=caller.uid)):
            outcome = self.run_as(caller, link, "demo", target)
            if works:
                self.assert_mounted(outcome)
                self.unmount(target)
            else:
                self.assert_refused(outcome, 2 if name == "mount.fuse.no" else 1)
                self.assertNotIn("\x1b", outcome.err)

    @callers()
    def test_a_copy_of_the_users_has_no_privilege(self, caller):
        path = os.path.join(self.directory(ALICE), "copy")
        with open(stage.helper, "rb") as source, open(path, "wb") as copy:
            copy.write(source.read())
        os.chown(path, ALICE.uid, ALICE.gid)
        os.chmod(path, 0o4755)
        target = self.target(caller)
        mounted = self.assert_ordinary(caller, [path, *self.words("demo", target)], target)
        self.assertEqual(mounted, False, "set-id to somebody who is not root")

    @callers()
    @parametrized(word=["", " -tdemo", " -t demo", " --help", " -o suid,dev,allow_other"])
    def test_an_interpreter_line_gains_nothing(self, caller, word):
        target = self.target(caller)
        script = self.file(caller, f"#!{stage.helper}{word}\n".encode(), 0o755, name="script")
        with self.service(wire.mounting(target, owner=caller.uid, flags=0)):
            for more in ([target], [target, "-t", "demo"], ["demo", target, "-tdemo"]):
                outcome = self.run_as(caller, script, *more)
                mount = mount_at(target)
                self.assertEqual(mount is not None, outcome.status == 0 and word != " --help",
                                 outcome)
                if mount is not None:
                    self.assertTrue(caller == ROOT or {"nosuid", "nodev"} <= mount.attributes)
                    self.assertNotIn("allow_other", mount.superblock)
                    self.unmount(target)
                else:
                    self.assertIn(outcome.status, (0, 1))
                    self.assertNotEqual(outcome.err + outcome.out, "")
        self.assert_nothing_mounted()

    def test_a_set_id_script_of_the_users_gains_nothing(self):
        target = self.target(ALICE)
        script = self.file(ALICE, f"#!{stage.helper} -tdemo\n".encode(), 0o755, name="script")
        os.chmod(script, 0o6755)
        with self.service(wire.mounting(target)):
            outcome = self.run_as(ALICE, script, target)
            self.assertIn(outcome.status, (0, 1))
            if outcome.status == 0:
                self.assertIn(f"user_id={ALICE.uid}", mount_at(target).superblock)
                self.unmount(target)

    def test_the_shared_object_loader_gains_nobody_more_than_starting_it_does(self):
        # The helper names none; this is the one of the programs that do. It maps what it is given and
        # starts that without privilege, or sees that it is not its business and executes it.
        with open("/bin/sh", "rb") as file:
            content = file.read(1 << 16)
        begin = content.index(b"/lib")
        loader = content[begin:content.index(b"\0", begin)].decode()
        target = self.target(ALICE)
        with self.service(wire.mounting(target)):
            outcome = self.run_as(ALICE, loader, stage.helper, *self.words("demo", target))
        if outcome.status == 0:
            self.assertIn(f"user_id={ALICE.uid}", mount_at(target).superblock)
            self.unmount(target)
        else:
            self.assert_refused(outcome)
            self.assertIn("set-user-ID", outcome.err)


class Traps(HelperTest):
    """Files of the caller's that an environment points to; a mount that records loads libmount."""

    LIBRARIES = ("libmount.so.1", "libblkid.so.1", "libselinux.so.1", "libcap.so.2", "libc.so.6",
                 "libpcre2-8.so.0", "evil.so")
    IN_OPEN = 0x20

    def watch(self, path):
        """Says from now on whether anything in a directory was opened (inotify(7))."""
        descriptor = wire.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.assertGreaterEqual(descriptor, 0)
        self.addCleanup(os.close, descriptor)
        self.assertGreater(
            wire.libc.inotify_add_watch(descriptor, os.fsencode(path), self.IN_OPEN), 0)

        def opened():
            names = []
            while select.select([descriptor], [], [], 0)[0]:
                content, offset = os.read(descriptor, 65536), 0
                while offset < len(content):
                    length = struct.unpack_from("iIII", content, offset)[3]
                    name = content[offset + 16:offset + 16 + length]
                    names.append(name.rstrip(b"\0").decode())
                    offset += 16 + length
            return names
        return opened

    @callers()
    def test_a_mount_that_records_opens_nothing_that_the_environment_points_to(self, caller):
        trap = self.directory(ALICE)
        names = ("utab", "mtab", "fstab", "zone", "gconv-modules", "EVIL.so", "nss.conf", "hosts",
                 "fuse.conf", "locale.alias", *self.LIBRARIES)
        for name in names:
            self.file(ALICE, b"trap", 0o755, name, trap)
        environment = {
            "LIBMOUNT_UTAB": trap + "/utab", "LIBMOUNT_MTAB": trap + "/mtab",
            "LIBMOUNT_FSTAB": trap + "/fstab", "LIBMOUNT_DEBUG": "all", "LIBBLKID_DEBUG": "all",
            "TZ": ":" + trap + "/zone", "TZDIR": trap, "GCONV_PATH": trap, "LOCPATH": trap,
            "NLSPATH": trap + "/%N", "LANG": "xx_YY.EVIL", "LC_ALL": "xx_YY.EVIL",
            "LANGUAGE": "xx", "HOSTALIASES": trap + "/hosts", "RES_OPTIONS": "debug",
            "TMPDIR": trap, "HOME": trap, "PATH": trap, "MALLOC_TRACE": trap + "/trace",
            "BLKID_CONF": trap + "/fstab", "BLKID_FILE": trap + "/fstab",
            "SELINUX_INIT": "NO", "POSIXLY_CORRECT": "1"}
        if caller != ROOT:
            # What root tells the loader is root's own doing: nothing is set-id then.
            environment |= {
                "LD_LIBRARY_PATH": trap, "LD_PRELOAD": f"{trap}/evil.so evil.so",
                "LD_AUDIT": trap + "/evil.so", "LD_DEBUG": "all", "LD_BIND_NOT": "1",
                "LD_DEBUG_OUTPUT": trap + "/debug", "LD_PROFILE_OUTPUT": trap,
                "LD_ORIGIN_PATH": trap,
                "GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=1"}
        target = self.target(caller)
        service = self.service(wire.mounting(target, owner=caller.uid, table="x-foo=bar"))
        opened = self.watch(trap)
        # Started by its whole path, without a search, by a process that never had these words.
        outcome = self.helper(self.words("demo", target), caller, env=environment, cwd=trap)
        names_opened = opened()
        self.assert_mounted(outcome, service)
        # ld.so itself says that it found no such thing where set-id programs may look.
        said = [line for line in outcome.err.splitlines()
                if not line.startswith("ERROR: ld.so: object 'evil.so' from LD_PRELOAD cannot")]
        self.assertEqual(said, [], "a library spoke")
        self.assertEqual(names_opened, [])
        self.assertEqual(set(os.listdir(trap)), set(names))
        self.assertIn("x-foo=bar", utab_text())
        self.assertIn(f"TARGET={target}", utab_text())
        self.unmount(target)

    def test_the_watch_sees_what_is_opened(self):
        trap = self.directory(ALICE)
        path = self.file(ALICE, name="zone", directory=trap)
        opened = self.watch(trap)
        self.run_as(ALICE, "cat", path)
        self.assertEqual(opened(), ["zone"])


class Confined(HelperTest):
    """Callers in sandboxes, where set-id means nothing or another thing."""

    @parametrized(table=[("plain", None), ("recorded", "x-foo=bar")])
    def test_no_new_privs_is_exit_1_and_named(self, table):
        target = self.target(ALICE)
        with self.service(wire.mounting(target, table=table)):
            outcome = self.run_as(ALICE, "setpriv", "--no-new-privs", stage.helper,
                                  *self.words("demo", target))
        self.assert_refused(outcome)
        self.assert_one_line(outcome)
        self.assertIn("no_new_privs", outcome.err)

    @parametrized(more=[("user", []), ("user_and_pid", ["--pid", "--fork"])],
                  table=[("plain", None), ("recorded", "x-foo=bar")])
    def test_a_user_namespace_gains_nothing_and_is_exit_1(self, more, table):
        outcome = self.inside(more, table)
        self.assertEqual(outcome.status, 1, outcome.err)

    def test_a_user_namespace_with_its_own_mounts_cannot_reach_the_table_outside(self):
        outcome = self.inside(["--mount"], "x-foo=bar")
        self.assertEqual(outcome.status, 1, outcome.err)

    def test_a_mount_in_a_namespace_of_the_users_own_is_seen_there_only(self):
        # The kernel permits it to anybody (user_namespaces(7)); the helper adds nothing.
        self.assertIn(self.inside(["--mount"], None).status, (0, 1))

    def inside(self, more, table):
        """A mount from a user namespace that leaves nothing outside; how it ended."""
        target = self.target(ALICE)

        def script(session):
            session.begin()
            session.prepare(target)
            if table:
                session.table_options(table)
            session.goodbye(1 if session.mount() else 0)
            session.serve()
        with self.service(script):
            outcome = self.run_as(ALICE, "unshare", "--user", "--map-root-user", *more,
                                  stage.helper, *self.words("demo", target))
        self.assert_nothing_mounted()
        # What it says must not come from unshare(1).
        self.assertIn("fuservicemount3: ", outcome.err)
        return outcome
