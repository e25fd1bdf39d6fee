# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kernel locks and pipes that somebody else holds: the helper ends in time all the same."""

import errno
import os
import signal
import subprocess
import time

import fuse_service as wire
from support import (ALICE, BOB, GRACE, STALL, HelperTest, eventually, helper_processes, mount_at,
                     parametrized)

OWNERS = [(ALICE, None), (BOB, "allow_other")]


class DirectoryLock(HelperTest):
    """Attaching needs the mount point's inode lock, which a LOOKUP below it holds."""

    def stalled(self, owner, options, *more):
        """A helper that said all it had to say, and cannot attach; the mount point, the server."""
        place, lower = self.below(owner, {"mnt": {}}, (), options)
        target = place + "/mnt"

        def script(session):
            session.begin()
            session.prepare(target)
            reply = session.mount()
            assert reply == 0, os.strerror(reply)
            lower.silent = (wire.LOOKUP,)
            holder = subprocess.Popen(
                ["stat", target + "/missing"], user=ALICE.uid, group=ALICE.gid, extra_groups=[],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(holder.wait, 5)
            self.addCleanup(lower.answer_at_last)
            assert eventually(lambda: lower.unanswered), "nobody holds the lock"
            time.sleep(0.05)
            session.goodbye(0)
            session.serve(None, ALICE.uid, ALICE.gid)
        service = self.service(script)
        running = self.start_helper(self.words("demo", target, None, *more), ALICE)
        self.type += "x"  # the name of the next service
        service.result()
        return running, target, lower

    def assert_dead_or_absent(self, outcome, target, lower):
        """Exit 1, and what is attached once the lock is free answers nobody."""
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assert_one_line(outcome)
        self.assertIsNone(mount_at(target))
        lower.answer_at_last()
        time.sleep(0.2)
        if mount_at(target) is not None:
            seen = self.run_as(ALICE, "ls", target)
            self.assertNotEqual(seen.status, 0, seen.out)
            self.assertIn(os.strerror(errno.ENOTCONN), seen.err)
            self.before |= {mount_at(target).number}  # goes with the mount that it lies on

    def assert_no_process_is_left(self):
        """What waited for the lock is gone with it."""
        self.assertTrue(eventually(lambda: not helper_processes()), "processes wait on")

    # Both at once in each test, because each waits for seconds.

    def test_a_lookup_that_holds_the_mount_points_lock_does_not_hold_the_helper(self):
        stalled = [self.stalled(*owner, "--timeout", str(STALL)) for owner in OWNERS]
        outcomes = [running.finish(STALL + GRACE) for running, _, _ in stalled]
        for outcome, (_, target, lower) in zip(outcomes, stalled):
            self.assert_dead_or_absent(outcome, target, lower)
        self.assert_no_process_is_left()

    def test_a_signal_ends_a_helper_whose_mount_points_lock_is_held(self):
        stalled = [self.stalled(*owner) for owner in OWNERS]
        time.sleep(0.3)
        for running, _, _ in stalled:
            running.process.send_signal(signal.SIGTERM)
        outcomes = [running.finish(GRACE) for running, _, _ in stalled]
        for outcome, (_, target, lower) in zip(outcomes, stalled):
            self.assert_dead_or_absent(outcome, target, lower)
        self.assert_no_process_is_left()


class Unread(HelperTest):
    """Standard error that nobody reads."""

    @parametrized(owner=[("own_pipe", ALICE), ("anothers_pipe", BOB)])
    def test_150_refused_files_do_not_hold_a_helper_whose_messages_nobody_reads(self, owner):
        name = b"\x01\x1b\xff" * 300
        read, write = os.pipe()
        os.fchown(write, owner.uid, owner.gid)  # who may open it again
        self.addCleanup(os.close, read)

        def script(session):
            session.begin()
            errors = {session.open(name)[0] for _ in range(150)}
            session.goodbye(1)
            return errors
        target = self.target(ALICE)
        with self.service(script) as service:
            running = self.start_helper(self.words("demo", target), ALICE, stderr=write)
            os.close(write)
            outcome = running.finish(GRACE)
            self.assertEqual(service.result(), {errno.EACCES})
        self.assertEqual(outcome.status, 1)
        self.assert_nothing_mounted()
        os.set_blocking(read, False)
        said = b""
        while True:
            try:
                part = os.read(read, 65536)
            except BlockingIOError:
                self.fail("a process still holds the pipe")
            if not part:
                break
            said += part
        self.assertGreater(len(said), 50000, "the pipe was not filled")
        self.assertNotRegex(said.replace(b"\n", b""), rb"[\x00-\x1f\x7f-\xff]")
        self.assertTrue(all(line.startswith(b"fuservicemount3: ")
                            for line in said.splitlines()))
