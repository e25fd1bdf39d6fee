# SPDX-License-Identifier: LGPL-2.1-or-later
"""The caller's command line, descriptors, terminal and time; other users afterwards."""

import fcntl
import os
import pty
import resource
import select
import signal
import socket
import subprocess
import threading
import time

import fuse_service as wire
from review import *
from test_finishing import GETDENTS64, HOLD_LOCK


class ExitStatus(Attempts):
    """Exit status 2 is the administrator's alone."""

    def test_01_types(self):
        """attempt: types with dots, slashes, controls, too long, `..`, a directory, a file, a socket
        of another kind, a dangling link, a socket in a directory without search permission, a
        refusing one, a socket removed by nobody; expected: 2 only where no socket of that name
        exists"""
        def make(name, deed):
            path = "/run/filesystems/" + name
            deed(path)
            self.addCleanup(lambda: (os.rmdir if os.path.isdir(path) else os.unlink)(path))

        def sock(kind, mode=0o666, listen=False):
            def deed(path):
                one = socket.socket(socket.AF_UNIX, kind)
                one.bind(path)
                os.chmod(path, mode)
                if listen:
                    one.listen(0)
                self.addCleanup(one.close)
            return deed
        make("directory", os.mkdir)
        make("file", lambda path: open(path, "w", encoding="ascii").close())
        make("stream", sock(socket.SOCK_STREAM, listen=True))
        make("dgram", sock(socket.SOCK_DGRAM))
        make("refusing", sock(socket.SOCK_SEQPACKET))
        make("forbidden", sock(socket.SOCK_SEQPACKET, 0o600, True))
        make("link", lambda path: os.symlink("refusing", path))
        make("loop", lambda path: os.symlink("loop", path))
        make("into", lambda path: os.symlink("directory/none/x", path))
        make("full", sock(socket.SOCK_SEQPACKET, listen=True))
        os.chmod("/run/filesystems/full", 0o666)
        fill = []
        for _ in range(4):
            one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
            with contextlib.suppress(OSError):
                one.connect("/run/filesystems/full")
            fill.append(one)
        target = self.target(ALICE)
        for name, expected in (
                ("nothing", 2), ("fuse.nothing", 2), ("fuseblk.nothing", 2), ("fuse.fuse.nothing", 2),
                ("...", 2), ("a.", 2), (".a", 2), ("-", 2), ("-t", 2), (" ", 2), ("a b", 2),
                ("\u00e4", 2), ("\udcff", 2), ("n" * 80, 2), ("n" * 90, 2), ("n" * 91, 1),
                ("n" * 4000, 1), ("", 1), (".", 1), ("..", 1), ("fuse.", 1), ("fuse...", 1),
                ("a/b", 1), ("a/../b", 1), ("/", 1), ("a\n", 1), ("a\x7f", 1), ("../nothing", 1),
                ("directory", 1), ("file", 1), ("stream", 1), ("dgram", 1), ("refusing", 1),
                ("forbidden", 1), ("link", 1), ("loop", 1), ("into", None), ("full", 1)):
            outcome = self.helper(["demo", target, "-t", name, "--timeout", "2"], ALICE)
            check = self.helper(["--check", "-t", name], ALICE)
            self.saw(f"{name[:40]!r}: exit {outcome.status}, --check {check.status};",
                     outcome.err.strip()[:120])
            if expected is not None:
                self.expect(outcome.status == expected, f"{name!r}: exit {outcome.status}")
        for one in fill:
            one.close()

    def test_02_two_by_exhaustion(self):
        """attempt: RLIMIT_NOFILE at every value from 3 to 80 and RLIMIT_NPROC at 0..8, with a socket
        that exists; expected: never 2"""
        target = self.target(ALICE)
        self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid))
        statuses = {}
        for kind, values in ((resource.RLIMIT_NOFILE, range(3, 81, 3)),
                             (resource.RLIMIT_NPROC, range(0, 9))):
            for value in values:
                outcome = self.helper(["demo", target, "-t", "fuse.demo"], ALICE, preexec_fn=lambda:
                                      resource.setrlimit(kind, (value, value)))
                statuses[outcome.status] = statuses.get(outcome.status, 0) + 1
                self.expect(outcome.status != 2, f"exit 2 with a limit of {value}")
                self.expect((outcome.status == 0) == (mount_at(target) is not None), "not true")
                support.detach(target)
        self.saw("exit statuses:", statuses)

    def test_03_two_by_a_namespace_of_the_callers(self):
        """attempt: the caller hides the sockets in a mount namespace of its own, and runs the helper
        there; expected: outside of it nothing changes; inside, 2 says what is true there"""
        target = self.target(ALICE)
        self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid))
        for script in ("mount -t tmpfs t /run; exec \"$@\"",
                       "mount -t tmpfs t /run/filesystems; exec \"$@\""):
            outcome = self.run_as(ALICE, "unshare", "-Urm", "sh", "-c", script, "sh", stage.helper,
                                  "demo", target, "-t", "fuse.demo")
            self.ended(outcome, script)
            self.expect(mount_at(target) is None, "mounted outside")


class Words(Attempts):
    """argv, names, times."""

    def test_04_names_of_the_program(self):
        """attempt: argv[0] absent, empty, mount.fuse., mount.fuse.., mount.fuse.a.b, with slashes,
        newlines, 100,000 bytes; expected: refused in words, or the type that the name says"""
        target = self.target(ALICE)
        self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid))
        for name in ("", "mount.fuse", "mount.fuse.", "mount.fuse..", "mount.fuse...", "mount.fuse.a.b",
                     "mount.fuse./demo", "x/mount.fuse.demo/", "mount.fuse.demo\n", "mount.fuseblk.",
                     "mount.fuseblk.demo", "mount.fuse3", "mount.fuse.../../etc", "mount.fuse." + "x" * 100000,
                     "-t", "mount.fusedemo"):
            outcome = self.start([name, "demo", target], ALICE, executable=stage.helper).finish()
            self.saw(f"{name[:40]!r}: exit {outcome.status}; {outcome.err.strip()[:120]}")
            mount = mount_at(target)
            self.expect((outcome.status == 0) == (mount is not None), "exit status is not true")
            self.expect(mount is None or mount.type == "fuse.demo", "another type")
            self.expect(mount is None or name.startswith("mount.fuse"), "mounted without a type")
            support.detach(target)

    def test_05_interpreter_and_links(self):
        """attempt: the helper as an interpreter of the caller's script, through a symbolic link, a
        hard link, /proc/self/fd, and by ld.so; expected: no more than by its own path; ld.so gives no
        privilege"""
        directory = self.directory(ALICE)
        target = self.target(ALICE)
        self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid))
        script = self.file(ALICE, f"#!{stage.helper} --verbose\n".encode(), 0o755, "script", directory)
        link = os.path.join(directory, "mount.fuse.demo")
        os.symlink(stage.helper, link)
        loader = "/lib64/ld-linux-x86-64.so.2"
        descriptor = os.open(stage.helper, os.O_PATH)
        for words, executable, more in (
                ([script, "demo", target, "-t", "fuse.demo"], None, {}),
                ([link, "demo", target], None, {}),
                (["mount.fuse.demo", "demo", target], f"/proc/self/fd/{descriptor}",
                 {"pass_fds": [descriptor]}),
                ([loader, stage.helper, "demo", target, "-t", "fuse.demo"], None, {}),
                ([loader, "--preload", "libm.so.6", stage.helper, "demo", target, "-t", "fuse.demo"],
                 None, {})):
            outcome = self.start(words, ALICE, executable=executable, **more).finish()
            self.saw(os.path.basename(executable or words[0]))
            self.ended(outcome)
            mount = mount_at(target)
            self.expect((outcome.status == 0) == (mount is not None), "exit status is not true")
            self.expect(words[0] != loader or outcome.status == 1, "privilege by ld.so")
            support.detach(target)
        os.close(descriptor)

        def hard():
            try:
                os.link(stage.helper, os.path.join("/var/tmp", f"fsm-hard-{os.getpid()}"))
            except OSError as error:
                return error.errno
            return 0
        status = as_caller(ALICE, hard)
        self.saw("hard link:", os.strerror(status))
        self.expect(status != 0, "a hard link to the set-id program")

    def test_06_times(self):
        """attempt: --timeout and x-fuse-service.timeout negative, 0, overflowing, with signs, spaces,
        other digits, twice; expected: refused in words, or a number from 1 to 86,400"""
        target = self.target(ALICE)
        self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid))
        for text in ("-1", "0", "00", "+5", "1e3", "86401", "4294967297", "18446744073709551617", "0x10",
                     " 5", "5 ", "\u0665", "5\n", "", "1.5", "99999", "086400", "5,5", "5\x00"[:1] + "s"):
            for words in (["--timeout", text], ["--timeout=" + text],
                          ["-o", "x-fuse-service.timeout=" + text]):
                outcome = self.helper(["demo", target, "-t", "fuse.demo", *words], ALICE)
                mounted = mount_at(target) is not None
                self.expect((outcome.status == 0) == mounted, f"{words}: exit {outcome.status}")
                if words[0] == "--timeout":
                    self.saw(f"{text!r}: exit {outcome.status}; {outcome.err.strip()[:100]}")
                    self.expect(mounted == (text in ("086400",)), f"{text!r}")
                support.detach(target)
                with contextlib.suppress(FileNotFoundError):
                    os.unlink("/run/mount/utab")

    def test_07_long_and_many_arguments(self):
        """attempt: 100,000 empty arguments, 128 KiB in one, options of 100,000 words and of commas,
        quotes and backslashes only, a trailing backslash; expected: exit 1 or a mount, in time"""
        target = self.target(ALICE)
        self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid))
        for what, words in (
                ("100,000 empty", ["demo", target, "-t", "fuse.demo"] + [""] * 100000),
                ("one of 128 KiB", ["demo", target, "-t", "fuse.demo", "-o", "a=" + "b" * 131000]),
                ("60,000 words", ["demo", target, "-t", "fuse.demo", "-o", "a," * 60000]),
                ("60,000 named", ["demo", target, "-t", "fuse.demo", "-o", "a=b," * 30000]),
                ("backslashes", ["demo", target, "-t", "fuse.demo", "-o", "\\" * 100001]),
                ("quotes", ["demo", target, "-t", "fuse.demo", "-o", '"' * 100001]),
                ("commas", ["demo", target, "-t", "fuse.demo", "-o", "," * 100001]),
                ("x- words", ["demo", target, "-t", "fuse.demo", "-o", "x-a," * 20000]),
                ("20,000 -o", ["demo", target, "-t", "fuse.demo"] + ["-o", "x-a"] * 500)):
            outcome = self.helper(words, ALICE, timeout=30)
            self.saw(f"{what}: exit {outcome.status}; {outcome.err.strip()[:100]}; in time: "
                     f"{outcome.seconds < 10}")
            self.expect(outcome.status in (0, 1) and outcome.seconds < 10, f"exit {outcome.status}")
            self.expect((outcome.status == 0) == (mount_at(target) is not None), "not true")
            support.detach(target)
            with contextlib.suppress(FileNotFoundError):
                os.unlink("/run/mount/utab")


class Terminals(Attempts):
    """Standard descriptors and job control."""

    def failing(self, **running):
        """A helper that prints much and fails; the end must come."""
        target = self.target(ALICE)

        def script(session):
            with contextlib.suppress(wire.SessionEnded):
                session.begin()
                for _ in range(150):
                    session.open("/etc/shadow" + "x" * 900)
                session.goodbye(1)
        with self.service(script):
            begun = time.monotonic()
            running.setdefault("stdout", subprocess.DEVNULL)
            helper = self.start_helper(["demo", target, "-t", "fuse.demo", "--verbose", "--timeout",
                                        "3"], ALICE, **running)
            try:
                status = helper.process.wait(14)
            except subprocess.TimeoutExpired:
                helper.process.terminate()
                try:
                    helper.process.wait(3)
                    self.saw("not ended after 14 s; SIGTERM ended it")
                except subprocess.TimeoutExpired:
                    helper.process.kill()
                    helper.process.wait(5)
                    self.saw("not ended after 14 s, nor 3 s after SIGTERM; SIGKILL ended it")
                return False
            spent = time.monotonic() - begun
        self.saw(f"exit {status}; in time: {spent < 12}")
        return status == 1 and spent < 12

    @finding(12)
    def test_08_standard_error_of_every_kind(self):
        """attempt: standard error a full pipe, a pipe without reader, a full socket, /dev/full, a
        directory, a read-only file, closed, an eventfd, a stopped terminal, a terminal without
        reader, a fuse device, the service's own socket; expected: exit 1 in time"""
        late = []
        read, write = os.pipe()
        os.set_blocking(write, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(write, b"x" * 4096)
        os.set_blocking(write, True)
        gone, alone = os.pipe()
        os.close(gone)
        one, other = socket.socketpair()
        one.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                one.send(b"x" * 4096)
        one.setblocking(True)
        master, slave = pty.openpty()
        os.fchown(slave, ALICE.uid, -1)  # as a login does
        os.set_blocking(slave, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(slave, b"x" * 4096)
        os.set_blocking(slave, True)
        for what, descriptor in (
                ("a full pipe", write), ("a pipe without reader", alone), ("a full socket", one.fileno()),
                ("/dev/full", os.open("/dev/full", os.O_RDWR)),
                ("a directory", os.open("/", os.O_RDONLY)),
                ("a read-only file", os.open("/etc/passwd", os.O_RDONLY)),
                ("an eventfd", os.eventfd(0)), ("a terminal that nobody reads", slave),
                ("a fuse device", os.open("/dev/fuse", os.O_RDWR)),
                ("an O_PATH descriptor", os.open("/etc/passwd", os.O_PATH)),
                ("an unconnected socket", socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).detach())):
            self.saw(what)
            if not self.failing(stderr=descriptor):
                late.append(what)
        self.saw("closed")
        if not self.failing(stderr=subprocess.DEVNULL,
                            preexec_fn=lambda: [os.close(n) for n in (0, 1, 2)]):
            late.append("closed")
        for descriptor in (read, write, alone, master, slave):
            os.close(descriptor)
        one.close()
        other.close()
        self.expect(not late, f"held by {late}")

    def test_09_a_terminal_that_goes_away(self):
        """attempt: the helper in the foreground of a terminal that gets Ctrl-C, Ctrl-\\, Ctrl-Z and
        hangs up, at the goodbye too; expected: exit 1 or a complete mount, nothing half"""
        for key in (b"\x03", b"\x1c", None):
            for late in (False, True):
                target = self.target(ALICE)
                there, gate = threading.Event(), threading.Event()

                def script(session, target=target, there=there, gate=gate):
                    with contextlib.suppress(wire.SessionEnded):
                        session.begin()
                        session.prepare(target)
                        session.mount()
                        there.set()
                        gate.wait(2)
                        session.goodbye(0)
                        session.serve({}, ALICE.uid, ALICE.gid)
                with self.service(script):
                    pid, master = pty.fork()
                    if pid == 0:
                        os.setgroups([])
                        os.setresgid(*[ALICE.gid] * 3)
                        os.setresuid(*[ALICE.uid] * 3)
                        os.execve(stage.helper, ["f", "demo", target, "-t", "fuse.demo", "-o", "x-a"],
                                  {})
                    there.wait(10)
                    if late:
                        gate.set()
                    if key is None:
                        os.close(master)
                    else:
                        os.write(master, key)
                    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                    gate.set()
                    self.clean()
                    mounted = mount_at(target) is not None
                    entry = any(target in line for line in utab() or [])
                    if key is not None:
                        os.close(master)
                    self.saw(f"{key!r} {'after' if late else 'before'} the goodbye: exit {status}, "
                             f"mounted {mounted}, entry {entry}")
                    self.expect(mounted == entry == (status == 0), "not true")
                    support.detach(target)
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink("/run/mount/utab")


class Others(Attempts):
    """Other users, before and after."""

    def test_10_umount_by_another(self):
        """attempt: another user unmounts the caller's mount by umount(8), umount -l, fusermount3 -u,
        -uz, by path and by source; expected: refused; the caller may"""
        service, target, _ = self.mount(ALICE, options="x-a=1")
        os.chmod(os.path.dirname(target), 0o777)
        for words in (["umount", target], ["umount", "-l", target], ["umount", "demo"],
                      ["fusermount3", "-u", target], ["fusermount3", "-uz", target],
                      ["fusermount", "-u", target]):
            outcome = self.run_as(BOB, *words)
            self.ended(outcome, " ".join(words[:-1]))
            self.expect(outcome.status != 0 and mount_at(target) is not None, "unmounted by another")
        self.ended(self.run_as(ALICE, "umount", target), "caller's umount")
        self.expect(mount_at(target) is None, "the caller may not")

    def test_11_paths_that_poison_utab(self):
        """attempt: mount points and sources with newline, tab, space, backslash, \\040, quotes, a
        comma, `OPTS=`, and very long ones, with an x- option; expected: one entry that
        names just this place, found again by umount(8)"""
        base = self.directory(ALICE)
        for name in ("a\nSRC=x TARGET=etc ROOT=x OPTS=user=fsmbob", "a\tb", "a b", "a\\b", "a\\040b",
                     "a\"b'c", "a,user=fsmbob", "a OPTS=helper=x", "\u00e4", "x" * 255,
                     "a#b", "a (deleted)", "\\012"):
            target = os.path.join(base, name)
            os.mkdir(target)
            os.chown(target, ALICE.uid, ALICE.gid)
            with self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid)):
                outcome = self.helper(["demo", target, "-t", "fuse.demo", "-o", "x-a=1"], ALICE)
                lines = utab() or []
                self.saw(f"{name[:40]!r}: exit {outcome.status}; {len(lines)} entries;",
                         [line.replace(base, "BASE")[:90] for line in lines])
                self.expect(outcome.status == 0 and len(lines) == 1, outcome.err)
                self.expect(lines[0].count(" TARGET=") == 1 and lines[0].endswith("OPTS=x-a=1"),
                            "an entry in an entry")
                gone = self.run_as(ALICE, "umount", target)
                self.expect(mount_at(target) is None, gone.err)
                self.expect(not utab(), f"left: {utab()}")

    def test_12_words_that_poison_utab(self):
        """attempt: x- words of the caller and of the server with newline, quotes, commas, escapes,
        `user=`, `uhelper=`, `helper=`, `loop=`; expected: refused or dropped, nothing but x- words and
        the caller's name in utab"""
        target = self.target(ALICE)
        for word in ("x-a=\nuser=root", "x-a=\"b,uhelper=x\"", "x-a\\,uhelper=x", "x-a\\054uhelper=x",
                     "uhelper=x", "helper=x", "user=root", "loop=/dev/loop0", "x-a,user=fsmbob",
                     "x-a=\x1b[31m", "X-mount.mkdir=/etc", "_netdev", "x-", "x-=", "x-a= user=root",
                     "x-a=b\toffset=1", "encryption=x"):
            for who in ("caller", "server"):
                with self.service(wire.mounting(target, table=word if who == "server" else None,
                                                owner=ALICE.uid, group=ALICE.gid)):
                    outcome = self.helper(["demo", target, "-t", "fuse.demo",
                                           *(["-o", word] if who == "caller" else [])], ALICE)
                lines = utab() or []
                self.saw(f"{who} {word!r}: exit {outcome.status}", [line.split(" OPTS=")[-1]
                                                                   for line in lines])
                for line in lines:
                    words = line.split(" OPTS=")[1].split(",")
                    self.expect(all(one.startswith("x-") or one == "user=fsmalice" for one in words),
                                f"{line}")
                support.detach(target)
                with contextlib.suppress(FileNotFoundError):
                    os.unlink("/run/mount/utab")

    def test_13_a_table_that_is_not_there(self):
        """attempt: /run/mount absent, a file, a link to the caller's directory, utab a link to
        /etc/passwd or to a file of the caller's, utab.lock a directory; expected: exit 1 or a mount;
        no file of others touched"""
        with open("/etc/passwd", "rb") as file:
            passwd = file.read()
        mine = self.directory(ALICE)

        def restore():
            subprocess.run("rm -rf /run/mount; mkdir /run/mount", shell=True, check=True)
        for what, shell in (
                ("absent", "true"), ("a file", "touch /run/mount"),
                ("a link to the caller's", f"ln -s {mine} /run/mount"),
                ("utab to /etc/passwd", "mkdir /run/mount; ln -s /etc/passwd /run/mount/utab"),
                ("utab to the caller's", f"mkdir /run/mount; ln -s {mine}/utab /run/mount/utab"),
                ("lock a directory", "mkdir -p /run/mount/utab.lock"),
                ("utab a directory", "mkdir -p /run/mount/utab"),
                ("read-only", "mkdir /run/mount; mount -t tmpfs -o ro t /run/mount")):
            subprocess.run("rm -rf /run/mount; " + shell, shell=True, check=True)
            target = self.target(ALICE)
            with self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid)):
                outcome = self.helper(["demo", target, "-t", "fuse.demo", "-o", "x-a=1"], ALICE)
            self.saw(what)
            self.ended(outcome)
            self.expect((outcome.status == 0) == (mount_at(target) is not None), "not true")
            self.expect(os.listdir(mine) == [], f"in the caller's directory: {os.listdir(mine)}")
            with open("/etc/passwd", "rb") as file:
                self.expect(file.read() == passwd, "/etc/passwd was written")
            support.detach(target)
            support.detach("/run/mount")
            restore()

    @finding(11)
    def test_14_processes_of_roots_that_stay(self):
        """attempt: twenty helpers, ten at a time, whose finisher waits for a lock on the mount
        point that the caller holds with a FUSE file system of its own; expected: what stays
        counts against the caller's own limit (RLIMIT_NPROC), so its real id is the caller's, or is
        bounded"""
        service, outer, _ = self.mount(ALICE, tree={"page": b"x" * 4096}, silent=[wire.READ])
        target = self.target(ALICE)
        holder = subprocess.Popen(
            [support.PYTHON, "-I", "-S", "-c", HOLD_LOCK.format(number=GETDENTS64), outer + "/page",
             target], user=ALICE.uid, group=ALICE.gid, extra_groups=[])
        time.sleep(0.5)
        self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid), "held")
        started = []
        try:
            for _ in range(20):
                started.append(self.start_helper(["demo", target, "-t", "fuse.held", "--timeout", "1"],
                                                 ALICE))
                time.sleep(0.05)
                if len(started) % 10 == 0:
                    for one in started:
                        one.process.wait(20)
            for one in started:
                one.process.wait(20)
            time.sleep(1)
            for reason in sorted({one.process.stderr.read().decode().strip() for one in started}):
                self.saw("helpers said:", reason)
            stay = [support.process_status(pid)["Uid"].split()[0] for pid in helper_processes()]
        finally:
            service.session.fuse.stop()
            holder.wait(10)
        support.eventually(lambda: not helper_processes(), 30)
        for mount in [one for one in mounts() if one.target == target]:
            support.detach(target)
        support.detach(outer)
        self.saw(f"helpers ended: {len(started)}; processes that stay, by their real id: "
                 f"{ {one: stay.count(one) for one in set(stay)} }; after the lock is free: "
                 f"{len(helper_processes())}")
        self.expect(stay.count("0") <= 10, "any number of processes of root's")


class Environment(Attempts):
    """Variables and directories."""

    def test_16_variables_with_an_entry(self):
        """attempt: loader, allocator, locale, libmount, FUSE, Swift, name service and proxy variables
        around a run that loads libmount and looks a name up, in a directory of the caller's with
        libraries of those names; expected: an ordinary mount and entry, no file touched"""
        target, mine = self.target(ALICE), self.directory(ALICE)
        for name in ("libmount.so.1", "libc.so.6", "libcap.so.2", "libnss_files.so.2", "evil.so",
                     "nsswitch.conf", "gconv-modules"):
            self.file(ALICE, b"\x7fELF", 0o755, name, mine)
        evil = {name: f"{mine}/evil.so" for name in (
            "LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "LD_DEBUG_OUTPUT", "LD_PROFILE_OUTPUT",
            "GCONV_PATH", "LOCPATH", "NLSPATH", "HOSTALIASES", "RESOLV_HOST_CONF", "MALLOC_TRACE",
            "LIBMOUNT_MTAB", "LIBMOUNT_UTAB", "LIBMOUNT_FSTAB", "LIBMOUNT_FORCE_MOUNT2", "TMPDIR",
            "FUSE_KERN_DEVICE", "FUSE_CONF", "FUSE_SERVICE_SOCKET_DIR", "SWIFT_DEBUG_ENABLE",
            "SWIFT_BACKTRACE", "NSS_WRAPPER_PASSWD", "BLKID_FILE", "BLKID_CONF", "PATH", "HOME")}
        evil.update({"LD_DEBUG": "all", "LIBMOUNT_DEBUG": "all", "LIBBLKID_DEBUG": "all",
                     "GLIBC_TUNABLES": "glibc.malloc.mxfast=glibc.malloc.mxfast=" + "A" * 4096,
                     "MALLOC_CHECK_": "3", "LISTEN_FDS": "1", "LISTEN_PID": "1", "LD_BIND_NOW": "1",
                     "_FUSE_COMMFD": "0", "=": "x", "": "x"})
        evil.pop("=")
        evil.pop("")
        before = sorted(os.listdir(mine))
        with self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid, table="user=x")):
            outcome = self.helper(["demo", target, "-t", "fuse.demo", "-o", "x-a=1"], ALICE, env=evil,
                                  cwd=mine)
        self.ended(outcome)
        lines = utab() or []
        self.saw([line.replace(target, "MNT") for line in lines])
        mounted = mount_at(target) is not None
        support.detach(target)
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/run/mount/utab")
        self.expect(mounted and len(lines) == 1 and sorted(os.listdir(mine)) == before,
                    "another outcome")

    def test_17_what_the_recorder_looks_at(self):
        """attempt: source and mount point below a FUSE mount of the caller's whose server does not
        answer any more once the record is written; expected: the end in time"""
        tree, server = self.below(ALICE, {"image": b"x", "mnt": {}})
        target = os.path.join(tree, "mnt")
        image = os.path.join(tree, "image")

        def script(session):
            session.begin()
            session.prepare(target, image)
            assert session.mount() == 0
            server.silent = None
            session.goodbye(0)
            session.serve({}, ALICE.uid, ALICE.gid)
        with self.service(script):
            outcome = self.helper([image, target, "-t", "fuse.demo", "-o", "x-a=1", "--timeout", "3"],
                                  ALICE, timeout=40)
        self.ended(outcome)
        mounted = mount_at(target) is not None
        entry = [line for line in utab() or [] if target in line]
        self.saw(f"mounted {mounted}, entry {bool(entry)}, in time {outcome.seconds < 12}")
        support.detach(target)
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/run/mount/utab")
        self.expect(mounted == bool(entry) == (outcome.status == 0) and outcome.seconds < 12, "not true")


class Configuration(Attempts):
    """fuse.conf."""

    def test_15_lines(self):
        """attempt: user_allow_other in every near spelling, mount_max in every odd number, CRLF, NUL,
        other encodings, no newline, a file that others may write or own, a link; expected: allow_other
        only where the administrator wrote it"""
        target = self.target(ALICE)
        for text, allowed in (
                ("user_allow_other\n", True), ("user_allow_other\r\n", True),
                (" user_allow_other # yes\n", True), ("user_allow_other", False),
                ("user_allow_otherx\n", False), ("user_allow_other=1\n", False),
                ("user_allow_other no\n", False), ("#user_allow_other\n", False),
                ("x user_allow_other\n", False), ("user_allow_other\0\n", False),
                ("\0user_allow_other\n", False), ("USER_ALLOW_OTHER\n", False),
                ("user_allow_othe\n", False), ("# " + "x" * 252 + "user_allow_other\n", False),
                ("x" * 255 + "user_allow_other\n", False), ("\ufeffuser_allow_other\n", False),
                ("user_allow_other\x0b\n", True), ("mount_max = 5 user_allow_other\n", False),
                ("user_allow_other\rmount_max=0\n", False)):
            self.fuse_conf(text)
            with self.service(wire.mounting(target, superblock="allow_other", owner=ALICE.uid,
                                            group=ALICE.gid)):
                outcome = self.helper(["demo", target, "-t", "fuse.demo"], ALICE)
            mounted = mount_at(target) is not None
            self.saw(f"{text[:30]!r}: allow_other {mounted}")
            self.expect(mounted == allowed, f"{text!r}: allow_other {mounted}")
            support.detach(target)
        for mode, owner in ((0o666, 0), (0o664, 0), (0o644, ALICE.uid), (0o622, 0)):
            self.fuse_conf("user_allow_other\n", mode, owner)
            with self.service(wire.mounting(target, superblock="allow_other", owner=ALICE.uid,
                                            group=ALICE.gid)):
                outcome = self.helper(["demo", target, "-t", "fuse.demo"], ALICE)
            self.saw(f"mode {mode:o} owner {owner}: exit {outcome.status}")
            self.expect(outcome.status == 1, "followed")
