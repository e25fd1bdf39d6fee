# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stage for the tests: a private machine, three callers, and ways to look at what happened."""

import contextlib
import ctypes
import errno
import functools
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import types
import typing
import unittest

import fuse_service

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"
STALL = 2  # seconds that a helper may wait where a test lets it wait in vain
GRACE = 8  # seconds more until it must have ended

MNT_DETACH = 2
COMPANION = "fuservicemount3-companion"
COMPANION_PATH = "/usr/libexec/" + COMPANION
OWN_CONF = "/etc/fuservicemount3.conf"
AT_FDCWD = -100
libc = fuse_service.libc


class Caller(typing.NamedTuple):
    """Somebody who calls the helper."""

    name: str
    uid: int
    gid: int
    home: str


ROOT = Caller("root", 0, 0, "/home/root")
ALICE = Caller("fsmalice", 61001, 61001, "/home/fsmalice")
BOB = Caller("fsmbob", 61002, 61002, "/home/fsmbob")
BOTH = (ROOT, ALICE)

# The ways to mount that a kernel may leave: with a filesystem context; by mount(2), in a namespace
# that nobody sees; and by mount(2) onto the mount point.
ENGINES = [("new-api", ()), ("mount2", ("fsopen=ENOSYS",)), ("one-step", ("move_mount=ENOSYS",))]
ONE_STEP = ENGINES[2][1]

# What older kernels say to what the helper would rather use (docs/kernels.md). To the helper 5.15
# is like 6.1.
LINUX_6_1 = ("statmount=ENOSYS", "listmount=ENOSYS", "AT_HANDLE_MNT_ID_UNIQUE=EINVAL",
             "FSCONFIG_CMD_CREATE_EXCL=EOPNOTSUPP", "SO_PASSRIGHTS=ENOPROTOOPT",
             "NS_MNT_GET_INFO=ENOTTY")
LINUX_5_10 = (*LINUX_6_1, "MOUNT_ATTR_NOSYMFOLLOW=EINVAL", "mount_setattr=ENOSYS")
LINUX_5_8 = (*LINUX_5_10, "close_range=ENOSYS")
OLD_KERNELS = [("6.1", LINUX_6_1), ("5.10", LINUX_5_10), ("5.8", LINUX_5_8)]

stage = types.SimpleNamespace(base=None, helper=None, conf=None)


def system(*words):
    """Runs a program that must succeed."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def prepare(base, helper):
    """Furnishes the private namespace that the process already is in."""
    private = os.path.join(base, "private")
    os.mkdir(private)
    os.mkdir(os.path.join(base, "rootfs"))
    system("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", private)
    for path in ("etc", "etc-work"):
        os.mkdir(os.path.join(private, path))
    system("mount", "-t", "overlay", "-o",
           f"lowerdir=/etc,upperdir={private}/etc,workdir={private}/etc-work", "overlay", "/etc")
    for path in ("passwd", "group", "fuse.conf"):
        copy = os.path.join(private, path)
        with open("/etc/" + path, "rb") as source, open(copy, "wb") as target:
            content = source.read().rstrip(b"\n") + b"\n"
            for caller in (ALICE, BOB):
                line = {"passwd": f"{caller.name}:x:{caller.uid}:{caller.gid}::{caller.home}:"
                                  "/bin/sh\n",
                        "group": f"{caller.name}:x:{caller.gid}:\n", "fuse.conf": ""}[path]
                content += line.encode()
            target.write(b"" if path == "fuse.conf" else content)
        os.chmod(copy, 0o644)
        system("mount", "--bind", copy, "/etc/" + path)
    device = os.path.join(private, "fuse")
    os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(10, 229))
    os.chmod(device, 0o666)
    system("mount", "--bind", device, "/dev/fuse")
    system("mount", "-t", "tmpfs", "-o", "mode=755,nosuid,nodev", "tmpfs", "/run")
    for directory in ("mount", "lock", "user", "filesystems"):
        os.mkdir("/run/" + directory)
    os.makedirs(fuse_service.SOCKET_DIRECTORY, exist_ok=True)
    for directory in ("upper", "work", "bin", "devices"):
        os.mkdir(os.path.join(private, directory))
    system("mount", "-t", "overlay", "-o",
           f"lowerdir=/usr/sbin,upperdir={private}/upper,workdir={private}/work", "overlay",
           "/usr/sbin")
    # The companion, where the helper was built to find it.
    os.mkdir(os.path.join(private, "libexec"))
    shutil.copy(os.path.join(os.path.dirname(helper), COMPANION), os.path.join(private, "libexec"))
    system("mount", "-t", "overlay", "-o", f"ro,lowerdir={private}/libexec:/usr/libexec",
           "overlay", "/usr/libexec")
    system("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/home")
    for caller in (ROOT, ALICE, BOB):
        for path in (caller.home, os.path.join(base, "rootfs", caller.name)):
            os.mkdir(path)
            os.chmod(path, 0o755)
            os.chown(path, caller.uid, caller.gid)
    stage.base = base
    stage.private = private
    stage.programs = os.path.dirname(os.path.abspath(helper))
    stage.conf = os.path.join(private, "fuse.conf")
    stage.helper = os.path.join(private, "bin", "fuservicemount3")
    shutil.copyfile(helper, stage.helper)
    os.chown(stage.helper, 0, 0)
    os.chmod(stage.helper, 0o4755)


# What is mounted

class Mount(typing.NamedTuple):
    """A line of mountinfo."""

    number: int
    parent: int
    target: str
    attributes: frozenset
    type: str
    source: str
    superblock: frozenset


def unescape(text):
    """mountinfo's octal escapes undone."""
    raw = re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), os.fsencode(text))
    return os.fsdecode(raw)


def mounts():
    """All mounts of this namespace."""
    result = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        for line in table.read().split("\n"):
            if not line:
                continue
            front, back = line.split(" - ")
            words, tail = front.split(" "), back.split(" ")
            result.append(Mount(
                int(words[0]), int(words[1]), unescape(words[4]), frozenset(words[5].split(",")),
                tail[0], unescape(tail[1]), frozenset(tail[2].split(","))))
    return result


def mount_at(target):
    """The mount on top at a path, or None. The table has them in the order of their creation."""
    found = [mount for mount in mounts() if mount.target == target]
    parents = {mount.parent for mount in found}
    return next((mount for mount in found if mount.number not in parents), None)


def detach(target):
    """Takes away what is mounted at a path without asking its server."""
    return libc.umount2(os.fsencode(target), MNT_DETACH)


def utab():
    """The lines of utab; None when there is no such file."""
    try:
        with open("/run/mount/utab", encoding="utf-8") as table:
            return table.read().splitlines()
    except FileNotFoundError:
        return None


def utab_text():
    """utab's content, empty when there is none."""
    return "\n".join(utab() or [])


def helper_processes():
    """The processes that still run the helper under test, or what it executes."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{name}/exe").startswith((stage.helper, COMPANION_PATH)):
                    found.append(int(name))
    return found


def waiters_for_a_lock():
    """How many processes of this namespace wait for a lock of flock(2)."""
    with open("/proc/locks", encoding="ascii") as file:
        return sum("->" in line for line in file)


def eventually(condition, timeout=2.0):
    """Whether a condition comes true in time."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


def process_status(process):
    """The fields of /proc/PID/status."""
    with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


# What a program did

class Outcome(typing.NamedTuple):
    """How a program ended."""

    status: int
    out: str
    err: str
    seconds: float


class Running:
    """A program that runs."""

    def __init__(self, words, **options):
        self.begun = time.monotonic()
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        self.process = subprocess.Popen(words, **options)

    def finish(self, timeout=15):
        """Waits for its end; a program that does not end is killed and fails the test."""
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)
            raise AssertionError(f"did not end within {timeout} s: {self.process.args}") from None
        decode = functools.partial(str, encoding="utf-8", errors="surrogateescape")
        return Outcome(self.process.returncode, decode(out or b""), decode(err or b""),
                       time.monotonic() - self.begun)


def mount_ids_are_unique():
    """Whether the kernel tells the helper of a mount without its table (Linux 6.12)."""
    handle, number = ctypes.create_string_buffer(8), ctypes.c_uint64()
    done = libc.name_to_handle_at(AT_FDCWD, b"/", handle, ctypes.byref(number), 1)
    return done == 0 or ctypes.get_errno() != errno.EINVAL


def parametrized(**tables):
    """Expands a test into one for each row of each table; a row is a value or (label, value)."""
    def mark(function):
        function.tables = {**getattr(function, "tables", {}), **tables}
        return function
    return mark


def callers(*who):
    """Expands a test into one for each caller, given as `caller`."""
    return parametrized(caller=[(caller.name.replace("fsmalice", "user"), caller)
                                for caller in who or BOTH])


def label(row):
    """The part of a test's name that a row makes."""
    text = row[0] if isinstance(row, tuple) and len(row) == 2 else row
    return re.sub(r"[^\w=,.+-]+", "_", str(text))[:50]


def expand(cls, name, function):
    """Replaces one parametrized test by its rows."""
    rows = [((), {})]
    for parameter, table in function.tables.items():
        rows = [(labels + (label(row),),
                 {**values, parameter: row[1] if isinstance(row, tuple) and len(row) == 2
                  else row})
                for labels, values in rows for row in table]
    delattr(cls, name)
    for labels, values in rows:
        def run(self, function=function, values=values):
            function(self, **values)
        full = "__".join((name,) + labels)
        while full in vars(cls):
            full += "_"
        run.__name__ = full
        run.__doc__ = function.__doc__
        setattr(cls, full, run)


class HelperTest(unittest.TestCase):
    """A test that leaves nothing mounted, recorded or running."""

    maxDiff = None
    type = "demo"

    def __init_subclass__(cls):
        super().__init_subclass__()
        for name, function in list(vars(cls).items()):
            if hasattr(function, "tables"):
                expand(cls, name, function)

    def shortDescription(self):
        return None

    def setUp(self):
        self.before = {mount.number for mount in mounts()}
        self.records = utab()
        self.addCleanup(self.check_nothing_is_left)

    def check_nothing_is_left(self):
        """Whatever a test did, the stage must be empty after it."""
        left = [mount for mount in mounts() if mount.number not in self.before]
        for mount in reversed(left):
            detach(mount.target)
        records = [line for line in utab() or [] if line not in (self.records or [])]
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/run/mount/utab")
        eventually(lambda: not helper_processes())
        processes = helper_processes()
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        result = self._outcome.result
        if any(test is self for test, _ in result.failures + result.errors):
            return  # the test has said why already
        self.assertEqual([f"{mount.target} ({mount.type})" for mount in left], [],
                         "left mounted")
        self.assertEqual(records, [], "left in utab")
        self.assertEqual(processes, [], "processes of the helper still run")

    # The stage

    def directory(self, caller, where="tmpfs"):
        """A new directory of the caller's, on tmpfs or on the root file system."""
        parent = caller.home if where == "tmpfs" else os.path.join(
            stage.base, "rootfs", caller.name)
        path = tempfile.mkdtemp(prefix="t-", dir=parent)
        os.chmod(path, 0o755)
        os.chown(path, caller.uid, caller.gid)
        return path

    def target(self, caller, where="tmpfs"):
        """A new mount point of the caller's."""
        path = os.path.join(self.directory(caller, where), "mnt")
        os.mkdir(path)
        os.chown(path, caller.uid, caller.gid)
        return path

    def file(self, caller, content=b"image", mode=0o644, name="image", directory=None):
        """A new file of the caller's."""
        path = os.path.join(directory or self.directory(caller), name)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, mode)
        os.chown(path, caller.uid, caller.gid)
        return path

    def below(self, caller, tree, silent=(), options=None, conf=""):
        """A FUSE mount of the caller's, made with the kernel's own words, that shows a tree."""
        target = self.target(caller)
        if conf:
            self.fuse_conf(conf)
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        words = f"fd={device},rootmode=40000,user_id={caller.uid},group_id={caller.gid}"
        if options:
            words += "," + options
        result = libc.mount(b"below", os.fsencode(target), b"fuse",
                            fuse_service.MS_NOSUID | fuse_service.MS_NODEV, words.encode())
        self.assertEqual(result, 0)
        server = fuse_service.FuseServer(device, tree, caller.uid, caller.gid, silent)
        self.addCleanup(detach, target)
        self.addCleanup(server.stop)
        self.before |= {mount_at(target).number}
        return target, server

    def fuse_conf(self, text, mode=0o644, owner=0):
        """Puts a fuse.conf in place for this test."""
        def restore():
            with open(stage.conf, "w", encoding="utf-8"):
                pass
            os.chown(stage.conf, 0, 0)
            os.chmod(stage.conf, 0o644)
        self.addCleanup(restore)
        with open(stage.conf, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(stage.conf, mode)
        os.chown(stage.conf, owner, 0)

    def own_conf(self, text, mode=0o644, owner=0):
        """Puts a fuservicemount3.conf in place for this test."""
        with open(OWN_CONF, "w", encoding="utf-8") as file:
            file.write(text)
        self.addCleanup(os.unlink, OWN_CONF)
        os.chmod(OWN_CONF, mode)
        os.chown(OWN_CONF, owner, 0)

    def link(self, name):
        """A link to the helper where mount(8) looks for it."""
        path = os.path.join("/usr/sbin", name)
        os.symlink(stage.helper, path)
        self.addCleanup(os.unlink, path)
        return path

    def service(self, script, subtype=None, mode=0o666):
        """A service that listens until the test ends."""
        service = fuse_service.Service(subtype or self.type, script, mode)
        self.addCleanup(service.close)
        return service

    # Running

    def start(self, words, caller=ROOT, *, failing=(), executable=None, **options):
        """Starts a program as a caller, on a kernel that lacks some system calls."""
        options.setdefault("env", {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})
        if failing:
            return Running(
                [PYTHON, "-I", "-S", os.path.join(HERE, "seccomp_errno.py"),
                 f"{caller.uid}:{caller.gid}", *failing, "--", *words], **options)
        return Running(words, user=caller.uid, group=caller.gid, extra_groups=[],
                       executable=executable, **options)

    def run_as(self, caller, *words, timeout=15, **options):
        """Runs a program as a caller."""
        return self.start(words, caller, **options).finish(timeout)

    def start_helper(self, words, caller=ROOT, **options):
        """Starts the helper."""
        return self.start([stage.helper, *words], caller, **options)

    def helper(self, words, caller=ROOT, *, timeout=15, **options):
        """Runs the helper."""
        return self.start_helper(words, caller, **options).finish(timeout)

    def words(self, source, target, options=None, *more):
        """An ordinary command line."""
        return [*([] if source is None else [source]), target, "-t", "fuse." + self.type,
                *(["-o", options] if options else []), *more]

    def converse(self, script, caller, *, source="demo", target=None, options=None, more=(),
                 **running):
        """Runs the helper against a script; the outcome and what the script returned.

        The script gets the session with `session.target` set.
        """
        place = target or self.target(caller)

        def play(session):
            session.target = place
            return script(session)
        with self.service(play) as service:
            outcome = self.helper(self.words(source, place, options, *more), caller, **running)
            return outcome, service.result()

    def mount(self, caller, *, source="demo", target=None, options=None, more=(), failing=(),
              where="tmpfs", **script):
        """Makes a mount that must succeed; its service, its target and its line of mountinfo."""
        target = target or self.target(caller, where)
        script.setdefault("owner", caller.uid)
        script.setdefault("group", caller.gid)
        service = self.service(fuse_service.mounting(target, **script))
        outcome = self.helper(self.words(source, target, options, *more), caller, failing=failing)
        self.assert_mounted(outcome, service)
        mount = mount_at(target)
        self.assertIsNotNone(mount, f"nothing is mounted at {target}")
        return service, target, mount

    def unmount(self, target, caller=ROOT):
        """Unmounts with umount(8)."""
        outcome = self.run_as(caller, "umount", target)
        self.assertEqual(outcome.status, 0, outcome.err)
        mount = mount_at(target)
        self.assertTrue(mount is None or mount.number in self.before, f"{mount} still there")

    # Judging

    def assert_mounted(self, outcome, service=None):
        """The helper says that it mounted, and says nothing else."""
        if outcome.status != 0 and service is not None:
            with contextlib.suppress(AssertionError):
                service.result(0.2)
            detail = "; ".join(repr(failure) for failure in service.failures)
            self.fail(f"exit {outcome.status}: {outcome.err.strip()} [server: {detail}]")
        self.assertEqual((outcome.status, outcome.out), (0, ""), outcome.err)

    def assert_refused(self, outcome, status=1):
        """The helper says in words that it did not mount, and nothing is mounted."""
        self.assertEqual(outcome.status, status, outcome.err)
        self.assertNotEqual(outcome.err.strip(), "", "no reason was given")
        self.assertEqual(outcome.out, "")
        self.assert_nothing_mounted()

    def assert_nothing_mounted(self):
        """The mount table and utab are as they were."""
        left = [mount for mount in mounts() if mount.number not in self.before]
        self.assertEqual([f"{mount.target} ({mount.type})" for mount in left], [],
                         "something is mounted")
        self.assertEqual(utab(), self.records, "utab was touched")

    def assert_one_line(self, outcome, program="fuservicemount3"):
        """Exactly one line, that begins with the program's name and has no control character."""
        self.assertRegex(outcome.err, r"\A[^\n]+\n\Z")
        self.assertRegex(outcome.err, rf"\A(\S*/)?{re.escape(program)}: ")
        self.assertNotRegex(outcome.err[:-1], r"[\x00-\x1f\x7f]")
