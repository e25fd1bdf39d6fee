# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same conversations with our helper and, where FUSERVICEMOUNT3_PEER names it, with libfuse's.

Each row of the table has the transcript of ours, and libfuse's where it is another one, together
with the sections of docs/peer-differences.md that explain it. Without the variable the rows are
checked against ours alone. What the variable names, and what else of libfuse takes part, is in
peer.py.
"""

import os
import re
import shutil

import fuse_service as wire
import peer
from conversations import ROWS
from conversations.play import Play, in_order
from conversations.rows import for_caller
from real_server import RealServer
from support import (ALICE, ROOT, HelperTest, callers, eventually, mount_at, parametrized, stage)
from test_server_faults import synchronous_init_is_known

PEER = peer.HELPER
PEER_SERVER = peer.program("service_ll")
PEER_CALLER = peer.CALLER
HANGS_AFTER = 3  # seconds that a helper which never gives up is given
DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "../../docs/peer-differences.md")


def install(source, name, mode):
    """A program beside the helper under test."""
    path = os.path.join(os.path.dirname(stage.helper), name)
    shutil.copyfile(source, path)
    os.chown(path, 0, 0)
    os.chmod(path, mode)
    return path


class Rows(HelperTest):
    """One test for each row and caller."""

    @classmethod
    def fill(cls, judge):
        """Makes the tests; `judge` plays a row and looks at what came of it."""
        for row in ROWS:
            for caller in row.callers:
                def run(self, row=row, caller=caller):
                    if row.needs_synchronous_init and not synchronous_init_is_known():
                        self.skipTest("the kernel is older than 6.18")
                    judge(self, row, caller)
                name = f"test_{row.name}__{'root' if caller is ROOT else 'user'}"
                assert not hasattr(cls, name), name
                run.__name__ = name
                setattr(cls, name, run)

    def play(self, row, caller, helper, limit=15):
        """The transcript of a row with a helper."""
        if row.unprivileged:
            helper = install(helper, "fuservicemount3-unprivileged", 0o755)
        return Play(self, row, caller, helper, limit).transcript()


class Ours(Rows):
    """Our helper does what the table says."""

    def judge(self, row, caller):
        """Compares."""
        if row.hangs:
            row = row._replace(more=(*row.more, "--timeout", "1"))
        self.assertEqual(self.play(row, caller, stage.helper), for_caller(row.ours, caller))


Ours.fill(Ours.judge)


if PEER:
    class Peer(Rows):
        """libfuse's helper differs where the table says so, and nowhere else."""

        def judge(self, row, caller):
            """Compares."""
            helper = install(PEER, "fuservicemount3-peer", 0o4755)
            found = self.play(row, caller, helper, *([HANGS_AFTER] if row.hangs else []))
            ours = for_caller(row.ours, caller)
            expected = for_caller(row.peer.transcript, caller) if row.peer else None
            if expected is None:
                self.assertEqual(found, ours, "a difference that is not documented")
            else:
                self.assertNotEqual(found, ours, f"does not differ any more: {row.peer.sections}")
                self.assertEqual(found, expected, "differs in another way than is documented")

    Peer.fill(Peer.judge)


HELPERS = [("ours", False)] + ([("peer", True)] if PEER else [])


if PEER_SERVER:
    class WithServer(HelperTest):
        """libfuse's service_ll works with either helper."""

        type = "service_ll"

        def mounted(self, caller, theirs, options=None):
            """Mounts an image; the outcome, the mount point and what is mounted there."""
            helper = install(PEER, "fuservicemount3-peer", 0o4755) if theirs else stage.helper
            server = RealServer(self.type, PEER_SERVER)
            self.addCleanup(server.close)
            target = self.target(caller)
            image = self.file(caller, b"content".ljust(65536, b"."))
            outcome = self.start([helper, *self.words(image, target, options)], caller).finish()
            return outcome, target, mount_at(target)

        @callers()
        @parametrized(helper=HELPERS)
        @parametrized(row=[
            ("plain", (None, "rw,nodev,nosuid,relatime", "rw")),
            ("ro", ("ro", "ro,nodev,nosuid,relatime", "ro")),
            ("flags", ("noexec,noatime", "rw,noatime,nodev,noexec,nosuid", "rw")),
            ("as_mount_fuse3_says", ("rw,nosuid,nodev", "rw,nodev,nosuid,relatime", "rw")),
            ("options", ("default_permissions,x-foo", "rw,nodev,nosuid,relatime",
                         "rw,default_permissions")),
            # This server ends when the kernel asks, because it has not set the limit itself.
            ("a_limit_twice", ("max_read=4096,max_read=65536", "rw,nodev,nosuid,relatime",
                               "rw,max_read=65536"))])
        def test_it_mounts_serves_and_goes(self, caller, helper, row):
            options, attributes, superblock = row
            outcome, target, mount = self.mounted(caller, helper, options)
            self.assertEqual(outcome.status, 0, outcome.err)
            owner = {f"user_id={caller.uid}", f"group_id={caller.gid}"}
            self.assertEqual((mount.type, mount.source), ("fuse.service_ll", "service_ll"))
            self.assertEqual(in_order(mount.attributes), attributes)
            self.assertEqual(in_order(mount.superblock - owner), superblock)
            if "max_read" not in (options or ""):
                names = self.run_as(caller, "ls", target).out.split()
                self.assertEqual(len(names), 1)
                shown = self.run_as(caller, "head", "-c", "7", os.path.join(target, names[0]))
                self.assertEqual(shown.out, "content", shown.err)
            self.run_as(ROOT, "umount", target)
            self.assertTrue(eventually(lambda: mount_at(target) is None))

        @parametrized(helper=HELPERS)
        def test_it_is_refused_allow_other(self, helper):
            outcome, _, mount = self.mounted(ALICE, helper, "allow_other")
            self.assertEqual((outcome.status, mount), (1, None), outcome.err)


if PEER_CALLER:
    class WithCaller(HelperTest):
        """libfuse's mount.fuse3 works with either helper."""

        def called(self, helper, script, options):
            """Runs mount.fuse3 as a user, with a helper in its place; the outcome."""
            path = install(PEER, "fuservicemount3-peer", 0o4755) if helper else stage.helper
            os.symlink(path, "/usr/sbin/fuservicemount3")
            self.addCleanup(os.unlink, "/usr/sbin/fuservicemount3")
            target = self.target(ALICE)
            self.service(lambda session: script(session, target))
            return target, self.run_as(ALICE, PEER_CALLER, "image", target, "-t", "fuse.demo",
                                       "-o", options)

        @parametrized(helper=HELPERS)
        def test_it_mounts(self, helper):
            target, outcome = self.called(
                helper, lambda session, target: wire.mounting(
                    target, flags=0, owner=ALICE.uid, group=ALICE.gid)(session), "rw,noexec")
            self.assertEqual(outcome.status, 0, outcome.err)
            self.assertTrue({"nosuid", "nodev"} <= mount_at(target).attributes)
            self.assertEqual(self.run_as(ALICE, "cat", target + "/hello").out, "hello, world\n")
            self.unmount(target, ROOT)

        @parametrized(helper=HELPERS)
        def test_a_server_that_gives_up_starts_nothing_else(self, helper):
            def script(session, _):
                session.begin()
                session.goodbye(1)
            _, outcome = self.called(helper, script, "rw")
            self.assertEqual(outcome.status, 1, outcome.err)
            self.assertNotIn("sh:", outcome.err)
            self.assert_nothing_mounted()


class Document(HelperTest):
    """docs/peer-differences.md and the table agree."""

    def setUp(self):
        super().setUp()
        with open(DOCUMENT, encoding="utf-8") as file:
            parts = re.split(r"^### (\S+)$", file.read(), flags=re.MULTILINE)
        # A section ends where the next one, or another group of them, begins.
        self.sections = {name: re.split(r"^## ", text, flags=re.MULTILINE)[0]
                         for name, text in zip(parts[1::2], parts[2::2])}
        self.named = parts[1::2]

    def test_each_difference_has_a_section_and_each_section_a_difference(self):
        used = {section for row in ROWS if row.peer for section in row.peer.sections}
        self.assertEqual(sorted(self.named), sorted(used))

    def test_each_section_names_rows_that_show_the_difference(self):
        for name, text in self.sections.items():
            rows = {row.name for row in ROWS if row.peer and name in row.peer.sections}
            with self.subTest(section=name):
                tests = re.search(r"^Tests?: (.*?)(?:\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
                self.assertIsNotNone(tests, "names no test")
                named = re.findall(r"`([^`]+)`", tests[1])
                self.assertNotEqual(named, [])
                self.assertEqual([row for row in named if row not in rows], [])

    def test_a_difference_is_one(self):
        for row in ROWS:
            self.assertTrue(row.peer is None or row.peer.sections, row.name)
            for caller in row.callers:
                ours = for_caller(row.ours, caller)
                self.assertIsNotNone(ours, row.name)
                if row.peer:
                    self.assertNotEqual(for_caller(row.peer.transcript, caller), ours, row.name)
