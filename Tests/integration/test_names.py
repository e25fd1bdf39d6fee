# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names of users: a name service that does not answer, and answers that are no names."""

import os
import signal
import time

import fuse_service as wire
from support import (ALICE, GRACE, ROOT, STALL, HelperTest, callers, detach, eventually,
                     helper_processes, mount_at, mounts, parametrized, process_status,
                     system, utab_text)


class Names(HelperTest):
    """The user database is another one than the machine's."""

    def put(self, content, place):
        """Another file at a place for this test; None is a FIFO, which nobody writes to."""
        path = os.path.join(self.directory(ROOT), os.path.basename(place))
        if content is None:
            os.mkfifo(path, 0o644)
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
        os.chmod(path, 0o644)
        system("mount", "--bind", path, place)
        self.before = {mount.number for mount in mounts()}
        self.addCleanup(detach, place)

    def put_names(self, content):
        """Another user database."""
        self.put("passwd: files\n", "/etc/nsswitch.conf")
        self.put(content, "/etc/passwd")

    def start_mount(self, caller, *more, **script):
        """A helper and its mount point."""
        target = self.target(caller)
        service = self.service(
            wire.mounting(target, owner=caller.uid, group=caller.gid, **script))
        return self.start_helper(self.words("demo", target, None, *more), caller), target, service


class Silent(Names):
    """A name service that never answers."""

    def setUp(self):
        super().setUp()
        self.put_names(None)

    def lookups(self):
        """The processes that look a name up: they open the FIFO."""
        found = []
        for process in helper_processes():
            try:
                with open(f"/proc/{process}/syscall", encoding="ascii") as file:
                    words = file.read().split()
                if os.sysconf("SC_LONG_BIT") == 64 and words[0] in ("257", "56"):  # openat
                    found.append(process)
            except (OSError, IndexError):
                pass
        return found

    @callers()
    def test_a_mount_that_needs_no_name_asks_for_none(self, caller):
        running, target, service = self.start_mount(caller)
        outcome = running.finish()
        self.assert_mounted(outcome, service)
        self.unmount(target)

    @callers()
    def test_a_mount_that_records_a_word_asks_for_none(self, caller):
        running, target, service = self.start_mount(caller, table="x-foo=bar")
        outcome = running.finish()
        self.assert_mounted(outcome, service)
        self.assertIn("x-foo=bar", utab_text())
        self.unmount(target)

    @callers()
    def test_a_name_that_a_server_sends_is_dropped_and_the_mount_is_made_in_time(self, caller):
        running, target, _ = self.start_mount(
            caller, "--timeout", str(STALL), table="user=" + caller.name)
        outcome = running.finish(STALL + GRACE)
        self.assertEqual(outcome.status, 0, outcome.err)
        self.assert_one_line(outcome)
        self.assertIn(f"option 'user={caller.name}' from the server is not recorded", outcome.err)
        self.assertEqual(utab_text(), "")
        self.unmount(target)

    def test_a_signal_ends_the_wait_for_a_name(self):
        running, target, _ = self.start_mount(ALICE, table="user=fsmalice")
        self.assertTrue(eventually(self.lookups, 10), "nobody looks a name up")
        begun = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        outcome = running.finish(GRACE)
        self.assertLess(time.monotonic() - begun, GRACE / 2)
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assert_nothing_mounted()
        self.assertIsNone(mount_at(target))

    def test_what_looks_the_name_up_has_the_callers_ids_and_no_capability(self):
        running, _, _ = self.start_mount(ALICE, table="user=fsmalice")
        self.assertTrue(eventually(self.lookups, 10), "nobody looks a name up")
        process, = self.lookups()
        status = process_status(process)
        self.assertEqual(status["Uid"].split(), [str(ALICE.uid)] * 4)
        self.assertEqual(status["Gid"].split(), [str(ALICE.gid)] * 4)
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[capabilities], 16), 0, capabilities)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        # Nothing of the mount is in its reach, nor of the caller's.
        links = {os.readlink(f"/proc/{process}/fd/{number}")
                 for number in os.listdir(f"/proc/{process}/fd")}
        self.assertEqual({link for link in links if not link.startswith("socket:")},
                         {"/dev/null"})
        running.process.send_signal(signal.SIGTERM)
        running.finish(GRACE)
        self.assert_nothing_mounted()


class Answers(Names):
    """Names that a mount table cannot hold, or that would mean something else there."""

    @parametrized(name=[("long", "a" * 257), ("huge", "a" * 100_000), ("comma", "a,uhelper=x"),
                        ("space", "a b"), ("escape", "a\x1b[31m"), ("empty", ""),
                        ("no_entry", None)])
    def test_whatever_the_callers_name_is_it_is_not_recorded(self, name):
        line = "" if name is None else f"{name}:x:{ALICE.uid}:{ALICE.gid}::/:/bin/sh\n"
        self.put_names("root:x:0:0::/:/bin/sh\n" + line)
        running, target, _ = self.start_mount(ALICE, table="x-foo=bar,user=" + (name or "")[:100])
        outcome = running.finish()
        self.assertEqual(outcome.status, 0, outcome.err)
        record, = [line for line in utab_text().splitlines() if f"TARGET={target}" in line]
        self.assertIn("OPTS=x-foo=bar", record)
        for word in ("user=", "uhelper=", "\x1b"):
            self.assertNotIn(word, record)
        self.unmount(target)
