# SPDX-License-Identifier: LGPL-2.1-or-later
"""utab under attack: its lock held by somebody else, its directory unusable, its name a link."""

import fcntl
import os
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import fuse_service as wire
from support import (ALICE, BOTH, COMPANION, ENGINES, GRACE, PYTHON, ROOT, STALL, HelperTest, callers, detach,
                     eventually, helper_processes, libc, mount_at, mounts, parametrized,
                     process_status, stage, system, utab, utab_text, waiters_for_a_lock)
from test_processes import SYS_ADMIN, TAKE_HOLD

DIRECTORY = "/run/mount"
LOCK = DIRECTORY + "/utab.lock"
TABLE = DIRECTORY + "/utab"
OTHER = "SRC=other TARGET=/other ROOT=/ OPTS=x-other\n"

# Waits for utab's lock as soon as somebody works in the directory, and keeps it then.
TAKE_LOCK = """
import fcntl, os, sys, time
def state():
    return os.stat(os.path.dirname(sys.argv[1])).st_mtime_ns
lock = open(sys.argv[1] + ".lock")
before = state()
print("ready", flush=True)
while state() == before:
    pass
fcntl.flock(lock, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""

# Runs a program in the foreground, and when that is stopped, waits for a line before it ends.
SHELL = 'set -m; "$@" & fg > /dev/null; status=$?; [ $status -lt 140 ] || read; exit $status'


class Terminal(HelperTest):
    """A terminal stops and ends whatever is in its session, without asking whose it is: the caller may
    not reach the recorder, which has root's ids, in this way either."""

    def begin(self, caller):
        """A helper in the foreground of a terminal, as a shell starts it, whose server has the mount and
        has not said goodbye: the shell, the terminal, the recorder, the mount point, and what ends the
        server's pause."""
        made, over = threading.Event(), threading.Event()
        target = self.target(caller)

        def script(session):
            session.begin()
            session.prepare(target)
            session.table_options("x-foo=bar")
            session.mount()
            made.set()
            over.wait(20)
            session.goodbye()
            session.serve(owner=caller.uid, group=caller.gid)
        self.service(script)
        shell, terminal = pty.fork()
        if shell == 0:
            os.setgroups([])
            os.setresgid(caller.gid, caller.gid, caller.gid)
            os.setresuid(caller.uid, caller.uid, caller.uid)
            os.execve("/bin/bash", ["bash", "-c", SHELL, "bash", stage.helper,
                                    *self.words("demo", target)], {})
        self.addCleanup(os.close, terminal)
        self.addCleanup(over.set)
        self.assertTrue(made.wait(10))

        def recorders():
            return [each for each in helper_processes() if self.is_recorder(each)]
        self.assertTrue(eventually(recorders), "no recorder")
        return shell, terminal, recorders()[0], target, over

    @staticmethod
    def is_recorder(process):
        """Whether a process of the helper's is the companion."""
        return os.readlink(f"/proc/{process}/exe").endswith(COMPANION)

    @callers()
    def test_a_recorder_that_waits_is_in_a_session_of_its_own(self, caller):
        shell, _, recorder, target, over = self.begin(caller)
        self.assertEqual(os.getsid(recorder), recorder)
        over.set()
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(shell, 0)[1]), 0)
        self.assertIn(f"TARGET={target}", utab_text())
        self.unmount(target)

    @callers()
    def test_the_stop_key_does_not_stop_it(self, caller):
        shell, terminal, recorder, target, over = self.begin(caller)
        others = [each for each in helper_processes() if each != recorder]
        self.assertEqual(len(others), 3)
        os.write(terminal, b"\x1a")
        self.assertTrue(eventually(
            lambda: all(process_status(each)["State"][0] == "T" for each in others)))
        self.assertTrue(eventually(lambda: process_status(recorder)["State"][0] == "S"))
        for each in others:
            os.kill(each, signal.SIGCONT)
        over.set()
        self.assertTrue(eventually(lambda: mount_at(target) and not helper_processes()))
        os.write(terminal, b"\n")
        os.waitpid(shell, 0)
        self.assertIn(f"TARGET={target}", utab_text())
        self.unmount(target)

    @parametrized(caller=[("root", ROOT), ("user", ALICE)],
                  key=[("interrupt", b"\x03"), ("quit", b"\x1c")])
    def test_the_keys_that_end_the_helper_leave_nothing(self, caller, key):
        shell, terminal, _, target, _ = self.begin(caller)
        os.write(terminal, key)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(shell, 0)[1]), 1)
        self.assertTrue(eventually(lambda: not helper_processes()))
        self.assertIsNone(mount_at(target))
        self.assertEqual(utab_text(), "")
        # Nobody has its lock.
        with open(LOCK, "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Recording(HelperTest):
    """Mounts that record a word."""

    def script(self, target, caller):
        """A server that has something recorded."""
        return wire.mounting(target, table="x-foo=bar", owner=caller.uid, group=caller.gid)

    def record(self, caller, failing=()):
        """Runs the helper for a mount that records; the outcome and the mount point."""
        target = self.target(caller)
        self.service(self.script(target, caller))
        return self.helper(self.words("demo", target), caller, failing=failing), target

    def assert_recorded(self, outcome, target):
        """The mount and its record are there; both are taken away again."""
        self.assert_mounted(outcome)
        self.assertEqual(mount_at(target).type, "fuse.demo")
        self.assertIn(f"TARGET={target}", utab_text())
        self.assertIn("x-foo=bar", utab_text())
        self.unmount(target)

    def assert_no_rest(self):
        """No temporary file; the lock's file may stay, as it does with mount(8)."""
        self.assertEqual(set(os.listdir(DIRECTORY)) - {"utab", "utab.lock"}, set())


class Lock(Recording):
    """Any user may hold utab's lock for ever: flock(2) needs no right to write."""

    def hold_lock(self):
        """Has the user hold the lock, shared; gives what lets go of it."""
        open(LOCK, "ab").close()
        os.chmod(LOCK, 0o644)
        holder = subprocess.Popen(
            ["flock", "--shared", LOCK, "cat"], user=ALICE.uid, group=ALICE.gid,
            extra_groups=[], stdin=subprocess.PIPE)

        def held():
            with open(LOCK, "rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return True
            return False

        def let_go():
            holder.stdin.close()
            holder.wait(5)
        self.addCleanup(let_go)
        self.assertTrue(eventually(held), "the lock is not held")
        return let_go

    def start_waiting(self, caller, *more):
        """A helper that waits for the lock, and its mount point."""
        target = self.target(caller)
        self.service(self.script(target, caller))
        before = waiters_for_a_lock()
        running = self.start_helper(self.words("demo", target, None, *more), caller)
        self.assertTrue(eventually(lambda: waiters_for_a_lock() > before, 10),
                        "nobody waits for the lock")
        self.type += "x"  # the name of the next service
        return running, target

    def assert_nothing_comes_of_it(self, let_go):
        """No process is left, and none writes once the lock is free."""
        self.assertTrue(eventually(lambda: not helper_processes()), "a process waits on")
        self.assert_nothing_mounted()
        let_go()
        time.sleep(0.3)
        self.assert_nothing_mounted()
        self.assert_no_rest()

    @callers()
    def test_an_entry_goes_with_its_mount_whoever_waits_for_the_lock(self, caller):
        open(LOCK, "ab").close()
        os.chmod(LOCK, 0o644)
        thief = subprocess.Popen(
            [PYTHON, "-I", "-S", "-c", TAKE_LOCK, TABLE], user=ALICE.uid, group=ALICE.gid,
            extra_groups=[], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(thief.communicate)
        self.assertEqual(thief.stdout.readline(), b"ready\n")
        target = self.target(caller)

        def script(session):
            session.begin()
            session.prepare(target)
            session.table_options("x-foo=bar")
            assert session.mount() == 0
            os.rmdir(target)
            session.goodbye(0)
            session.wait_for_end()
        self.service(script)
        outcome = self.helper(self.words("demo", target), caller)
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assertIn("attaching the mount", outcome.err)
        # The entry has been there, since attaching comes after it; the lock was the thief's in the end.
        self.assertEqual(thief.stdout.readline(), b"locked\n")
        self.assertTrue(eventually(lambda: not helper_processes()), "a process waits on")
        self.assertNotIn(target, utab_text())
        self.assert_no_rest()

    def test_an_entry_that_is_somebody_elses_stays_when_the_lock_is_never_had(self):
        target = self.target(ALICE)
        with open(TABLE, "w", encoding="ascii") as table:
            table.write(f"SRC=other TARGET={target} ROOT=/ OPTS=x-other\n")
        self.records = utab()
        let_go = self.hold_lock()
        self.service(self.script(target, ALICE))
        running = self.start_helper(
            self.words("demo", target, None, "--timeout", str(STALL)), ALICE)
        self.assertEqual(running.finish(STALL + GRACE).status, 1)
        let_go()
        time.sleep(0.5)
        self.assertIn("x-other", utab_text())
        os.unlink(TABLE)
        self.records = None

    def test_a_lock_that_is_held_for_ever_costs_the_mount_in_time(self):
        let_go = self.hold_lock()
        waiting = [self.start_waiting(caller, "--timeout", str(STALL))[0] for caller in BOTH]
        outcomes = [running.finish(STALL + GRACE) for running in waiting]
        for outcome in outcomes:
            self.assertEqual(outcome.status, 1, outcome.err)
            self.assert_one_line(outcome)
            self.assertGreater(outcome.seconds, STALL)
        self.assert_nothing_comes_of_it(let_go)

    @callers()
    @parametrized(number=[("TERM", signal.SIGTERM), ("INT", signal.SIGINT)])
    def test_a_signal_ends_the_wait_for_the_lock_at_once(self, caller, number):
        let_go = self.hold_lock()
        running, _ = self.start_waiting(caller)
        begun = time.monotonic()
        running.process.send_signal(number)
        outcome = running.finish(GRACE)
        self.assertLess(time.monotonic() - begun, 3)
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assert_nothing_comes_of_it(let_go)

    @callers()
    def test_a_helper_killed_while_it_waits_for_the_lock_leaves_no_process_and_no_record(
            self, caller):
        let_go = self.hold_lock()
        running, _ = self.start_waiting(caller)
        self.assertEqual(
            self.run_as(caller, "kill", "-KILL", str(running.process.pid)).status, 0)
        self.assertEqual(running.finish(GRACE).status, -signal.SIGKILL)
        self.assert_nothing_comes_of_it(let_go)

    def test_the_caller_can_neither_stop_nor_kill_what_holds_the_lock_next(self):
        let_go = self.hold_lock()
        running, _ = self.start_waiting(ALICE)
        # The helper itself and its worker, if that is still there, are the caller's to signal.
        guard = [process for process in helper_processes()
                 if self.run_as(ALICE, "kill", "-STOP", str(process)).status != 0]
        self.assertGreaterEqual(len(guard), 2, "guard and recorder")
        running.process.send_signal(signal.SIGCONT)
        running.process.send_signal(signal.SIGTERM)
        self.assertEqual(running.finish(GRACE).status, 1)
        self.assert_nothing_comes_of_it(let_go)

    @callers()
    def test_what_waits_for_the_lock_is_sealed_and_nobody_but_root_takes_hold_of_it(self, caller):
        let_go = self.hold_lock()
        running, target = self.start_waiting(caller)
        # The worker has said its last word, but may not be gone yet.
        self.assertTrue(eventually(lambda: len(helper_processes()) == 3))
        for process in helper_processes():
            status = process_status(process)
            tried = self.run_as(ALICE, PYTHON, "-I", "-S", "-c", TAKE_HOLD, str(process))
            self.assertEqual(tried.out.split(), ["EPERM"] * 5 + ["EACCES"], status)
            self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
            for name in ("CapEff", "CapInh", "CapBnd", "CapAmb"):
                self.assertEqual(int(status[name], 16), 0, name)
            # The recorder, root by its ids, has no capability; the two others have one.
            recorder = int(status["CapPrm"], 16) == 0
            self.assertEqual(status["Uid"].split()[:3],
                             ["0"] * 3 if recorder else
                             [str(caller.uid) if process == running.process.pid else "0",
                              str(caller.uid), "0"])
            if not recorder:
                self.assertEqual(int(status["CapPrm"], 16), SYS_ADMIN)
        let_go()
        self.assert_recorded(running.finish(), target)

    @callers()
    def test_a_lock_that_is_let_go_in_time_costs_nothing(self, caller):
        let_go = self.hold_lock()
        running, target = self.start_waiting(caller)
        self.assertIsNone(mount_at(target), "attached before it was recorded")
        let_go()
        self.assert_recorded(running.finish(), target)


class Directory(Recording):
    """/run/mount as a machine may have it, and worse."""

    def put_over(self, options):
        """Another file system at /run/mount for this test."""
        system("mount", "-t", "tmpfs", "-o", "mode=755," + options, "small", DIRECTORY)
        self.addCleanup(detach, DIRECTORY)
        self.before = {mount.number for mount in mounts()}
        self.records = utab()

    def keep(self, path):
        """Puts /run/mount's content back after the test."""
        os.rename(DIRECTORY, DIRECTORY + ".kept")

        def restore():
            if os.path.isdir(path) and not os.path.islink(path):
                for name in os.listdir(path):
                    os.unlink(os.path.join(path, name))
                os.rmdir(path)
            elif os.path.lexists(path):
                os.unlink(path)
            os.rename(DIRECTORY + ".kept", DIRECTORY)
        self.addCleanup(restore)

    @callers()
    def test_without_libmount_what_records_is_refused_and_says_so(self, caller):
        library = next(line.split()[-1] for line in system("ldconfig", "-p").splitlines()
                       if line.split()[:1] == ["libmount.so.1"])
        library = os.path.realpath(library)
        nothing = os.path.join(stage.private, "nothing")
        with open(nothing, "wb"):
            pass
        # libmount's own users, mount(8) among them, are not asked meanwhile.
        self.assertEqual(libc.mount(nothing.encode(), library.encode(), None, 4096, None), 0)
        try:
            outcome, _ = self.record(caller)
        finally:
            self.assertEqual(libc.umount2(library.encode(), 2), 0)
        self.assert_refused(outcome)
        self.assert_one_line(outcome)
        self.assertIn("and libmount with it?", outcome.err)

    @parametrized(caller=[("root", ROOT), ("user", ALICE)], engine=ENGINES)
    def test_without_the_companion_what_records_is_refused_and_the_rest_is_mounted(
            self, caller, engine):
        empty = tempfile.mkdtemp(prefix="libexec-", dir=stage.private)
        system("mount", "--bind", empty, "/usr/libexec")
        self.addCleanup(detach, "/usr/libexec")
        self.before = {mount.number for mount in mounts()}
        outcome, _ = self.record(caller, engine)
        self.assert_refused(outcome)
        self.assert_one_line(outcome)
        self.assertIn("/usr/libexec/fuservicemount3-companion", outcome.err)
        target = self.target(caller)
        self.type = "plain"
        service = self.service(wire.mounting(target, owner=caller.uid, group=caller.gid))
        self.assert_mounted(self.helper(self.words("demo", target), caller), service)
        detach(target)

    @callers()
    def test_a_missing_directory_is_made_for_the_record(self, caller):
        self.keep(DIRECTORY)
        outcome, target = self.record(caller)
        status = os.stat(DIRECTORY)
        self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o7777), (0, 0, 0o755), outcome.err)
        self.assert_recorded(outcome, target)

    @callers()
    def test_a_file_in_the_directorys_place_costs_the_mount(self, caller):
        self.keep(DIRECTORY)
        with open(DIRECTORY, "wb") as file:
            file.write(b"file")
        outcome, _ = self.record(caller)
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assert_one_line(outcome)
        self.assertEqual([mount for mount in mounts() if mount.number not in self.before], [])
        with open(DIRECTORY, "rb") as file:
            self.assertEqual(file.read(), b"file")

    @callers()
    def test_a_read_only_directory_costs_the_mount_and_says_so(self, caller):
        self.put_over("ro")
        outcome, _ = self.record(caller)
        self.assert_refused(outcome)
        self.assert_one_line(outcome)
        self.assertIn("mount table", outcome.err)

    @callers()
    @parametrized(rest=[0, 1])
    def test_a_full_directory_costs_the_mount_and_leaves_the_table_whole(self, caller, rest):
        self.put_over("size=16k")
        table = OTHER * (4096 // len(OTHER) + 1)  # more than one page: half of a new one would fit
        with open(TABLE, "w", encoding="ascii") as file:
            file.write(table)
        with open(DIRECTORY + "/filler", "wb", buffering=0) as file:
            file.write(bytes(4096 * (2 - rest)))
        self.records = utab()
        outcome, _ = self.record(caller)
        self.assert_refused(outcome)
        self.assert_one_line(outcome)
        self.assertIn("mount table", outcome.err)
        with open(TABLE, encoding="ascii") as file:
            self.assertEqual(file.read(), table)
        os.unlink(DIRECTORY + "/filler")
        self.assert_no_rest()

    @callers()
    def test_a_directory_without_room_for_a_name_costs_the_mount(self, caller):
        self.put_over("nr_inodes=1")
        outcome, _ = self.record(caller)
        self.assert_refused(outcome)
        self.assertIn("mount table", outcome.err)


class Links(Recording):
    """utab as something else than root's regular file."""

    @callers()
    @parametrized(name=["utab", "utab.lock"], exists=[True, False])
    def test_a_symbolic_link_in_the_tables_place_does_not_lead_to_another_file(
            self, caller, name, exists):
        directory = self.directory(ALICE)
        victim = os.path.join(directory, "victim")
        if exists:
            self.file(ROOT, OTHER.encode(), 0o600, name="victim", directory=directory)
        link = os.path.join(DIRECTORY, name)
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(victim, link)

        def unlink():
            if os.path.islink(link):
                os.unlink(link)
        self.addCleanup(unlink)
        self.records = None
        outcome, target = self.record(caller)
        self.assertEqual(mount_at(target) is not None, outcome.status == 0, outcome.err)
        if outcome.status == 0:
            # The lock's file is only opened for reading.
            self.assertEqual((name, exists), ("utab.lock", True))
            self.assert_recorded(outcome, target)
        else:
            self.assertEqual(outcome.status, 1)
            self.assert_one_line(outcome)
            self.assertIn("mount table", outcome.err)
        self.assertEqual(os.listdir(directory), ["victim"] if exists else [])
        if exists:
            with open(victim, "rb") as file:
                self.assertEqual(file.read(), OTHER.encode())

    @callers()
    def test_a_table_that_belongs_to_a_user_is_not_written(self, caller):
        with open(TABLE, "w+", encoding="ascii") as held:
            os.chown(TABLE, ALICE.uid, ALICE.gid)
            self.records = utab()
            outcome, _ = self.record(caller)
            self.assert_refused(outcome)
            self.assertIn("mount table", outcome.err)
            self.assertEqual(held.read(), "")
        self.assertEqual(os.stat(TABLE).st_uid, ALICE.uid)
        self.assert_no_rest()


class Unreadable(Recording):
    """A table that libmount cannot read: it takes it for an empty one and would write that."""

    @callers()
    def test_a_table_that_is_too_large_costs_the_mount_and_stays_as_it_is(self, caller):
        with open(TABLE, "w", encoding="ascii") as table:
            table.write(OTHER)
            table.truncate(17 << 20)
        before = os.stat(TABLE)
        self.records = utab()
        outcome, _ = self.record(caller)
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assert_one_line(outcome)
        self.assertIn("mount table", outcome.err)
        after = os.stat(TABLE)
        self.assertEqual((after.st_ino, after.st_size, after.st_mtime_ns, after.st_nlink),
                         (before.st_ino, before.st_size, before.st_mtime_ns, 1))
        os.unlink(TABLE)
        self.records = None
        self.assert_nothing_mounted()
        self.assert_no_rest()


class Former(Recording):
    """What a recorder that was killed has left in its directory, and tables without an entry."""

    @callers()
    def test_what_a_killed_recorder_left_is_in_nobodys_way(self, caller):
        left = DIRECTORY + "/.fuservicemount3"
        os.mkdir(left, 0o700)
        with open(TABLE, "w", encoding="ascii") as table:
            table.write(OTHER)
        self.records = utab()
        for name in ("before", "utab.lock"):
            with open(os.path.join(left, name), "w", encoding="ascii") as file:
                file.write("SRC=stale TARGET=/stale ROOT=/ OPTS=x-stale\n")
        outcome, target = self.record(caller)
        self.assertNotIn("stale", utab_text())
        self.assert_recorded(outcome, target)
        self.assert_no_rest()

    @callers()
    @parametrized(content=[("none", None), ("empty", ""), ("entry", OTHER), ("comment", "# x\n"),
                           ("twice", OTHER * 2), ("no-newline", OTHER.rstrip("\n"))])
    def test_a_record_that_is_taken_back_leaves_the_table_byte_for_byte(self, caller, content):
        if content is not None:
            with open(TABLE, "w", encoding="ascii") as table:
                table.write(content)
        self.records = utab()
        target = self.target(caller)

        def script(session):
            session.begin()
            session.prepare(target)
            session.table_options("x-foo=bar")
            assert session.mount() == 0
            os.rmdir(target)
            session.goodbye(0)
            session.wait_for_end()
        self.service(script)
        outcome = self.helper(self.words("demo", target), caller)
        self.assertIn("attaching the mount", outcome.err)
        self.assert_refused(outcome)
        self.assertEqual(os.path.exists(TABLE), content is not None)
        if content is not None:
            with open(TABLE, encoding="ascii") as table:
                self.assertEqual(table.read(), content)
        self.assert_no_rest()


class RegularMtab(Recording):
    """A machine that still has a regular /etc/mtab."""

    MTAB = "/etc/mtab"
    CONTENT = "other /other tmpfs rw 0 0\n"

    def setUp(self):
        super().setUp()
        private = tempfile.mkdtemp(prefix="etc-", dir=stage.private)
        for name in ("upper", "work"):
            os.mkdir(os.path.join(private, name))
        # Over the directory: the name is a symbolic link, which nothing can be mounted on.
        system("mount", "-t", "overlay", "-o",
               f"lowerdir=/etc,upperdir={private}/upper,workdir={private}/work", "etc", "/etc")
        self.addCleanup(detach, "/etc")
        for name in ("passwd", "group", "fuse.conf"):  # what lies on the directory is covered now
            shutil.copyfile(os.path.join(stage.private, name), "/etc/" + name)
        os.unlink(self.MTAB)
        with open(self.MTAB, "w", encoding="ascii") as file:
            file.write(self.CONTENT)
        self.before = {mount.number for mount in mounts()}

    def assert_mtab_is_untouched(self):
        """The file is as it was, and has no lock."""
        with open(self.MTAB, encoding="ascii") as file:
            self.assertEqual(file.read(), self.CONTENT)
        self.assertEqual([name for name in os.listdir("/etc") if name.startswith("mtab")], ["mtab"])

    @callers()
    def test_a_libmount_that_keeps_utab_leaves_it_alone(self, caller):
        outcome, target = self.record(caller)
        self.assert_recorded(outcome, target)
        self.assert_mtab_is_untouched()
        self.assertNotIn(target, utab_text())

    @callers()
    def test_a_libmount_that_keeps_another_table_costs_the_mount_and_says_so(self, caller):
        # What libmount before 2.39 is when it was built to keep mtab: its table is not utab. The
        # machine's own is made one by another name of the same length.
        library = next(line.split()[-1] for line in system("ldconfig", "-p").splitlines()
                       if line.split()[:1] == ["libmount.so.1"])
        library = os.path.realpath(library)
        with open(library, "rb") as file:
            content = file.read()
        self.assertIn(b"/run/mount/utab\0", content)
        other = os.path.join(stage.private, "libmount.so.1")
        with open(other, "wb") as file:
            file.write(content.replace(b"/run/mount/utab\0", b"/run/mount/mtab\0"))
        os.chmod(other, 0o755)
        system("mount", "--bind", other, library)
        self.addCleanup(detach, library)
        self.before = {mount.number for mount in mounts()}
        outcome, _ = self.record(caller)
        self.assert_refused(outcome)
        self.assert_one_line(outcome)
        self.assertIn("/etc/mtab", outcome.err)
        self.assertFalse(os.path.exists(DIRECTORY + "/mtab"))
        self.assert_mtab_is_untouched()
        self.assert_no_rest()
        # What has nothing to record is mounted.
        target = self.target(caller)
        self.type = "plain"
        service = self.service(wire.mounting(target, owner=caller.uid, group=caller.gid))
        self.assert_mounted(self.helper(self.words("demo", target), caller), service)
        detach(target)


class Unmounting(Recording):
    """Whoever unmounts takes the entry with the mount."""

    def setUp(self):
        super().setUp()
        version = re.search(r"(\d+)\.(\d+)", system("fusermount3", "--version"))
        # Before, libfuse left utab alone wherever /etc/mtab is a symbolic link.
        self.fusermount_clears = tuple(map(int, version.groups())) >= (3, 17)

    @parametrized(row=[
        ("root-mounts-root-umount", (ROOT, ROOT, ("umount",))),
        ("user-mounts-root-umount", (ALICE, ROOT, ("umount",))),
        ("user-mounts-user-umount", (ALICE, ALICE, ("umount",))),
        ("user-mounts-root-umount-lazily", (ALICE, ROOT, ("umount", "-l"))),
        ("user-mounts-user-fusermount3", (ALICE, ALICE, ("fusermount3", "-u"))),
        ("user-mounts-user-fusermount3-lazily", (ALICE, ALICE, ("fusermount3", "-u", "-z"))),
        ("user-mounts-root-fusermount3", (ALICE, ROOT, ("fusermount3", "-u"))),
    ], others=[False, True], engine=ENGINES)
    def test_the_entry_goes_with_the_mount_and_no_other_does(self, row, others, engine):
        owner, who, words = row
        if others:
            with open(TABLE, "w", encoding="ascii") as table:
                table.write(OTHER)
        self.records = utab()
        _, target, _ = self.mount(
            owner, table="x-foo=bar,x-systemd.automount", failing=engine)
        lines = [line for line in utab() if f"TARGET={target}" in line]
        self.assertEqual(len(lines), 1)
        self.assertIn("x-foo=bar,x-systemd.automount", lines[0])
        outcome = self.run_as(who, *words, target)
        self.assertEqual((outcome.status, outcome.err), (0, ""))
        self.assertIsNone(mount_at(target))
        if words[0] == "fusermount3" and not self.fusermount_clears:
            self.assertEqual(utab(), (self.records or []) + lines)
            self.records = utab()
            return
        self.assertEqual(utab() or [], self.records or [])
