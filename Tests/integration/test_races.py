# SPDX-License-Identifier: LGPL-2.1-or-later
"""A process of the caller's that swaps paths, and callers that start at the same time."""

import os
import signal
import subprocess
import time

import fuse_service as wire
from support import (ALICE, ENGINES, GRACE, ONE_STEP, PYTHON, ROOT, HelperTest, callers, detach,
                     mounts, parametrized)

TIME = 1.0  # seconds that each race lasts
FEWEST = 20  # rounds; there are a hundred and more where the machine is idle
# A name that fsconfig(2) does not take is mounted by mount(2), on every kernel.
SOURCES = [("new-api", b"demo", ()), ("mount2", b"s" * 300, ()), ("one-step", b"demo", ONE_STEP)]

# Swaps two names of a directory, without an end (renameat2(2), RENAME_EXCHANGE).
SWAP = """
import ctypes, os, platform, sys
libc = ctypes.CDLL(None, use_errno=True)
os.chdir(sys.argv[1])
while True:
    if libc.renameat2(-100, b"one", -100, b"two", 2) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
"""


class Swapping(HelperTest):
    """A parent directory that becomes a link to somewhere else, and back, all the time."""

    def scene(self, parents_mode):
        """The user's directory, and descriptors of what the two names stand for."""
        home = self.directory(ALICE)
        self.real = home + "/one"
        os.mkdir(self.real)
        os.chown(self.real, ALICE.uid, ALICE.gid)
        self.other = self.directory(ROOT)
        os.chmod(self.other, parents_mode)
        os.symlink(self.other, home + "/two")
        return home

    def hold(self, path):
        """A name of a directory that no swap changes."""
        descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY)
        self.addCleanup(os.close, descriptor)
        return f"/proc/self/fd/{descriptor}"

    def swapper(self, home):
        """Starts swapping, as the user."""
        process = subprocess.Popen([PYTHON, "-I", "-S", "-c", SWAP, home], user=ALICE.uid,
                                   group=ALICE.gid, extra_groups=[])

        def stop():
            self.assertIsNone(process.poll(), "the swapping ended by itself")
            process.send_signal(signal.SIGKILL)
            process.wait(5)
        self.addCleanup(stop)
        real = os.stat(home + "/one").st_ino
        deadline = time.monotonic() + 5
        while os.stat(home + "/one").st_ino == real:
            self.assertLess(time.monotonic(), deadline, "nothing is swapped")

    def rounds(self):
        """Counts while there is time, and a few times where there is none."""
        begun, number = time.monotonic(), 0
        while time.monotonic() - begun < TIME or number < FEWEST:
            self.assertLess(time.monotonic() - begun, 30, "the machine is too slow for this")
            yield number
            number += 1

    @callers()
    @parametrized(way=[(name, (source, engine)) for name, source, engine in SOURCES])
    def test_a_mount_point_whose_parent_is_swapped_is_one_of_the_two_or_none(
            self, caller, way):
        source, engine = way
        home = self.scene(0o755)
        for parent in (self.real, self.other):
            os.mkdir(parent + "/mnt")
        os.chown(self.real + "/mnt", ALICE.uid, ALICE.gid)
        real, other = self.hold(self.real) + "/mnt", self.hold(self.other) + "/mnt"
        target = home + "/one/mnt"

        def script(session):
            try:
                session.begin()
                session.prepare(target, source)
                session.goodbye(0 if session.mount() == 0 else 1)
                session.wait_for_end()
            except wire.SessionEnded:
                pass
        self.service(script)
        self.swapper(home)
        allowed = {home + "/one/mnt", home + "/two/mnt"}
        if caller == ROOT:
            allowed.add(self.other + "/mnt")
        seen = {0: 0, 1: 0}
        for _ in self.rounds():
            outcome = self.helper(self.words("demo", target), caller, failing=engine)
            new = [mount.target for mount in mounts() if mount.number not in self.before]
            detach(real)
            if caller == ROOT:
                detach(other)
            self.assertLessEqual(set(new), allowed, outcome.err)
            self.assertEqual(len(new), 1 if outcome.status == 0 else 0, outcome)
            self.assertIn(outcome.status, seen, outcome.err)
            seen[outcome.status] += 1
        self.assertGreater(seen[0], 0, "never mounted")
        if caller == ALICE:
            self.assertGreater(seen[1], 0, "the swapping never mattered")

    @callers()
    def test_a_source_whose_parent_is_swapped_is_never_a_file_that_is_not_the_callers(
            self, caller):
        home = self.scene(0o700)
        mine = self.file(ALICE, b"mine", directory=self.real)
        secret = self.file(ROOT, b"secret", 0o600, directory=self.other)
        files = {os.stat(mine).st_ino: "mine", os.stat(secret).st_ino: "secret"}
        path = home + "/one/image"

        def script(session):
            session.begin()
            answers = []
            for _ in range(8):
                error, descriptor = session.open(path, os.O_RDWR)
                answers.append(None if error else files.get(os.fstat(descriptor).st_ino, "else"))
            session.goodbye(1)
            return answers
        service = self.service(script)
        target = self.target(caller)
        self.swapper(home)
        seen = set()
        for _ in self.rounds():
            self.helper(self.words(path, target), caller)
            answers = service.result()
            if caller == ROOT:
                # Whichever it was at the start, it stays that one.
                self.assertEqual(len(set(answers)), 1, answers)
            seen |= set(answers)
        # The swap leaves no moment without a file.
        self.assertEqual(seen, {"mine", "secret"} if caller == ROOT else {"mine", None})

    @callers()
    def test_a_missing_file_whose_parent_is_swapped_is_created_in_one_place_only(self, caller):
        home = self.scene(0o700)
        real, other = self.hold(self.real), self.hold(self.other)
        path = home + "/one/new"

        def script(session):
            session.begin()
            errors = [session.open(path, os.O_RDWR | os.O_CREAT, 0o600)[0] for _ in range(4)]
            session.goodbye(1)
            return errors
        service = self.service(script)
        target = self.target(caller)
        self.swapper(home)
        for _ in self.rounds():
            self.helper(self.words(path, target), caller, cwd="/")
            service.result()
            made = [place for place in (real, other) if os.listdir(place)]
            if caller == ROOT:
                self.assertLessEqual(len(made), 1, "in both places in one run")
            else:
                self.assertNotIn(other, made)
            for place in made:
                self.assertEqual(os.listdir(place), ["new"])
                os.unlink(place + "/new")


class Together(HelperTest):
    """mount_max and ten helpers that start at once."""

    @parametrized(engine=ENGINES)
    def test_of_ten_at_once_no_more_stay_than_mount_max(self, engine):
        self.fuse_conf("mount_max = 3\n")
        targets = [self.target(ALICE) for _ in range(10)]

        def script(session):
            session.begin()
            session.prepare(os.fsdecode(session.arguments[2]))
            session.goodbye(1 if session.mount() else 0)
            session.serve()
        self.service(script)
        for _ in range(3):
            helpers = [self.start_helper(self.words("demo", target), ALICE, failing=engine)
                       for target in targets]
            outcomes = [helper.finish(GRACE) for helper in helpers]
            stay = [mount.target for mount in mounts() if mount.number not in self.before]
            for target in targets:
                detach(target)
            self.assertLessEqual(len(stay), 3)
            self.assertEqual(
                stay and sorted(stay),
                sorted(target for target, outcome in zip(targets, outcomes)
                       if outcome.status == 0))
            for outcome in outcomes:
                if outcome.status != 0:
                    self.assertEqual(outcome.status, 1)
                    self.assertIn("mount_max", outcome.err)
