# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hostile server: descriptors, the fuse device, floods, words."""

import array
import ctypes
import fcntl
import os
import random
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import fuse_service as wire
from review import *

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
UGLY = "\x1b]0;pwned\x07\x1b[31m\x9b2J\u202egnp\u2066\r\n\x00\t\x7f\u200b" \
    .encode("utf-8").replace(b"\x00", b"") + b"\xff\xfe\xc0\x80\x9b\x1b"


def quiet(function):
    """Detached mounts leave requests for nodes that nobody knows."""
    def answer(*words):
        with contextlib.suppress(KeyError):
            function(*words)
    return answer


wire.FuseServer._answer = quiet(wire.FuseServer._answer)


class Device(Attempts):
    """What a server does with the fuse device before the mount."""

    def session(self, deed, **more):
        """A run in which the server does something with the device before DOIT."""
        target = self.target(ALICE)

        def script(session):
            session.begin()
            said = deed(session)
            session.prepare(target)
            reply = session.mount()
            session.goodbye(0 if reply == 0 else 1)
            session.serve({}, ALICE.uid, ALICE.gid)
            return said, os.strerror(reply)
        with self.service(script, "device") as service:
            outcome = self.helper(["demo", target, "-t", "fuse.device", "--timeout", "5"], ALICE,
                                  timeout=40, **more)
            with contextlib.suppress(AssertionError):
                self.saw("server:", service.result(5))
        self.ended(outcome)
        self.clean()
        mount = mount_at(target)
        self.expect((outcome.status == 0) == (mount is not None), "exit status is not true")
        if mount:
            self.expect({"nosuid", "nodev"} <= mount.attributes
                        and "allow_other" not in mount.superblock
                        and f"user_id={ALICE.uid}" in mount.superblock, "the mount is another")
        support.detach(target)
        return outcome

    def test_01_mount_it_in_a_user_namespace_first(self):
        """attempt: before DOIT the server, an unprivileged user, mounts the device itself in a user
        namespace with allow_other; expected: the kernel refuses, or DOIT fails; no other mount"""
        def deed(session):
            program = ("import ctypes,os,sys\nl=ctypes.CDLL(None,use_errno=True)\n"
                       "os.makedirs('/tmp',exist_ok=True)\n"
                       "r=l.mount(b'x',b'/mnt',b'fuse',0,(b'fd=%d,rootmode=40000,user_id=0,"
                       "group_id=0,allow_other'%int(sys.argv[1])))\n"
                       "print(r,os.strerror(ctypes.get_errno()))")
            done = subprocess.run(["unshare", "-Urm", support.PYTHON, "-c", program,
                                   str(session.device)], pass_fds=[session.device],
                                  capture_output=True, text=True, user=BOB.uid, group=BOB.gid,
                                  extra_groups=[])
            return (done.stdout + done.stderr).strip()
        self.session(deed)

    @finding(9)
    def test_02_clone_it_onto_another_connection(self):
        """attempt: FUSE_DEV_IOC_CLONE attaches the device to the connection of a file system that
        root has mounted with allow_other through the same server, before DOIT, for a user without
        user_allow_other; expected: DOIT fails, or the new mount is the user's own and not for
        others"""
        place, target = self.target(ROOT), self.target(ALICE)
        made, gate = threading.Event(), threading.Event()
        kept = []

        def script(session):
            session.begin()
            if session.arguments[-1] == b"root":
                session.prepare(place)
                assert session.options("allow_other") == 0
                assert session.mount() == 0
                session.goodbye(0)
                session.serve({"f": b"x"})
                kept.append(session.device)
                made.set()
                gate.wait(30)
                return
            try:
                fcntl.ioctl(session.device, 0x8004E500, struct.pack("I", kept[0]))
                kept.append("cloned")
            except OSError as error:
                kept.append(error.strerror)
            session.prepare(target)
            reply = session.mount()
            session.goodbye(0 if reply == 0 else 1)
        self.service(script)
        self.ended(self.helper(["demo", place, "-t", "fuse.demo", "root"]), "root's helper")
        self.expect(made.wait(10), "root's mount")
        self.addCleanup(support.detach, place)
        self.before |= {mount_at(place).number}
        self.ended(self.helper(["demo", target, "-t", "fuse.demo"], ALICE), "user's helper")
        self.saw("server:", kept[1])
        mount = mount_at(target)
        seen = self.run_as(BOB, "ls", target)
        support.detach(target)
        gate.set()
        if mount:
            self.saw("the user's mount:", ",".join(sorted(mount.superblock)))
            self.saw("another user lists it:", seen.out.strip() or seen.err.strip())
        self.expect(mount is None or ("allow_other" not in mount.superblock
                                      and f"user_id={ALICE.uid}" in mount.superblock),
                    "a user's mount has allow_other and another's user_id")

    def test_03_odd_ioctls_and_flags(self):
        """attempt: O_ASYNC with the helper as the owner, O_NONBLOCK, backing files, SYNC_INIT twice,
        writes and reads before DOIT, closing it; expected: a good mount or exit 1, in time"""
        def owner(session):
            said = []
            for pid in helper_processes():
                for number in (signal.SIGKILL, signal.SIGSTOP):
                    try:
                        fcntl.fcntl(session.device, fcntl.F_SETOWN, pid)
                        fcntl.fcntl(session.device, 10, number)
                        fcntl.fcntl(session.device, fcntl.F_SETFL, os.O_RDWR | os.O_ASYNC)
                        said.append("set")
                    except OSError as error:
                        said.append(error.strerror)
            fcntl.fcntl(session.device, fcntl.F_SETFL, os.O_RDWR)
            return said

        def attempts(*functions):
            def deed(session):
                said = []
                for function in functions:
                    try:
                        said.append(function(session))
                    except OSError as error:
                        said.append(error.strerror)
                return said
            return deed
        nonblock = lambda s: fcntl.fcntl(s.device, fcntl.F_SETFL, os.O_RDWR | os.O_NONBLOCK)
        for what, deed in (
                ("owner", owner), ("nonblock", attempts(nonblock)),
                ("backing", attempts(lambda s: fcntl.ioctl(s.device, 0x4010E501, b"\0" * 16))),
                ("read and write", attempts(nonblock, lambda s: os.read(s.device, 8192),
                                            lambda s: os.write(s.device, b"\0" * 16))),
                ("clone itself", attempts(lambda s: fcntl.ioctl(
                    s.device, 0x8004E500, struct.pack("I", s.device)))),
                ("flock", attempts(lambda s: fcntl.flock(s.device, fcntl.LOCK_EX))),
                ("lease", attempts(lambda s: fcntl.fcntl(s.device, fcntl.F_SETLEASE,
                                                         fcntl.F_WRLCK)))):
            self.saw(what)
            self.session(deed)

    def test_04_another_sessions_device(self):
        """attempt: two helpers at once; their servers exchange the devices, and one closes its own;
        expected: each mount is its own caller's, or fails"""
        places, devices, gate = {}, {}, threading.Barrier(2)

        def script(session):
            session.begin()
            mine = session.arguments[-1]
            devices[mine] = session.device
            gate.wait(10)
            session.received.append(session.device)
            session.device = os.dup(devices[b"bob" if mine == b"alice" else b"alice"])
            session.prepare(places[mine])
            session.mount()
            session.goodbye(0)
            time.sleep(0.3)
            session.serve({"who": mine}, 0, 0)
        self.service(script)
        running = []
        for caller, word in ((ALICE, b"alice"), (BOB, b"bob")):
            places[word] = self.target(caller)
            running.append((caller, word, self.start_helper(
                ["demo", places[word], "-t", "fuse.demo", word.decode()], caller)))
        for caller, word, helper in running:
            outcome = self.ended(helper.finish())
            mount = mount_at(places[word])
            if mount:
                self.saw(sorted(mount.superblock))
                self.expect(f"user_id={caller.uid}" in mount.superblock, "another's mount")
            support.detach(places[word])

    def test_05_a_frozen_superblock_and_sync(self):
        """attempt: a server freezes the superblock (SYNC_INIT, no answer), and another user calls
        sync(2) meanwhile; expected: sync of others is not held longer than the helper's time"""
        target = self.target(ALICE)
        there = threading.Event()

        def script(session):
            session.begin()
            with contextlib.suppress(OSError):
                session.synchronous_init()
            session.prepare(target)
            there.set()
            with contextlib.suppress(wire.SessionEnded):
                session.mount()
        self.service(script)
        running = self.start_helper(["demo", target, "-t", "fuse.demo", "--timeout", "3"], ALICE)
        self.expect(there.wait(10), "no DOIT")
        time.sleep(0.3)
        begun = time.monotonic()
        sync = self.run_as(BOB, "sync", timeout=30)
        self.saw(f"sync(1) by another user: exit {sync.status} after "
                 f"{'more' if time.monotonic() - begun > 2 else 'less'} than 2 s")
        self.ended(running.finish(30))
        self.expect(time.monotonic() - begun < 15, "sync was held")


class Descriptors(Attempts):
    """Descriptors that nobody asked for."""

    def test_06_every_kind_with_every_packet(self):
        """attempt: pass 100 descriptors of each kind (O_PATH, directories, memfd, pidfd, epoll,
        eventfd, timerfd, io_uring, fuse device, the session's own socket, a pair that holds itself)
        with each command; expected: the helper keeps none, and goes on or ends with 1"""
        pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        socket.send_fds(pair[0], [b"x"], [pair[0].fileno(), pair[1].fileno()])
        libc.syscall.restype = ctypes.c_long
        kinds = {"path": os.open("/etc", os.O_PATH), "memfd": os.memfd_create("m"),
                 "pidfd": os.pidfd_open(os.getpid()), "epoll": libc.epoll_create1(0),
                 "eventfd": os.eventfd(0), "fuse": os.open("/dev/fuse", os.O_RDWR),
                 "cycle": pair[0].fileno(), "timerfd": libc.syscall(283, 1, 0),
                 "io_uring": libc.syscall(425, 4, ctypes.create_string_buffer(120)),
                 "userfaultfd": libc.syscall(323, 0), "mount": libc.syscall(430, b"tmpfs", 0)}
        for kind, descriptor in kinds.items():
            if descriptor < 0:
                self.saw(f"{kind}: not here")
                continue
            target = self.target(ALICE)
            most = []

            def script(session, descriptor=descriptor, most=most, target=target):
                passed = [descriptor] * 100
                session.begin()
                for magic, body in ((wire.TYPE, b"\0" * 4), (wire.NAME, b"demo\0"),
                                    (wire.MNTP, b"\0\0\0\0" + os.fsencode(target) + b"\0"),
                                    (wire.OPTS, b"default_permissions\0"),
                                    (wire.OPEN, b"\0" * 16 + b"demo\0"), (wire.DOIT, b"\0\0\0\6")):
                    try:
                        session.send(magic + body, passed)
                    except OSError as error:
                        most.append(error.strerror)
                        session.send(magic + body)
                    session.receive()
                    for pid in helper_processes():
                        most.append(len(os.listdir(f"/proc/{pid}/fd")))
                session.goodbye(0)
                session.serve({}, ALICE.uid, ALICE.gid)
            with self.service(script):
                outcome = self.helper(["demo", target, "-t", "fuse.demo"], ALICE)
                numbers = [value for value in most if isinstance(value, int)]
                words = sorted({value for value in most if isinstance(value, str)})
                self.saw(f"{kind}: exit {outcome.status}; most descriptors of a process:",
                         max(numbers, default=0), *words)
                self.expect(max(numbers, default=0) < 16, "descriptors stay")
                support.detach(target)
        for descriptor in kinds.values():
            if descriptor >= 0 and descriptor != pair[0].fileno():
                os.close(descriptor)
        pair[0].close()
        pair[1].close()


class Words(Attempts):
    """Everything that the helper prints or records."""

    def test_07_escapes_in_every_string_of_the_server(self):
        """attempt: terminal escapes, C1 controls, bidirectional marks and bad UTF-8 in every string
        of a server and in its last words; expected: nothing of that on the caller's terminal"""
        texts = [UGLY, b"\x1b[2J", b"\xc2\x9b31m", "\u202eabc".encode(), b"\r\x1b[K$ ", b"%n%s%s",
                 b"\xe2\x80\xa8", b"\x9b31m", b"\xf0\x9f\x98\x80\xf3\xa0\x81\x81", b"\\x1b[31m",
                 b"a" * 60000]
        for text in texts:
            for magic, before in ((wire.OPEN, b"\0" * 16), (wire.BDEV, b"\0" * 16), (wire.NAME, b""),
                                  (wire.OPTS, b""), (wire.MTAB, b""), (wire.MTAB, b"user="),
                                  (wire.MNTP, b"\0" * 4), (wire.SAYS, b""), (b"\x1b[2J", b"")):
                target = self.target(ALICE)

                def script(session, magic=magic, before=before, text=text):
                    with contextlib.suppress(wire.SessionEnded):
                        session.begin()
                        session.send(magic + before + text[:512 if magic == wire.SAYS else 65000]
                                     + b"\0")
                        if magic != wire.SAYS:
                            session.receive()
                        session.goodbye(1)
                with self.service(script):
                    for more in ((), ("--verbose",)):
                        outcome = self.helper(["demo", target, "-t", "fuse.demo", *more], ALICE)
                        found = CONTROL.search(outcome.err)
                        self.expect(found is None, f"{magic!r} {text[:20]!r}: {outcome.err[:200]!r}")
                        self.expect("\udc80" not in outcome.err and all(
                            not 0xdc80 <= ord(letter) <= 0xdcff for letter in outcome.err),
                            "bad UTF-8 on the terminal")
                        self.expect(all(len(line) < 1200 for line in outcome.err.split("\n")),
                                    "a line too long")
            self.saw(f"{text[:24]!r}: {outcome.err.strip()[:160]!r}")

    def test_08_escapes_in_the_command_line(self):
        """attempt: the same in the type, the source, the mount point, options and the values of
        --timeout; expected: nothing of that on the terminal, exit 1"""
        text = os.fsdecode(UGLY)
        for words in ([text, "/nonexistent", "-t", "demo"], ["x", text, "-t", "demo"],
                      ["x", "/tmp", "-t", text], ["x", "/tmp", "-t", "demo", "-o", text],
                      ["x", "/tmp", "-t", "demo", "--timeout", text],
                      ["x", "/tmp", "-t", "demo", "-o", "x-fuse-service.timeout=" + text],
                      ["x", "/tmp", "-t", "demo", "--list", text], ["--check", "-t", text],
                      ["x", "/tmp", "-t", "demo", "-o", 'a="' + text], [text]):
            for name in ("fuservicemount3", "mount.fuse.demo", "mount.fuse" + text):
                outcome = self.start_helper(words, ALICE, env={"TERM": text})
                outcome = outcome.finish()
                other = self.start([name, *words], ALICE, executable=stage.helper).finish()
                for one in (outcome, other):
                    self.expect(CONTROL.search(one.err) is None, f"{words}: {one.err!r}")
                    self.expect(CONTROL.search(one.out) is None, f"{words}: {one.out!r}")
                    self.expect(one.status in (1, 2), f"{words}: exit {one.status}")
            self.saw(outcome.status, outcome.err.strip()[:200])

    @finding(8)
    def test_09_terminal_escapes_in_the_mount_table(self):
        """attempt: a server names its mount with C1 controls and marks that change direction;
        expected: no control that acts on a terminal in the mount table, as for those below 0x20"""
        kept = []
        for name in (b"\xc2\x9b31mred", "\u202egnp.exe".encode(), b"\x9b31m", "a\u2028b".encode(),
                     b"a\x1b[31m", b"a\nb", b"a\tb"):
            target = self.target(ALICE)
            with self.service(wire.mounting(target, name=name, owner=ALICE.uid, group=ALICE.gid)):
                outcome = self.helper(["demo", target, "-t", "fuse.demo"], ALICE)
                mount = mount_at(target)
                self.saw(f"NAME {name!r}: exit {outcome.status}",
                         repr(mount.source) if mount else outcome.err.strip().splitlines()[0])
                if mount:
                    kept.append(name)
                    support.detach(target)
        self.expect(not kept, f"in the mount table: {kept}")

    def test_10_names_that_mean_something_to_umount(self):
        """attempt: NAME as a tag, a network source, a path, a relative path, a file system's name;
        expected: what begins with / and is not named is refused"""
        for name in ("/etc/shadow", "/dev/sda1", "//server/share", "/", "UUID=abc", "server:/export",
                     "tmpfs", ".", "..", "none", "/dev/fuse", "/demo", "./demo", " /etc", "\\040/etc"):
            target = self.target(ALICE)
            with self.service(wire.mounting(target, name=name.encode(), owner=ALICE.uid,
                                            group=ALICE.gid)):
                outcome = self.helper(["demo", target, "-t", "fuse.demo"], ALICE)
                self.saw(f"NAME {name!r}: exit {outcome.status}")
                self.expect((outcome.status == 0) == (name[0] != "/" or name == "/dev/fuse"),
                            "a path that nobody named")
                support.detach(target)

    def test_11_options_in_disguise(self):
        """attempt: allow_other, suid, dev, rw, user_id and context in every disguise by OPTS and
        MTAB, for a user without user_allow_other, who says ro,noexec,nosymfollow; expected: nothing
        that restricts is lost and nothing is added"""
        def disguises(word):
            return (word, word + ",", "," + word, "max_read=4096\\," + word, f'"{word}"', word + "=",
                    word + "=1", "default_permissions," + word, word.upper(), " " + word,
                    word + "\n", "x\n" + word, 'context="a,' + word + '"', "max_read=1," + word,
                    word[:3] + "\\" + word[3:])
        target = self.target(ALICE)
        refused = 0
        for word in ("allow_other", "suid", "dev", "rw", "exec", "user_id=0", "rootmode=0100000",
                     "fd=0", "context=x", "symfollow", "source=/etc", "subtype=x", "group_id=0"):
            for text in disguises(word):
                def script(session, text=text):
                    session.begin()
                    session.prepare(target)
                    session.options(text)
                    session.table_options(text)
                    reply = session.mount()
                    session.goodbye(0 if reply == 0 else 1)
                    session.serve({}, ALICE.uid, ALICE.gid)
                with self.service(script):
                    outcome = self.helper(["demo", target, "-t", "fuse.demo", "-o",
                                           "ro,noexec,nosymfollow"], ALICE)
                    mount = mount_at(target)
                    if mount is None:
                        refused += 1
                        continue
                    self.expect({"nosuid", "nodev", "ro", "noexec", "nosymfollow"}
                                <= mount.attributes and "ro" in mount.superblock
                                and f"user_id={ALICE.uid}" in mount.superblock
                                and "allow_other" not in mount.superblock,
                                f"{text!r}: {sorted(mount.attributes)} {sorted(mount.superblock)}")
                    self.expect(not any(word in line for line in utab() or []), "in utab")
                    support.detach(target)
        self.saw(f"refused: {refused}; the others changed nothing")


class Floods(Attempts):
    """Much of everything."""

    def test_12_memory_and_time(self):
        """attempt: 100,000 requests for files, replies never read; the largest packets; the longest
        command line; expected: memory of each process under 8 MiB, and the end in time"""
        target = self.target(ALICE)
        peaks = {}

        def look():
            for pid in helper_processes():
                with contextlib.suppress(OSError, KeyError):
                    status = support.process_status(pid)
                    peaks[pid] = max(peaks.get(pid, 0), int(status["VmHWM"].split()[0]))

        def flood(packet, read):
            def script(session):
                session.begin()
                session.connection.settimeout(3)
                with contextlib.suppress(OSError, wire.SessionEnded):
                    for _ in range(100000):
                        session.send(packet)
                        if read:
                            session.receive()
                        if not _ % 1000:
                            look()
                look()
                time.sleep(0.1)
                session.connection.close()
            return script
        for what, packet, read in (
                ("requests", wire.OPEN + b"\0" * 16 + b"image\0", True),
                ("unread", wire.OPEN + b"\0" * 16 + b"image\0", False),
                ("large names", wire.NAME + b"n" * 65000 + b"\0", True),
                ("large options", wire.OPTS + b"a," * 32000 + b"\0", True),
                ("large table options", wire.MTAB + b"x-" + b"a,x-" * 16000 + b"\0", True)):
            peaks.clear()
            with self.service(flood(packet, read)):
                outcome = self.helper(["image", target, "-t", "fuse.demo", "--timeout", "3"], ALICE,
                                      timeout=60)
            high = max(peaks.values(), default=0)
            self.saw(f"{what}: exit {outcome.status}; peak under 8 MiB: {high < 8192}; lines on the "
                     f"terminal: {outcome.err.count(chr(10))}")
            self.expect(outcome.status == 1 and high < 8192, f"peak {high} KiB")
            self.expect(outcome.err.count("\n") <= 102, "too many lines")

    def test_13_random_packets(self):
        """attempt: 400 sessions of random and half-random packets, in random order, with random
        descriptors; expected: exit 1, nothing left, nothing odd on the terminal"""
        chance = random.Random(2026)
        magics = [wire.OPEN, wire.BDEV, wire.TYPE, wire.NAME, wire.OPTS, wire.MTAB, wire.MNTP,
                  wire.DOIT, wire.IOMA, wire.SAYS, wire.HELLO, wire.FILE_REPLY, b"\0\0\0\0"]
        target = self.target(ALICE)
        bodies = [b"", b"\0", b"\0" * 4, b"demo\0", b"ro\0", os.fsencode(target) + b"\0",
                  b"\0\0\0\0" + os.fsencode(target) + b"\0", b"\0" * 16 + b"demo\0", b"\xff" * 4,
                  b"\0\0\0\6", b"x-a\0", b"allow_other\0", b"\0" * 65000]
        statuses = {}
        for _ in range(400):
            def script(session):
                with contextlib.suppress(wire.SessionEnded, OSError, AssertionError):
                    session.begin()
                    for _ in range(chance.randrange(1, 12)):
                        body = chance.choice(bodies) if chance.random() < 0.8 \
                            else chance.randbytes(chance.randrange(40))
                        session.send(chance.choice(magics) + body,
                                     [0] * chance.choice((0, 0, 0, 3)))
                        if chance.random() < 0.7:
                            session.connection.settimeout(0.05)
                            with contextlib.suppress(OSError):
                                session.receive()
                    if chance.random() < 0.5:
                        session.send(wire.BYEE + wire.be32(chance.choice((0, 0, 1, 2, 1 << 31))))
                session.connection.close()
            with self.service(script):
                outcome = self.helper(["demo", target, "-t", "fuse.demo", "--timeout", "5"], ALICE,
                                      timeout=30)
            statuses[outcome.status] = statuses.get(outcome.status, 0) + 1
            self.expect(outcome.status == 1 or mount_at(target), f"exit {outcome.status}")
            self.expect(CONTROL.search(outcome.err) is None, f"{outcome.err!r}")
            support.detach(target)
            self.clean()
            with contextlib.suppress(FileNotFoundError):
                os.unlink("/run/mount/utab")
        self.saw("exit statuses:", statuses)
