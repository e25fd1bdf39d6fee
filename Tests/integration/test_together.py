# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hundred helpers of one user at once: each mounts as a whole or is refused by mount_max."""

import contextlib
import errno
import fcntl
import os
import shutil
import threading
import time
import typing
import unittest

import fuse_service as wire
from loops import reason_for_none
from support import (ALICE, ONE_STEP, HelperTest, eventually, helper_processes, mounts,
                     parametrized, utab)

NUMBER = 100
PATIENCE = 120
SLOW = 8  # seconds for all, of which helpers wait at most two for each other


class Kind(typing.NamedTuple):
    """One way in which all of them mount."""

    table: str = None  # what the server has recorded
    failing: tuple = ()  # the calls that the kernel lacks
    before: typing.Callable = None  # what the server asks for before it mounts
    source: typing.Callable = None  # makes the source that each command line names


KINDS = [("plain", Kind()), ("recorded", Kind(table="x-number={}")),
         ("one-step", Kind(failing=ONE_STEP)),
         ("recorded-one-step", Kind(table="x-number={}", failing=ONE_STEP))]
LOOP_MAX = 8  # by default


def image_beside(target):
    """A new image of the user's, beside the mount point."""
    path = os.path.join(os.path.dirname(target), "image")
    with open(path, "wb") as image:
        image.truncate(1 << 16)
    os.chown(path, ALICE.uid, ALICE.gid)
    return path


def ask_for_loop_device(session):
    """The server asks for a loop device, and gets that or the file."""
    error, _ = session.open(session.arguments[1], os.O_RDWR, request_flags=wire.LOOP)
    assert error == 0, os.strerror(error)


def loop_devices(targets):
    """The loop devices over files beside these mount points."""
    places = [os.path.basename(os.path.dirname(target)) for target in targets]
    found = set()
    for name in os.listdir("/sys/block"):
        with contextlib.suppress(OSError):  # it has none, or goes just now
            with open(f"/sys/block/{name}/loop/backing_file", encoding="utf-8") as file:
                path = file.read()
            if any(place in path for place in places):
                found.add(name)
    return found


def entries(targets):
    """What utab has of these places: a list of options for each, and the lines that are not whole."""
    found, broken = {target: [] for target in targets}, []
    for line in utab() or []:
        words = dict(word.split("=", 1) for word in line.split(" ") if "=" in word)
        if words.get("TARGET") in found and {"SRC", "ROOT", "OPTS"} <= set(words):
            found[words["TARGET"]].append(words["OPTS"])
        else:
            broken.append(line)
    return found, broken


class Together(HelperTest):
    """All of them are ready to say goodbye before one does, which is the worst that can be."""

    def start_all(self, kind):
        """Starts all; their outcomes by mount point."""
        targets = [self.target(ALICE) for _ in range(NUMBER)]
        numbers = {target: number for number, target in enumerate(targets)}
        ready = threading.Barrier(NUMBER, timeout=PATIENCE)

        def script(session):
            session.begin()
            target = os.fsdecode(session.arguments[2])
            if kind.before:
                kind.before(session)
            session.prepare(target)
            if kind.table:
                assert session.table_options(kind.table.format(numbers[target])) == 0
            reply = session.mount()
            assert reply in (0, errno.EUSERS), os.strerror(reply)
            ready.wait()
            session.goodbye(1 if reply else 0)
            session.wait_for_end()
        service = self.service(script)
        service.listener.listen(NUMBER)
        running = {
            target: self.start_helper(
                self.words(kind.source(target) if kind.source else "demo", target),
                ALICE, failing=kind.failing)
            for target in targets}
        outcomes = {target: one.finish(PATIENCE) for target, one in running.items()}
        for target in targets:
            service.result()
        self.sessions = service.sessions
        return outcomes

    def check(self, outcomes, kind):
        """What is mounted and recorded is what the helpers say; the places that are mounted."""
        for outcome in outcomes.values():
            self.assertIn(outcome.status, (0, 1), outcome.err)
            if outcome.status:
                self.assertIn("mount_max", outcome.err)
            else:
                self.assertEqual(outcome.err, "")
        stay = [target for target, outcome in outcomes.items() if outcome.status == 0]
        there = [mount.target for mount in mounts() if mount.number not in self.before]
        self.assertEqual((set(stay) - set(there), set(there) - set(stay)), (set(), set()))
        self.assertEqual(len(there), len(stay))
        found, broken = entries(outcomes)
        self.assertEqual(broken, [])
        for number, target in enumerate(outcomes):
            self.assertEqual(
                found[target],
                [kind.table.format(number)] if kind.table and target in stay else [], target)
        return stay

    def put_away(self, outcomes, stay):
        """Unmounts all as their owner, and sees that nothing is left."""
        for target in stay:
            self.unmount(target, ALICE)
        self.assertEqual(utab() or [], [])
        self.assertEqual(set(os.listdir("/run/mount")) - {"utab", "utab.lock"}, set())
        self.assertTrue(eventually(lambda: not helper_processes()), "a process is left")
        with open("/run/mount/utab.lock", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody holds it
        for session in self.sessions:
            session.close()
        self.assertTrue(eventually(lambda: not loop_devices(outcomes)), "a loop device is left")

    @parametrized(kind=KINDS)
    def test_a_hundred_at_once_all_mount_and_none_loses_its_entry(self, kind):
        outcomes = self.start_all(kind)
        stay = self.check(outcomes, kind)
        self.assertEqual(len(stay), NUMBER)
        self.put_away(outcomes, stay)

    @parametrized(kind=KINDS, maximum=[1, 50])
    def test_of_a_hundred_at_once_as_many_stay_as_there_is_room_for(self, kind, maximum):
        self.fuse_conf(f"mount_max = {maximum}\n")
        begun = time.monotonic()
        outcomes = self.start_all(kind)
        is_slow = time.monotonic() - begun > SLOW
        stay = self.check(outcomes, kind)
        self.assertLessEqual(len(stay), maximum)
        # Those that wait for others to go do so for two seconds. fuservicemount3(8) says that where a
        # hundred need longer more may be refused than needed: as on an emulated processor.
        if not is_slow:
            self.assertGreaterEqual(len(stay), maximum - maximum // 5, "there was room for more")
        self.put_away(outcomes, stay)

    @unittest.skipIf(reason_for_none(), reason_for_none())
    def test_of_a_hundred_at_once_no_more_have_a_loop_device_than_a_user_may(self):
        self.addCleanup(shutil.rmtree, "/run/fuservicemount3", True)
        kind = Kind(source=image_beside, before=ask_for_loop_device)
        outcomes = self.start_all(kind)
        stay = self.check(outcomes, kind)
        self.assertEqual(len(stay), NUMBER)
        self.assertEqual(len(loop_devices(outcomes)), LOOP_MAX)
        self.put_away(outcomes, stay)
