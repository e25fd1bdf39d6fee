# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the system log is told of an attempt to mount, and what comes of a log that cannot be told."""

import contextlib
import fcntl
import os
import re
import select
import signal
import socket
import stat
import struct

import fuse_service as wire
from support import (ALICE, GRACE, ROOT, STALL, HelperTest, detach, eventually, helper_processes,
                     mount_at, parametrized, system, utab, waiters_for_a_lock)

NODES = {"null": (1, 3), "zero": (1, 5), "urandom": (1, 9), "tty": (5, 0), "fuse": (10, 229)}


class Logger:
    """A system logger at /dev/log, on a /dev of the test's own."""

    def __init__(self, kind=socket.SOCK_DGRAM):
        system("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/dev")
        for name, number in NODES.items():
            os.mknod("/dev/" + name, 0o666 | stat.S_IFCHR, os.makedev(*number))
            os.chmod("/dev/" + name, 0o666)
        self.socket = socket.socket(socket.AF_UNIX, kind)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        if kind == socket.SOCK_STREAM:
            self.socket.listen(8)
        self.kind = kind

    def close(self):
        """Takes the logger and its /dev away."""
        self.socket.close()
        detach("/dev")

    def lines(self):
        """The lines that have come, each with the user id of who sent it."""
        found = []
        while select.select([self.socket], [], [], 0)[0]:
            if self.kind == socket.SOCK_STREAM:
                connection = self.socket.accept()[0]
                with connection:
                    found.append((None, connection.recv(8192).decode()))
                continue
            line, ancillary, _, _ = self.socket.recvmsg(8192, socket.CMSG_SPACE(12))
            user = struct.unpack("iII", ancillary[0][2])[1]
            found.append((user, line.decode()))
        return found

    def fill(self):
        """Fills the queue, as any user can."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    other.sendto(b"<13>noise", "/dev/log")


class Logging(HelperTest):
    """Every attempt with the program's set-user-ID bit leaves a trace."""

    def setUp(self):
        super().setUp()
        self.logger = self.new_logger()

    def new_logger(self, *kind):
        """A logger until the test ends."""
        logger = Logger(*kind)
        self.addCleanup(logger.close)
        self.before |= {mount_at("/dev").number}
        return logger

    def assert_line(self, line, verb, target):
        """The line says who, what, where and which service."""
        user, text = line
        self.assertRegex(text, rf"\A<8[45]>fuservicemount3\[\d+\]: {verb}: uid=61001 gid=61001 "
                         rf'type="fuse\.demo" service="{wire.SOCKET_DIRECTORY}/demo" '
                         rf'source="demo" mountpoint="{re.escape(target)}"')
        return user, text

    def test_an_attempt_is_logged_before_the_service_hears_of_it_and_its_outcome_after(self):
        target = self.target(ALICE)
        early = []

        def script(session):
            early.extend(self.logger.lines())
            wire.mounting(target, owner=ALICE.uid, group=ALICE.gid)(session)
        self.service(script)
        outcome = self.helper(self.words("demo", target), ALICE)
        self.assert_mounted(outcome)
        self.assertEqual(len(early), 1)
        user, text = self.assert_line(early[0], "mounting", target)
        self.assertEqual(user, ALICE.uid)
        self.assertTrue(text.startswith("<85>"))
        late = self.logger.lines()
        self.assertEqual(len(late), 1)
        user, text = self.assert_line(late[0], "mounted", target)
        # Whoever reads the log can tell it from a line that the caller has made up.
        self.assertEqual(user, 0)
        self.assertTrue(text.endswith(f' path="{target}"'))
        self.unmount(target)

    def test_the_outcome_of_a_mount_in_one_step_is_logged(self):
        target = self.target(ALICE)
        self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid))
        outcome = self.helper(
            self.words("demo", target), ALICE, failing=("fsopen=ENOSYS", "move_mount=ENOSYS"))
        self.assert_mounted(outcome)
        user, text = self.assert_line(self.logger.lines()[-1], "mounted", target)
        self.assertEqual(user, 0)
        self.assertTrue(text.endswith(f' path="{target}"'))
        self.unmount(target)

    def test_the_outcome_names_the_place_however_the_caller_wrote_it(self):
        target = self.target(ALICE)
        self.service(wire.mounting("mnt", owner=ALICE.uid, group=ALICE.gid))
        outcome = self.helper(self.words("demo", "mnt"), ALICE, cwd=os.path.dirname(target))
        self.assert_mounted(outcome)
        first, last = [line for _, line in self.logger.lines()]
        self.assertIn(' mountpoint="mnt"', first)
        self.assertTrue(last.endswith(f' path="{target}"'), last)
        self.unmount(target)

    @parametrized(more=[("plain", []), ("verbose", ["--verbose"])])
    def test_the_log_of_a_mount_that_failed_says_why(self, more):
        target = self.target(ALICE)
        self.service(lambda session: (session.begin(), session.close()))
        self.assert_refused(self.helper(self.words("demo", target, None, *more), ALICE))
        first, last = self.logger.lines()
        self.assert_line(first, "mounting", target)
        _, text = self.assert_line(last, "not mounted", target)
        self.assertTrue(text.startswith("<84>"))
        self.assertRegex(text, r' reason="the service for demo ended without a goodbye.*"\Z')

    def test_a_service_that_does_not_exist_is_logged(self):
        target = self.target(ALICE)
        outcome = self.helper(self.words("demo", target), ALICE)
        self.assert_refused(outcome, status=2)
        first, last = self.logger.lines()
        self.assert_line(first, "mounting", target)
        self.assertIn("does not exist", self.assert_line(last, "not mounted", target)[1])

    @parametrized(words=[
        ("type", ["a", "/mnt", "-t", "../x"]),
        ("option", ["a", "/mnt", "-t", "demo", "-o", "x-fuse-service.timeout=no"])])
    def test_an_attempt_that_its_command_line_ends_is_logged_too(self, words):
        self.assertEqual(self.helper(words, ALICE).status, 1)
        first, last = [line for _, line in self.logger.lines()]
        self.assertIn(f' type="{words[3]}"', first)
        self.assertIn("]: mounting: ", first)
        self.assertIn("]: not mounted: ", last)

    @parametrized(text=[("newline", "a\n<85>sudo[1]: root"), ("quote", 'a" uid="0'),
                        ("escape", "a\x1b[2J"), ("backslash", "a\\")])
    def test_no_argument_makes_a_line_or_a_field_of_its_own(self, text):
        target = self.target(ALICE)
        self.helper(self.words(text, target), ALICE)
        lines = self.logger.lines()
        self.assertEqual(len(lines), 2)
        for _, line in lines:
            self.assertNotRegex(line, r"[\x00-\x1f\x7f]")
            fields = re.findall(r' (\w+)="((?:[^"\\]|\\.)*)"', line)
            self.assertEqual([name for name, _ in fields][:4],
                             ["type", "service", "source", "mountpoint"], line)
            self.assertEqual(line.count(" uid="), 1 if '"' not in text else 2)

    def test_what_a_server_says_makes_no_line_of_its_own(self):
        target = self.target(ALICE)

        def script(session):
            session.begin()
            session.name(b'a\n<85>x" uid="0\x1b[2J')
            session.close()
        self.service(script)
        self.assert_refused(self.helper(self.words("demo", target), ALICE))
        lines = self.logger.lines()
        self.assertEqual(len(lines), 2)
        for _, line in lines:
            self.assertNotRegex(line, r"[\x00-\x1f\x7f]")

    def test_root_leaves_no_line(self):
        _, target, _ = self.mount(ROOT)
        self.assertEqual(self.logger.lines(), [])
        self.unmount(target)

    def test_a_check_leaves_no_line(self):
        self.service(lambda session: None)
        self.assertEqual(self.helper(["-t", "fuse.demo", "--check"], ALICE).status, 0)
        self.assertEqual(self.logger.lines(), [])

    def test_a_log_that_somebody_keeps_full_costs_the_mount_and_the_service_hears_nothing(self):
        target = self.target(ALICE)
        called = []
        self.service(called.append)
        self.logger.fill()
        outcome = self.helper(self.words("demo", target), ALICE, timeout=10 + GRACE)
        self.assert_refused(outcome)
        self.assert_one_line(outcome)
        self.assertIn("system log", outcome.err)
        self.assertGreater(outcome.seconds, 9)
        self.assertEqual(called, [])

    @parametrized(number=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_a_signal_ends_the_wait_for_a_log_that_somebody_keeps_full(self, number):
        target = self.target(ALICE)
        called = []
        self.service(called.append)
        self.logger.fill()
        running = self.start_helper(self.words("demo", target), ALICE)
        self.assertTrue(eventually(lambda: len(helper_processes()) == 2))
        os.kill(running.process.pid, number)
        self.assertLess(running.finish().seconds, 5)
        self.assertTrue(eventually(lambda: not helper_processes()))
        self.assert_nothing_mounted()
        self.assertEqual(called, [])

    def test_a_log_that_is_full_for_a_moment_is_waited_for(self):
        target = self.target(ALICE)
        self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid))
        self.logger.fill()
        running = self.start_helper(self.words("demo", target), ALICE)
        self.assertFalse(eventually(lambda: mount_at(target) is not None, 0.5))
        noise = len(self.logger.lines())
        self.assert_mounted(running.finish())
        self.assertGreater(noise, 1)
        self.assertIn(" mounted: ", self.logger.lines()[-1][1])
        self.unmount(target)

    def test_a_log_that_is_full_after_the_mount_does_not_undo_it(self):
        target = self.target(ALICE)

        def script(session):
            self.logger.fill()
            wire.mounting(target, owner=ALICE.uid, group=ALICE.gid)(session)
        self.service(script)
        outcome = self.helper(self.words("demo", target), ALICE)
        self.assert_mounted(outcome)
        self.assertLess(outcome.seconds, GRACE)
        self.unmount(target)

    @parametrized(how=["absent", "deaf", "forbidden"])
    def test_where_there_is_no_log_for_the_caller_it_mounts_all_the_same(self, how):
        if how == "absent":
            os.unlink("/dev/log")
        elif how == "deaf":
            self.logger.socket.close()
        else:
            os.chmod("/dev/log", 0o600)
        _, target, _ = self.mount(ALICE)
        self.unmount(target)

    def test_a_logger_on_a_stream_is_told_too(self):
        logger = self.new_logger(socket.SOCK_STREAM)
        _, target, _ = self.mount(ALICE)
        first, last = [text for _, text in logger.lines()]
        self.assertTrue(first.endswith("\0") and " mounting: " in first, first)
        self.assertTrue(last.endswith("\0") and " mounted: " in last, last)
        self.unmount(target)

    def test_a_caller_who_kills_the_helper_in_the_end_does_not_silence_the_log(self):
        target = self.target(ALICE)
        with open("/run/mount/utab.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid))
            running = self.start_helper(
                self.words("demo", target, "x-a=1", "--timeout", str(STALL)), ALICE)
            # The recorder waits, so there is a finisher, too.
            self.assertTrue(eventually(waiters_for_a_lock, 5))
            os.kill(running.process.pid, signal.SIGKILL)
            running.process.wait(5)
            self.assertTrue(eventually(lambda: not helper_processes(), GRACE))
        first, last = self.logger.lines()
        self.assert_line(first, "mounting", target)
        user, _ = self.assert_line(last, "not mounted", target)
        self.assertEqual(user, 0)
        self.assert_nothing_mounted()
        os.unlink("/run/mount/utab.lock")
        self.assertFalse(utab())
