# SPDX-License-Identifier: LGPL-2.1-or-later
"""A process of the caller's that swaps paths, and callers that start at the same time."""

import errno
import os
import signal
import stat
import subprocess
import time

import fuse_service as wire
from support import (ALICE, ENGINES, GRACE, ONE_STEP, PYTHON, ROOT, HelperTest, callers, detach,
                     mount_at, mounts, parametrized, process_status)

# Seconds that each race lasts. Where the machine is idle a mount takes some milliseconds, so all of
# them together have some thousands of mounts; those of files have thousands of opens each.
TIME = 4.0
SHORT_TIME = 2.0
FEWEST = 20  # rounds
# A name that fsconfig(2) does not take is mounted by mount(2), on every kernel.
SOURCES = [("new-api", b"demo", ()), ("mount2", b"s" * 300, ()), ("one-step", b"demo", ONE_STEP)]
WAYS = [(name, (source, engine)) for name, source, engine in SOURCES]

# Swaps two names of a directory, without an end (renameat2(2), RENAME_EXCHANGE).
SWAP = """
import ctypes, os, platform, sys
libc = ctypes.CDLL(None, use_errno=True)
os.chdir(sys.argv[1])
while True:
    if libc.renameat2(-100, b"one", -100, b"two", 2) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
"""


# Mounts something on a directory and takes it away again, without an end: fsopen(2), fsconfig(2),
# fsmount(2), move_mount(2). It ends when somebody else has taken its mount away, unless that is
# expected.
STACK = """
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def call(*words):
    result = libc.syscall(*words)
    if result < 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    return result
target = sys.argv[1].encode()
while True:
    context = call(430, b"tmpfs", 1)
    call(431, context, 1, b"source", b"stacked", 0)
    call(431, context, 1, b"mode", b"755", 0)
    call(431, context, 6, None, None, 0)
    mount = call(432, context, 1, 0)
    os.close(context)
    while libc.syscall(429, mount, b"", -100, target, 4) < 0:
        if ctypes.get_errno() not in (2, 22):  # what lay there went at the same moment
            sys.exit("move_mount: " + os.strerror(ctypes.get_errno()))
    time.sleep(0.0002)
    with open(f"/proc/self/fdinfo/{mount}") as file:
        number = next(line.split()[1] for line in file if line.startswith("mnt_id"))
    def is_there():
        with open("/proc/self/mountinfo") as table:
            return any(line.split(" ", 1)[0] == number for line in table)
    if not is_there() and sys.argv[2] != "expected":
        sys.exit("somebody took the stacked mount away")
    while is_there():  # what is taken first may lie on it
        libc.umount2(b"/proc/self/fd/%d" % mount, 2)
    os.close(mount)
    time.sleep(0.001)
"""


class Racing(HelperTest):
    """A process that changes things while helpers run."""

    def race(self, caller, program, *arguments):
        """Starts a Python program of the caller's, which must run until the test ends."""
        process = subprocess.Popen(
            [PYTHON, "-I", "-S", "-c", program, *arguments], user=caller.uid, group=caller.gid,
            extra_groups=[], stderr=subprocess.PIPE)

        def stop():
            ended = process.poll() is not None
            process.send_signal(signal.SIGKILL)
            said = process.communicate(timeout=5)[1].decode()
            self.assertFalse(ended, "the racing process ended by itself: " + said)
        self.addCleanup(stop)
        return process

    def rounds(self, seconds=TIME, fewest=FEWEST):
        """Counts while there is time, and a few times where there is none."""
        begun, number = time.monotonic(), 0
        while time.monotonic() - begun < seconds or number < fewest:
            self.assertLess(time.monotonic() - begun, 60, "the machine is too slow for this")
            yield number
            number += 1
        if os.environ.get("FSM_SHOW"):
            print(self.id(), number, "rounds")


class Swapping(Racing):
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
        first = os.lstat(home + "/one").st_ino
        self.race(ALICE, SWAP, home)
        deadline = time.monotonic() + 5
        while os.lstat(home + "/one").st_ino == first:
            self.assertLess(time.monotonic(), deadline, "nothing is swapped")

    @callers()
    @parametrized(way=WAYS)
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

        opens = 8 if caller == ROOT else 256

        def script(session):
            session.begin()
            answers = []
            for _ in range(opens):
                error, descriptor = session.open(path, os.O_RDWR)
                answers.append(None if error else files.get(os.fstat(descriptor).st_ino, "else"))
                session.close_received()
            session.goodbye(1)
            return answers
        service = self.service(script)
        target = self.target(caller)
        self.swapper(home)
        seen = set()
        for _ in self.rounds(SHORT_TIME):
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
            places = []
            for _ in range(32):
                session.open(path, os.O_RDWR | os.O_CREAT, 0o600)
                session.close_received()
                places.append([place for place in (real, other) if os.listdir(place)])
                for place in places[-1]:
                    os.unlink(place + "/new")
            session.goodbye(1)
            return places
        service = self.service(script)
        target = self.target(caller)
        self.swapper(home)
        seen = set()
        for _ in self.rounds(SHORT_TIME):
            self.helper(self.words(path, target), caller, cwd="/")
            places = [place for made in service.result() for place in made]
            if caller == ROOT:
                self.assertLessEqual(len(set(places)), 1, "in both places in one run")
            seen |= set(places)
        self.assertEqual(seen, {real, other} if caller == ROOT else {real})

    KINDS = ["secret", "fifo", "directory", "zero", "memory", "socket"]

    @callers()
    @parametrized(kind=KINDS, options=["rw", "ro"])
    def test_a_named_file_that_is_swapped_for_another_kind_is_opened_as_a_file_or_not_at_all(
            self, caller, kind, options):
        home = self.directory(ALICE)
        self.file(ALICE, b"mine", 0o666, "one", home)
        path, other = home + "/one", home + "/two"
        secret = self.file(ROOT, b"secret", 0o600)
        {"secret": lambda: os.symlink(secret, other), "fifo": lambda: os.mkfifo(other),
         "directory": lambda: os.mkdir(other), "zero": lambda: os.symlink("/dev/zero", other),
         "memory": lambda: os.symlink("/proc/self/mem", other),
         "socket": lambda: os.mknod(other, 0o666 | stat.S_IFSOCK)}[kind]()
        os.lchown(other, ALICE.uid, ALICE.gid)
        mine, theirs = os.stat(path).st_ino, os.stat(secret).st_ino
        opens = 16 if caller == ROOT else 256

        def script(session):
            session.begin()
            found = set()
            for _ in range(opens):
                error, descriptor = session.open(path)
                if error == 0:
                    status = os.fstat(descriptor)
                    found.add({mine: "mine", theirs: "secret"}.get(status.st_ino, "else"))
                    if options == "ro":
                        try:
                            os.close(os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR))
                            found.add("writable")
                        except OSError as reason:
                            assert reason.errno == errno.EROFS, reason
                else:
                    found.add(None)
                session.close_received()
            session.goodbye(1)
            return found
        service = self.service(script)
        target = self.target(caller)
        self.swapper(home)
        seen = set()
        for _ in self.rounds(0.2, 6):
            self.helper(self.words(path, target, options), caller, cwd="/")
            found = service.result()
            if caller == ROOT:
                self.assertEqual(len(found), 1, found)
            seen |= found
        # Root's own file behind the user's link is what root named; that it names such is root's.
        self.assertLessEqual(seen, {"mine", None} | ({"secret"} if caller == ROOT else set()))
        if caller == ALICE:
            self.assertEqual(seen, {"mine", None}, "the swapping never mattered")


class Stacking(Racing):
    """Another mount that comes and goes on the mount point all the time (root's, an automounter)."""

    @parametrized(way=WAYS, code=[0, 1])
    def test_what_comes_and_goes_on_the_mount_point_is_neither_covered_nor_taken_away(
            self, way, code):
        source, engine = way
        target = self.target(ALICE)

        def script(session):
            try:
                session.begin()
                session.prepare(target, source)
                session.goodbye(code if session.mount() == 0 else 1)
                session.wait_for_end()
            except wire.SessionEnded:
                pass
        self.service(script)
        base = {mount.number for mount in mounts()}
        self.addCleanup(self.clear, target)
        # umount2 takes what is on top. A mount in one step is undone by it, so what comes between the
        # last look and the call is taken instead (docs/threat-model.md, promise 10).
        stacker = self.race(ROOT, STACK, target, "expected" if engine else "unexpected")
        self.addCleanup(stacker.send_signal, signal.SIGCONT)
        seen = {0: 0, 1: 0}
        for _ in self.rounds(TIME if code == 0 else SHORT_TIME):
            outcome = self.helper(self.words("demo", target), ALICE, failing=engine)
            self.assertIn(outcome.status, seen, outcome.err)
            seen[outcome.status] += 1
            self.stop(stacker)
            ours = [mount for mount in mounts() if mount.type == "fuse.demo"]
            if outcome.status == 0:
                self.assertEqual(len(ours), 1, outcome)
                self.assertIn(ours[0].parent, base, "it lies on what was stacked")
            elif ours:
                # Only one that was attached before the goodbye can be covered when it is taken back:
                # the caller is told, and it is dead.
                self.assertTrue(engine, outcome.err)
                self.assertIn("could not be taken away", outcome.err)
            while any(mount.type == "fuse.demo" for mount in mounts()):
                if mount_at(target).type == "fuse.demo":
                    detach(target)
                else:  # what lies on it goes first, by whom it belongs to
                    stacker.send_signal(signal.SIGCONT)
                    time.sleep(0.001)
                    self.stop(stacker)
            stacker.send_signal(signal.SIGCONT)
            self.assertIsNone(stacker.poll(), "the stacked mount was taken away")
        self.assertEqual(seen[0] > 0, code == 0)
        self.assertGreater(seen[1], 0, "the stacking never mattered")

    def stop(self, process):
        """Stops a process and waits until it has."""
        process.send_signal(signal.SIGSTOP)
        while process.poll() is None and process_status(process.pid)["State"][0] != "T":
            time.sleep(0.0005)

    def clear(self, target):
        """Takes away whatever lies there."""
        while mount_at(target) is not None:
            detach(target)


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
