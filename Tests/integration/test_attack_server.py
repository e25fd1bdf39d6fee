# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers that try what no ordinary one does: files, order, prefixes, escapes."""

import errno
import os
import stat
import unicodedata

import fuse_service as wire
from support import (ALICE, GRACE, ROOT, HelperTest, callers, mount_at, parametrized, stage,
                     system)
from test_files import Asking


class Files(Asking):
    """Files that would be worth having."""

    @callers()
    def test_neither_a_key_nor_the_helper_itself_is_had_by_asking(self, caller):
        key = os.path.join(caller.home, ".ssh", "id_rsa")
        os.makedirs(os.path.dirname(key), exist_ok=True)
        self.file(caller, b"key", 0o600, "id_rsa", os.path.dirname(key))
        self.addCleanup(os.unlink, key)
        image = self.file(caller)
        paths = [key, "~/.ssh/id_rsa", ".ssh/id_rsa", stage.helper, "/proc/self/exe",
                 "/proc/self/fd/0", "/proc/self/cwd/image", "/dev/fd/0", "", ".", "..",
                 os.path.dirname(image) + "/../../.ssh/id_rsa", image + "\n", image + ",x"]
        for flags in (os.O_RDONLY, os.O_RDWR, os.O_RDWR | os.O_CREAT | os.O_TRUNC):
            found = self.ask(
                caller, [lambda session, path=path: session.open(path, flags, 0o600)[0]
                         for path in paths if path], source=image,
                options=f"file:{key},=ro,{key}")
            self.assertEqual(set(found), {errno.EACCES})
        with open(key, "rb") as file:
            self.assertEqual(file.read(), b"key")
        with open(image, "rb") as file:
            self.assertEqual(file.read(), b"image")

    @callers()
    @parametrized(path=["/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches",
                        "/proc/sysrq-trigger", "/proc/1/root", "/proc/1/root/etc/shadow",
                        "/proc/1/mem", "/proc/1/ns/mnt", "/proc/1/ns/user", "/proc/1/cwd",
                        "/proc/1/fd", "/proc/1/environ", "/proc/self/map_files",
                        "/proc/self/root/etc/passwd", "/proc/thread-self/root/etc/passwd",
                        "/dev/fd/2", "/dev/stdin", "/dev/stderr", "/sys/kernel/uevent_helper",
                        "/sys/fs/cgroup"])
    def test_nothing_of_the_kernels_is_had_by_being_named(self, caller, path):
        for flags in (os.O_RDONLY, os.O_RDWR):
            found = self.ask(caller, [
                lambda session: session.open(path, flags)[0],
                lambda session: session.open(path, flags | os.O_CREAT, 0o600)[0],
                lambda session: session.open_block_device(path, 0, flags)[0]], source=path)
            self.assertNotIn(0, found)

    @callers()
    @parametrized(device=[("mem", (1, 1)), ("kmem", (1, 2)), ("port", (1, 4)), ("kmsg", (1, 11)),
                          ("tty", (5, 0)), ("console", (5, 1)), ("ptmx", (5, 2)),
                          ("fuse", (10, 229)), ("loop_control", (10, 237)), ("tun", (10, 200)),
                          ("zero", (1, 5))])
    def test_a_character_device_is_not_passed_though_the_caller_may_use_it(self, caller, device):
        path = os.path.join(stage.private, "devices", "node")
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(*device))
        self.addCleanup(os.unlink, path)
        os.chown(path, caller.uid, caller.gid)
        link = self.directory(caller) + "/link"
        os.symlink(path, link)
        for name in (path, link):
            found = self.ask(caller, [
                lambda session, name=name: session.open(name)[0],
                lambda session, name=name: session.open(name, os.O_RDWR)[0],
                lambda session, name=name: session.open_block_device(name)[0]], source=name)
            self.assertLessEqual(
                set(found), {errno.EACCES, errno.EINVAL, errno.ENOTBLK}, "it was opened")


VALID = [("OPEN", b"OPEN" + bytes(16) + b"image\0"), ("BDEV", b"BDEV" + bytes(16) + b"image\0"),
         ("TYPE", b"TYPE" + bytes(4)), ("NAME", b"NAMEdemo\0"),
         ("OPTS", b"OPTSdefault_permissions\0"), ("MTAB", b"MTABx-foo\0"),
         ("MNTP", b"MNTP" + bytes(4) + b"/mnt\0"), ("DOIT", b"DOIT" + bytes(4)),
         ("IOMA", b"IOMA\x50\x3f\0\0"), ("SAYS", b"SAYSbye\0"), ("BYEE", b"BYEE" + bytes(4))]


class Order(HelperTest):
    """Packets too early, too late, and in part."""

    @parametrized(packet=VALID)
    def test_no_command_is_taken_before_the_hello_is_answered(self, packet):
        def script(session):
            session.receive()
            session.send(packet)
            return session.wait_for_end()
        outcome, answers = self.converse(script, ALICE)
        self.assertEqual(answers, [])
        self.assert_refused(outcome)

    @callers()
    @parametrized(packet=VALID)
    def test_every_prefix_of_a_command_is_refused_and_no_mount_comes_of_it(self, caller, packet):
        magic = packet[:4]
        for length in range(4, len(packet)):
            def script(session, length=length):
                session.begin()
                for setting in (b"NAMEdemo\0", b"MNTP" + bytes(4) + os.fsencode(session.target)
                                + b"\0"):
                    if setting[:4] != magic:
                        assert session.ask(setting[:4], setting[4:]) == 0
                session.send(packet[:length])
                if magic in (b"SAYS", b"BYEE"):
                    return session.wait_for_end(), None
                if magic in (b"OPEN", b"BDEV"):
                    error = session.file_reply(b"?")[0]
                    session.goodbye(1)
                    return error, None
                answers = session.simple_reply(), session.mount()
                # What was wrong with IOMA is not wrong with the mount: the server decides.
                session.goodbye(1 if magic == b"IOMA" else 0)
                return answers
            outcome, answers = self.converse(script, caller, source="image")
            self.assert_refused(outcome)
            self.assertIn(answers, [(errno.EINVAL, errno.EINVAL), (errno.EINVAL, None), ([], None),
                                    *([(errno.EINVAL, 0)] if magic == b"IOMA" else [])],
                          packet[:length])

    @callers()
    @parametrized(packet=VALID)
    def test_what_comes_after_the_goodbye_changes_nothing(self, caller, packet):
        target = self.target(caller)

        def script(session):
            session.begin()
            session.prepare(target)
            assert session.mount() == 0
            session.serve(None, caller.uid, caller.gid)
            session.goodbye(0)
            for _ in range(3):
                try:
                    session.send(packet)
                except wire.SessionEnded:
                    break
            return session.wait_for_end()
        with self.service(script) as service:
            outcome = self.helper(self.words("image", target, "x-foo"), caller)
            self.assertEqual(service.result(), [])
            self.assert_mounted(outcome, service)
            mount = mount_at(target)
            self.assertEqual((mount.type, mount.source), ("fuse.demo", "demo"))
            self.assertTrue({"nosuid", "nodev"} <= mount.attributes)
            self.unmount(target, caller)

    @callers()
    @parametrized(packet=VALID, code=[0, 1])
    def test_nothing_revives_a_session_after_its_goodbye(self, caller, packet, code):
        def script(session):
            session.begin()
            session.prepare(session.target)
            session.goodbye(code)
            try:
                session.send(packet)
                session.send(b"DOIT" + bytes(4))
                session.goodbye(0)
            except wire.SessionEnded:
                pass
            return session.wait_for_end()
        outcome, answers = self.converse(script, caller, source="image")
        self.assertEqual(answers, [])
        self.assert_refused(outcome)

    @callers()
    def test_last_words_before_a_goodbye_of_0_cost_the_mount(self, caller):
        def script(session):
            session.begin()
            session.prepare(session.target)
            assert session.mount() == 0
            session.says("all is well")
            session.goodbye(0)
        outcome, _ = self.converse(script, caller)
        self.assert_refused(outcome)


# An erased screen, a changed title, a cursor elsewhere, C1 controls, marks that reorder text.
EVIL = ("\x1b[2J\x1b]0;title\x07\r\x08\x9b31m\u202e\u2066\u200b\u0085\u2028\ufeff\x7f\x0e\n"
        "fuservicemount3: all is well").encode() + b"\x9b\xff\xc0\xaf\xed\xa0\x80"


class Speech(HelperTest):
    """Escapes in every string that the helper may print."""

    def assert_clean(self, outcome):
        """Whole lines of the helper's own, without anything that moves or hides text."""
        self.assertNotEqual(outcome.err, "", "nothing was said")
        for line in outcome.err.splitlines():
            self.assertRegex(line, r"\A(\S*/)?(fuservicemount3|mount\.fuse\S*): ")
            self.assertLess(len(line), 1100)
        self.assertFalse("fuservicemount3: all is well" in outcome.err.splitlines())
        odd = [character for character in outcome.err + outcome.out if character != "\n"
               and (unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co"))]
        self.assertEqual(odd, [])

    STRINGS = [
        ("NAME", lambda session: session.name(EVIL)),
        ("NAME_path", lambda session: session.name(b"/" + EVIL)),
        ("OPTS", lambda session: session.options(EVIL)),
        ("OPTS_value", lambda session: session.options(b"max_read=" + EVIL)),
        ("OPTS_context", lambda session: session.options(b"context=\"" + EVIL)),
        ("MTAB", lambda session: session.table_options(EVIL)),
        ("MTAB_user", lambda session: session.table_options(b"user=" + EVIL)),
        ("MTAB_x", lambda session: session.table_options(b"x-" + EVIL)),
        ("MNTP", lambda session: session.mount_point(EVIL)),
        ("OPEN_unnamed", lambda session: session.open(EVIL)),
        ("BDEV_unnamed", lambda session: session.open_block_device(EVIL, 512)),
        ("OPEN_named", lambda session: session.open(b"/named/" + EVIL)),
        ("BDEV_named", lambda session: session.open_block_device(b"/named/" + EVIL)),
        ("OPEN_option", lambda session: session.open(EVIL + b"/of/an/option")),
        ("magic", lambda session: session.send(b"\x1b[2J" + EVIL)),
        ("SAYS", lambda session: session.says(EVIL)),
        ("SAYS_long", lambda session: session.says(EVIL * 5)),
    ]

    @callers()
    @parametrized(string=STRINGS)
    def test_nothing_that_the_server_says_moves_the_cursor(self, caller, string):
        def script(session):
            session.begin()
            string(session)
            try:
                session.goodbye(1)
            except wire.SessionEnded:
                pass
        outcome, _ = self.converse(
            script, caller, source=b"/named/" + EVIL, options=b"key=" + EVIL + b"/of/an/option",
            more=["--verbose"])
        self.assert_refused(outcome)
        self.assert_clean(outcome)

    COMMAND_LINES = [
        ("source", [EVIL, "MNT", "-t", "demo"]), ("mount_point", ["image", EVIL, "-t", "demo"]),
        ("type", ["image", "MNT", "-t", EVIL.replace(b"\n", b"")]),
        ("fuse_type", ["image", "MNT", "-t", b"fuse." + EVIL]),
        ("missing_type", ["image", "MNT", "-t", "caf\u00e9\u202e"]),
        ("options", ["image", EVIL, "-t", "demo", b"-o" + EVIL]),
        ("x_option", ["image", EVIL, "-t", "demo", b"-ox-" + EVIL]),
        ("timeout", ["image", "MNT", "-t", "demo", "--timeout", EVIL]),
        ("timeout_option", ["image", "MNT", "-t", "demo", b"-ox-fuse-service.timeout=" + EVIL]),
        ("unknown", ["image", EVIL, "-t", "demo", b"--" + EVIL]),
        ("check", ["-t", EVIL, "--check", EVIL]),
    ]

    @callers()
    @parametrized(words=COMMAND_LINES)
    def test_nothing_on_the_command_line_moves_the_cursor(self, caller, words):
        target = self.target(caller)
        outcome = self.helper([target if word == "MNT" else word for word in words]
                              + ["--verbose"], caller)
        self.assertIn(outcome.status, (1, 2))
        self.assert_clean(outcome)

    def test_no_name_of_the_program_moves_the_cursor(self):
        for name in (b"mount.fuse." + EVIL, EVIL, b"mount.fuse.x" + EVIL):
            outcome = self.start([name, "image", "/nowhere"], ALICE,
                                 executable=stage.helper).finish(GRACE)
            self.assertIn(outcome.status, (1, 2))
            self.assert_clean(outcome)

    def test_no_line_of_fuse_conf_moves_the_cursor(self):
        with open(stage.conf, "wb") as file:
            self.addCleanup(self.fuse_conf, "")
            file.write(EVIL + b"\nmount_max = " + EVIL + b"\n" + EVIL * 10 + b"\n" + EVIL)
        outcome = self.helper(["image", "/nowhere", "-t", "demo"], ALICE)
        self.assertEqual(outcome.status, 1)
        self.assert_clean(outcome)
        self.assertIn("fuse.conf", outcome.err)
