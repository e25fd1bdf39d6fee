# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mounts of several kinds on private stages, each able to run with one system call changed."""

import contextlib
import ctypes
import errno
import os
import pickle
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import typing

import fuse_service as wire
import loops
import tracer
from test_logging import Logger
from support import (ALICE, ROOT, Caller, detach, mounts, stage, system, utab)

CLONE_NEWNS = 0x20000
PATIENCE = 5  # seconds that the helper may wait in one step (--timeout)
WORD = "x-foo=bar"
# An entry of somebody else's, which stays as it is whatever happens.
OTHER_ENTRY = "SRC=other TARGET=/other ROOT=/ OPTS=x-other"
LOOP_DEVICES = 32


class Scenario(typing.NamedTuple):
    """One kind of mount: who asks for what, and how the server behaves."""

    name: str
    caller: Caller
    options: str = ""
    records: bool = False
    code: int = 0  # of the goodbye
    device: bool = False  # BDEV and fuseblk
    loop: bool = False  # BDEV of a file
    missing: tuple = ()  # system calls that the kernel does not know
    crowded: bool = False  # another mount takes the last place of mount_max before the goodbye

    @property
    def read_only(self):
        """Whether the caller asked for that."""
        return "ro" in self.options.split(",")

    @property
    def is_one_step(self):
        """Whether the mount is attached before the goodbye."""
        return "move_mount" in self.missing

    @property
    def succeeds(self):
        """Whether there is a mount when nothing fails."""
        return self.code == 0 and not self.crowded


SCENARIOS = {scenario.name: scenario for scenario in (
    Scenario("user", ALICE),
    Scenario("recorded", ALICE, "ro", records=True),
    Scenario("root", ROOT, records=True),
    Scenario("device", ROOT, device=True),
    Scenario("loop", ALICE, loop=True),
    Scenario("mount-call", ALICE, "ro", records=True, missing=("fsopen",)),
    Scenario("one-step", ALICE, "ro", records=True, missing=("fsopen", "move_mount")),
    Scenario("gives-up", ALICE, code=1),
    Scenario("gives-up-one-step", ALICE, code=1, missing=("fsopen", "move_mount")),
    Scenario("gives-up-device", ROOT, code=1, device=True),
    Scenario("crowded", ALICE, records=True, crowded=True),
)}


class Refused(Exception):
    """The helper refused what the server asked for."""


def enter_namespace():
    """A mount namespace of this process's own, with an empty /run, and a /dev with a logger."""
    if tracer.libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    system("mount", "-t", "tmpfs", "-o", "mode=755,nosuid,nodev", "tmpfs", "/run")
    for directory in ("mount", "lock", "user", "filesystems"):
        os.mkdir("/run/" + directory)
    os.makedirs(wire.SOCKET_DIRECTORY, exist_ok=True)
    logger = Logger()
    for name, number in [("loop-control", (10, 237)),
                         *((f"loop{number}", (7, number)) for number in range(LOOP_DEVICES))]:
        os.mknod("/dev/" + name, 0o600 | (0o020000 if name == "loop-control" else 0o060000),
                 os.makedev(*number))
    return logger


class Bench:
    """A place where one scenario runs again and again, in the namespace of this process."""

    def __init__(self, scenario, logger):
        self.scenario = scenario
        self.logger = logger
        caller = scenario.caller
        self.directory = tempfile.mkdtemp(prefix="f-", dir=caller.home)
        os.chmod(self.directory, 0o755)
        self.target = os.path.join(self.directory, "mnt")
        self.other = os.path.join(self.directory, "other")
        for path in (self.target, self.other):
            os.mkdir(path)
        self.source = os.path.join(self.directory, "image")
        with open(self.source, "wb") as image:
            image.truncate(1 << 20)
        self.loop = None
        if scenario.device:
            self.loop = system("losetup", "--find", "--show", self.source).strip()
            self.source = os.path.join(self.directory, "device")
            os.mknod(self.source, 0o600 | 0o060000, os.stat(self.loop).st_rdev)
        for path in (self.directory, self.target, self.source):
            os.chown(path, caller.uid, caller.gid)
        self.service = wire.Service(scenario.name, self.script)
        self.name = self.source if scenario.device else scenario.name
        self.words = [stage.helper, self.source, self.target, "-t", "fuse." + scenario.name,
                      "--timeout", str(PATIENCE)]
        if scenario.options:
            self.words += ["-o", scenario.options]
        # A number is given again when its mount is gone, which the machine may bring about at any time.
        self.before = {(mount.number, mount.target) for mount in mounts()}

    def close(self):
        """Gives back what the kernel would not take back by itself."""
        self.service.close()
        if self.loop:
            subprocess.run(["losetup", "--detach", self.loop], check=False)

    # The server

    def script(self, session):
        """An ordinary server: gives up when something is refused."""
        scenario = self.scenario
        try:
            session.begin()
            flags = os.O_RDONLY if scenario.read_only else os.O_RDWR
            if scenario.device:
                self.must(session.open_block_device(self.source, 1024, flags)[0])
                self.must(session.type(1))
                self.must(session.options("blksize=1024"))
            elif scenario.loop:
                self.must(session.open_block_device(self.source, 1024, flags, wire.LOOP)[0])
            else:
                self.must(session.open(self.source, flags)[0])
            self.must(session.name(self.name))
            if scenario.records:
                self.must(session.table_options(WORD))
            self.must(session.mount_point(self.target))
            self.must(session.mount())
            if scenario.crowded:
                self.crowd(session)
            session.goodbye(scenario.code)
            session.serve(owner=scenario.caller.uid, group=scenario.caller.gid)
        except Refused:
            session.goodbye(2)
        except (wire.SessionEnded, OSError, AssertionError):
            pass

    def must(self, error):
        """Gives up when the helper refuses."""
        if error:
            raise Refused(error)

    def crowd(self, session):
        """Another mount, which takes the last place."""
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        session.received.append(device)
        words = f"fd={device},rootmode=40000,user_id=0,group_id=0"
        wire.libc.mount(b"other", os.fsencode(self.other), b"fuse", 6, words.encode())

    # Running

    def prepare(self):
        """What has to be there before each run."""
        with open(stage.conf, "w", encoding="utf-8") as conf:
            conf.write("mount_max = 1\n" if self.scenario.crowded else "")
        with open("/run/mount/utab", "w", encoding="ascii") as table:
            table.write(OTHER_ENTRY + "\n")

    def run(self, decide, watched=None):
        """One run."""
        self.prepare()
        failing = {name: errno.ENOSYS for name in self.scenario.missing}
        return tracer.trace(self.words, self.scenario.caller, decide, watched=watched,
                            failing=failing, timeout=40, grace=30)

    def faults_of_log(self, is_mounted):
        """What is wrong with the lines in the system log, which root's mounts do without."""
        lines = [line.split("]: ", 1)[1].split(":")[0] for _, line in self.logger.lines()]
        if self.scenario.caller == ROOT:
            return [f"in the log: {lines}"] if lines else []
        outcome = "mounted" if is_mounted else "not mounted"
        if lines and (lines[0] != "mounting" or set(lines[1:]) != {outcome}):
            return [f"in the log: {lines}"]
        return []

    def clear(self):
        """Ends the server and takes away what is mounted and recorded."""
        detach(self.other)
        while detach(self.target) == 0:
            pass
        for connection in self.service.sessions:
            with contextlib.suppress(OSError):
                connection.connection.shutdown(2)
        for thread in self.service.threads:
            while thread.ident is None:  # about to be started
                time.sleep(0.001)
            thread.join(10)
        for session in self.service.sessions:
            session.close()
        for rest in (self.service.sessions, self.service.threads, self.service.results,
                     self.service.failures):
            rest.clear()
        for name in os.listdir("/run/mount"):
            path = os.path.join("/run/mount", name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        shutil.rmtree("/run/fuservicemount3", ignore_errors=True)
        self.logger.lines()

    # Judging

    def mounted(self):
        """What is mounted now and was not before, but for the other mount of a crowded stage."""
        return [mount for mount in mounts()
                if (mount.number, mount.target) not in self.before
                and mount.target != self.other]

    def faults_of_mount(self, found):
        """What is wrong with a mount that should be whole."""
        return self.faults_of_attributes(found) + self.faults_of_record(True)

    def faults_of_attributes(self, found):
        """What is wrong with a mount that should be what the caller asked for."""
        scenario = self.scenario
        if len(found) != 1:
            return [f"{len(found)} mounts"]
        mount = found[0]
        faults = []
        wanted = {"nosuid", "nodev"} | ({"ro"} if scenario.read_only else set())
        if not wanted <= mount.attributes:
            faults.append(f"attributes {sorted(mount.attributes)}")
        if scenario.read_only and "ro" not in mount.superblock:
            faults.append(f"superblock {sorted(mount.superblock)}")
        if mount.target != self.target:
            faults.append(f"mounted at {mount.target}")
        if mount.source != self.name:
            faults.append(f"source {mount.source}")
        if mount.type != ("fuseblk." if scenario.device else "fuse.") + scenario.name:
            faults.append(f"type {mount.type}")
        if f"user_id={scenario.caller.uid}" not in mount.superblock:
            faults.append(f"owner {sorted(mount.superblock)}")
        return faults

    def faults_of_record(self, is_mounted):
        """What is wrong with /run/mount."""
        faults = []
        lines = utab() or []
        if OTHER_ENTRY in lines:
            lines.remove(OTHER_ENTRY)
        else:
            faults.append("another's entry in utab is gone")
        wanted = 1 if is_mounted and self.scenario.records else 0
        if len(lines) != wanted:
            faults.append(f"{len(lines)} entries in utab instead of {wanted}")
        for line in lines if wanted else []:
            words = line.split(" ")
            if f"TARGET={self.target}" not in words or WORD not in line:
                faults.append(f"utab has {line}")
        strange = set(os.listdir("/run/mount")) - {"utab", "utab.lock"}
        if strange:
            faults.append(f"left in /run/mount: {sorted(strange)}")
        return faults

    def faults_of_nothing(self):
        """What is there although nothing may be."""
        return [f"left mounted: {mount.target} ({mount.type})" for mount in self.mounted()] \
            + self.faults_of_record(False)

    def faults_of_devices(self):
        """What is attached although the server is gone; asked when the bench is clear."""
        if not self.scenario.loop:
            return []
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline and loops.devices_of(self.source):
            time.sleep(0.001)
        return [f"left attached: {name}" for name in loops.devices_of(self.source)]

    def faults_of_next(self):
        """What is wrong with an ordinary mount at the same place after it."""
        if not self.scenario.succeeds:
            return []
        try:
            run = self.run(lambda call: None, ())
            if run.status != 0 or run.late:
                return [f"the next mount: {run.status} {run.err.strip()!r}"]
            return [f"the next mount: {fault}" for fault in self.faults_of_mount(self.mounted())]
        finally:
            self.clear()

    def faults_of_speech(self, run):
        """What is wrong with the message of a run that failed."""
        lines = run.err.split("\n")
        faults = ["wrote to standard output"] if run.out else []
        if lines[-1] != "" or len(lines) < 2:
            faults.append("no message")
        faults += [f"strange line {line!r}" for line in lines[:-1]
                   if not line.startswith("fuservicemount3: ") or len(line) < 25]
        return faults


# Many runs

class Site(typing.NamedTuple):
    """A system call of a scenario."""

    scenario: str
    role: str
    name: str
    ordinal: int
    words: tuple
    process: str = ""  # what the role is for

    def __str__(self):
        return (f"{self.scenario}: {self.process} ({self.role}) {self.name}"
                f"({','.join(self.words)}) #{self.ordinal}")


class Case(typing.NamedTuple):
    """A site, and what becomes of it."""

    site: Site
    action: object

    def __str__(self):
        action = self.action
        done = type(action).__name__.lower()
        if isinstance(action, tracer.Fail):
            done = errno.errorcode[action.code]
        elif isinstance(action, tracer.Become):
            done = f"becomes {action.name}"
        elif isinstance(action, tracer.Send):
            done = signal.Signals(action.number).name + (" to the helper" if action.first else "")
        return f"{self.site} {done}"


class Verdict(typing.NamedTuple):
    """What came of a case."""

    case: Case
    run: tracer.Run
    faults: list

    def __str__(self):
        return (f"{self.case}: status {self.run.status}, {self.run.err.strip()!r}: "
                + "; ".join(self.faults))


def sites_of(bench):
    """The system calls of a scenario, in their order, from a run in which nothing is changed."""
    found = []

    def note(call):
        found.append(Site(bench.scenario.name, call.role, call.name, call.ordinal, call.words))
    run = bench.run(note)
    try:
        faults = bench.faults_of_mount(bench.mounted()) if bench.scenario.succeeds \
            else bench.faults_of_nothing()
        if run.status != (0 if bench.scenario.succeeds else 1) or faults or run.late:
            raise AssertionError(f"{bench.scenario.name} by itself: {run} {faults}")
    finally:
        bench.clear()
    found = after_loader(found)
    titles = {role: title([site for site in found if site.role == role])
              for role in {site.role for site in found}}
    return [site._replace(process=titles[site.role]) for site in found]


def title(sites):
    """What a process is for, by the calls that only it makes."""
    names = {site.name for site in sites}
    if sites[0].role == "0":
        return "monitor"
    if sites[0].role == "0.1":
        return "worker"
    if "flock" in names:
        return "recorder"
    if "recvmsg" in names and names & {"fsopen", "setsid"}:
        return "mounter"
    for name, found in (("setsid", "finisher"), ("setfsuid", "loop device"), ("mount", "creator"),
                        ("ioctl", "block size"), ("fsopen", "abort")):
        if name in names:
            return found
    return "name lookup"


def after_loader(sites):
    """Without what the dynamic loader does before main, which is not the helper's: main begins by
    looking at descriptors 0, 1, 2 and closing all others."""
    first = [site for site in sites if site.role == "0"]
    begin = next(index for index, site in enumerate(first) if site.name == "close_range") - 3
    loaders = set(first[:begin])
    return [site for site in sites if site not in loaders]


def run_case(bench, case):
    """One run in which the case's call is changed."""
    site = case.site

    def decide(call):
        if (call.role, call.name, call.ordinal) == (site.role, site.name, site.ordinal):
            return case.action
        return None
    return bench.run(decide, (site.name,))


class Pool:
    """Processes that take cases from a queue, each with a namespace and benches of its own."""

    def __init__(self, work, processes=None):
        self.work = work  # (benches, item) -> result
        self.processes = processes or max(2, os.cpu_count() or 2)

    @classmethod
    def of(cls, work, scenario):
        """A pool for cases of one scenario. Loop devices are the machine's: who attaches one looks at
        all, so that two benches would see each other's, in one run and not in the next."""
        return cls(work, 1 if SCENARIOS[scenario].loop else None)

    def map(self, items):
        """The results for all items, in their order."""
        items = list(items)
        queue_read, queue_write = os.pipe()
        outputs, children = [], []
        for _ in range(min(self.processes, len(items)) or 1):
            outputs.append(tempfile.TemporaryFile())
            sys.stdout.flush()
            sys.stderr.flush()
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    os.close(queue_write)
                    status = self.serve(items, queue_read, outputs[-1])
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(status)
            children.append(child)
        os.close(queue_read)
        feeder = threading.Thread(target=self.feed, args=(len(items), queue_write), daemon=True)
        feeder.start()
        statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        results = {}
        for output in outputs:
            output.seek(0)
            with contextlib.suppress(EOFError):
                while True:
                    index, result = pickle.load(output)
                    results[index] = result
            output.close()
        if any(statuses) or len(results) != len(items):
            raise RuntimeError(f"of {len(items)} cases {len(results)} ran, {statuses}")
        return [results[index] for index in range(len(items))]

    def feed(self, count, queue):
        """Offers the numbers of all items."""
        with contextlib.suppress(BrokenPipeError):
            for index in range(count):
                os.write(queue, struct.pack("I", index))
        os.close(queue)

    def serve(self, items, queue, output):
        """In a process of its own: works until the queue is empty."""
        logger = enter_namespace()
        stage.conf = os.path.join(tempfile.mkdtemp(prefix="c-", dir=stage.private), "fuse.conf")
        with open(stage.conf, "w", encoding="utf-8"):
            pass
        system("mount", "--bind", stage.conf, "/etc/fuse.conf")
        benches = Benches(logger)
        try:
            while True:
                word = os.read(queue, 4)
                if not word:
                    return 0
                index = struct.unpack("I", word)[0]
                pickle.dump((index, self.work(benches, items[index])), output)
        finally:
            output.flush()
            benches.close()


class Benches(dict):
    """One process's benches, by the names of their scenarios, made when they are needed."""

    def __init__(self, logger):
        super().__init__()
        self.logger = logger
        self.failed = 0  # runs that ended without a mount

    def __missing__(self, name):
        self[name] = Bench(SCENARIOS[name], self.logger)
        return self[name]

    def close(self):
        """Closes all."""
        for bench in self.values():
            bench.close()


def record(names):
    """The sites of some scenarios."""
    def work(benches, name):
        return sites_of(benches[name])
    alone = [name for name in names if SCENARIOS[name].loop]
    others = [name for name in names if name not in alone]
    found = dict(zip(others, Pool(work).map(others)))
    for name in alone:
        found[name], = Pool.of(work, name).map([name])
    return found
