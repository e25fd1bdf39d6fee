# SPDX-License-Identifier: LGPL-2.1-or-later
"""Between the goodbye and the end: callers who kill, locks that others hold, limits that race."""

import os
import select
import signal
import subprocess
import threading
import time

import fuse_service as wire
from support import (ALICE, BOB, PYTHON, ROOT, HelperTest, detach, helper_processes, mount_at,
                     mounts, parametrized, stage, utab)

# Lists a directory into memory that is a page of a file whose server never answers: the directory's
# lock is held for as long as the server likes, by anyone who may list it.
HOLD_LOCK = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long]
libc.syscall.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_long]
page = libc.mmap(None, 4096, 3, 2, os.open(sys.argv[1], os.O_RDONLY), 0)
directory = os.open(sys.argv[2], os.O_RDONLY | os.O_DIRECTORY)
libc.syscall({number}, directory, page, 4096)
"""
GETDENTS64 = {"x86_64": 217}.get(os.uname().machine, 61)


def as_caller(caller, function):
    """Runs a function in a process of the caller's and waits for its end."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(*[caller.gid] * 3)
            os.setresuid(*[caller.uid] * 3)
            function()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def wait_for_processes():
    """Waits until the helper's processes are gone, which may outlive the helper for a moment."""
    deadline = time.monotonic() + 5
    while helper_processes() and time.monotonic() < deadline:
        time.sleep(0.02)


class Killers(HelperTest):
    """The monitor's real id is the caller's, so the caller may kill it whenever it likes."""

    def test_a_helper_killed_when_its_record_appears_leaves_no_entry_without_a_mount(self):
        def identity():
            try:
                return os.stat("/run/mount/utab").st_ino
            except FileNotFoundError:
                return None
        for number in range(10):
            target = self.target(ALICE)
            self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid), f"k{number}")
            before = identity()
            running = self.start_helper(
                ["demo", target, "-t", f"fuse.k{number}", "-o", "x-big=" + "A" * 3000], ALICE)

            def kill_at_record(before=before, process=running.process.pid):
                deadline = time.monotonic() + 5
                while time.monotonic() < deadline:
                    if identity() != before:
                        os.kill(process, signal.SIGKILL)
                        return
            self.assertEqual(as_caller(ALICE, kill_at_record), 0)
            running.process.wait(10)
            wait_for_processes()
            entries = [line for line in utab() or [] if target in line]
            self.assertEqual(len(entries), 0 if mount_at(target) is None else 1)
            if mount_at(target):
                self.unmount(target)

    def test_mount_max_holds_when_each_helper_is_killed_as_its_mount_appears(self):
        self.fuse_conf("mount_max = 1\n")
        gates, ready, running, targets = [], threading.Semaphore(0), [], []
        for number in range(6):
            target, gate = self.target(ALICE), threading.Event()
            targets.append(target)
            gates.append(gate)

            def script(session, target=target, gate=gate):
                session.begin()
                session.prepare(target)
                assert session.mount() == 0
                session.serve(None, ALICE.uid, ALICE.gid)
                ready.release()
                gate.wait(30)
                session.goodbye(0)
            self.service(script, f"m{number}")
            running.append(self.start_helper(["demo", target, "-t", f"fuse.m{number}"], ALICE))
        for _ in gates:
            self.assertTrue(ready.acquire(timeout=10))
        for one, gate in zip(running, gates):
            # The table of mounts tells by poll when it changes.
            with open("/proc/self/mounts", encoding="utf-8") as table:
                poll = select.poll()
                poll.register(table, select.POLLPRI)
                table.read()
                gate.set()
                if poll.poll(2000):
                    os.kill(one.process.pid, signal.SIGKILL)
            one.process.wait(10)
        wait_for_processes()
        there = [mount.target for mount in mounts() if mount.target in targets]
        self.assertLessEqual(len(there), 1, there)
        for target in there:
            detach(target)

    def test_an_interval_timer_set_before_the_start_does_not_end_the_helper(self):
        target = self.target(ALICE)

        def script(session):
            session.begin()
            session.prepare(target)
            assert session.mount() == 0
            time.sleep(1.2)
            session.goodbye(1)
        service = self.service(script)
        words = self.words("demo", target)
        running = self.start(
            [PYTHON, "-c", "import os, signal, sys; signal.setitimer(signal.ITIMER_REAL, 0.6); "
             "os.execv(sys.argv[1], sys.argv[1:])", stage.helper, *words], ALICE)
        outcome = running.finish()
        service.result()
        self.assertEqual(outcome.status, 1)
        self.assertIn("the service gave up with code 1", outcome.err)


class Locks(HelperTest):
    """Locks that anybody can hold for ever."""

    @parametrized(victim=[("tmpfs", (BOB, "tmpfs")), ("ext4", (ROOT, "root"))])
    def test_a_mount_point_whose_lock_another_user_holds_delays_nobody_and_nothing_appears_later(
            self, victim):
        caller, where = victim
        service, outer, _ = self.mount(ALICE, tree={"page": b"x" * 4096}, silent=[wire.READ])
        target = self.target(caller, where)
        holder = subprocess.Popen(
            [PYTHON, "-I", "-S", "-c", HOLD_LOCK.format(number=GETDENTS64), outer + "/page", target],
            user=ALICE.uid, group=ALICE.gid, extra_groups=[])
        try:
            time.sleep(0.5)
            self.service(wire.mounting(target, owner=caller.uid, group=caller.gid), "held")
            outcome = self.helper(["demo", target, "-t", "fuse.held", "--timeout", "1"], caller)
            self.assertEqual(outcome.status, 1, outcome.err)
            self.assertLess(outcome.seconds, 10)
        finally:
            service.session.fuse.stop()
            holder.wait(10)
        wait_for_processes()
        self.assertIsNone(mount_at(target))
        detach(outer)
