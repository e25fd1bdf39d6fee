# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers on the FuseService library, started as a service manager does, behind the helper."""

import errno
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import unittest

import fuse_service as wire
from loops import reason_for_none
from support import ALICE, ROOT, HelperTest, callers, mount_at, parametrized, system
from test_files import loop_device

BUILT = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                     ".build")
SINGLEFILEFS = os.path.join(BUILT, "embedded/release/singlefilefs")
ARFS = os.path.join(BUILT, "example/debug/arfs")
NOBODY = 65534
LOOP_MAJOR = 7
WORDS = (b"singlefilefs", b"d.img", b"/mnt", b"-o", b"loop")
START = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"'  # the id is the one that the program will have


def has_loop_devices():
    """Whether the machine has loop devices to attach files to."""
    return os.path.exists("/dev/loop-control") and shutil.which("losetup") is not None


def header(name, size, end=b"`\n"):
    """The header of a member of an archive."""
    return b"%-16b%-12d%-6d%-6d%-8o%-10d%b" % (name, 1700000000, 0, 0, 0o644, size, end)


def archive(*members):
    """An ar(5) archive."""
    return b"!<arch>\n" + b"".join(
        header(name, len(content)) + content + b"\n" * (len(content) % 2)
        for name, content in members)


class Servers(HelperTest):
    """The real programs as services."""

    def launch(self, path, connection, *words):
        """Starts a program, as nobody, with the socket that a service manager passes."""
        number = connection.fileno()
        process = subprocess.Popen(
            ["/bin/sh", "-c", START, path, *words], env={}, user=NOBODY, group=NOBODY, extra_groups=[],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            pass_fds=(3,), preexec_fn=lambda: os.dup2(number, 3))
        connection.close()

        def end():
            process.kill()
            process.wait()
            process.stderr.close()
        self.addCleanup(end)
        return process

    def program(self, path, *words):
        """A service that gives each connection to a program of its own."""
        started = []
        self.service(
            lambda session: started.append(self.launch(path, session.connection, *words)))
        return started

    def log_of(self, started):
        """What the one program that was started has logged, once it has ended."""
        self.assertEqual(len(started), 1)
        _, log = started[0].communicate(timeout=10)
        return log.decode(errors="replace")


def file_reply(path, error=0):
    """The FILE reply about a path."""
    return wire.FILE_REPLY + wire.be32(error) + path + b"\0"


def request_of(packet):
    """Of an OPEN: the request flags and the path."""
    return struct.unpack(">I", packet[12:16])[0], packet[20:-1]


class AnotherHelper(Servers):
    """singlefilefs with a helper of the test's own, that answers as it likes."""

    def converse_with(self, answer):
        """What the server sends after the hello, how it ended, and its log.

        `answer` has the reply to an OPEN, and a descriptor or None. A server that goes on to serve
        is killed.
        """
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(here.close)
        here.settimeout(10)
        process = self.launch(SINGLEFILEFS, there)
        here.send(wire.HELLO + struct.pack(">HHI", 1, 1, 0))
        self.assertEqual(here.recv(64), wire.HELLO_REPLY + struct.pack(">HH", 1, 0))
        with tempfile.TemporaryFile() as arguments, open("/dev/fuse", "r+b", 0) as device:
            arguments.write(wire.encode_arguments(WORDS))
            arguments.flush()
            socket.send_fds(here, [file_reply(b"argv")], [arguments.fileno()])
            socket.send_fds(here, [file_reply(b"fusedev")], [device.fileno()])
        received = []
        while not received or received[-1][:4] != wire.BYEE:
            received.append(here.recv(65536))
            self.assertNotEqual(received[-1], b"", "the server is gone")
            if received[-1][:4] == wire.OPEN:
                reply, number = answer(received[-1])
                socket.send_fds(here, [reply], [] if number is None else [number])
            elif received[-1][:4] not in (wire.SAYS, wire.BYEE):
                here.send(wire.SIMPLE_REPLY + wire.be32(0))
        if received[-1] == wire.BYEE + wire.be32(0):
            process.kill()
        _, log = process.communicate(timeout=10)
        return received, process.returncode, log.decode(errors="replace")

    def test_an_attached_file_is_refused_in_words(self):
        received, status, log = self.converse_with(
            lambda packet: (file_reply(b"d.img", errno.EBUSY), None))
        *opens, says, bye = received
        self.assertEqual(says[:4], wire.SAYS)
        self.assertIn(b"d.img: the file is attached to a loop device already", says)
        self.assertEqual((bye, status), (wire.BYEE + wire.be32(1), 1))
        requests = [request_of(packet) for packet in opens]
        self.assertEqual(set(requests[:-1]), {(wire.LOOP | wire.QUIET, b"d.img")})
        self.assertEqual(requests[-1], (wire.LOOP, b"d.img"))
        self.assertIn("attached to a loop device already", log)

    @parametrized(refusals=[("none", 0), ("first", 1)])
    def test_without_a_loop_device_the_file_is_served_and_the_log_says_so(self, refusals):
        left = [refusals]
        with tempfile.TemporaryFile() as image:
            image.truncate(4096)

            def answer(_packet):
                left[0] -= 1
                if left[0] >= 0:
                    return file_reply(b"d.img", errno.EINVAL), None
                return file_reply(b"d.img"), image.fileno()
            received, _, log = self.converse_with(answer)
        self.assertEqual([request_of(packet)[0] for packet in received
                          if packet[:4] == wire.OPEN],
                         [wire.LOOP | wire.QUIET, wire.QUIET][:refusals + 1])
        self.assertEqual(received[-1], wire.BYEE + wire.be32(0))
        self.assertIn("d.img: the helper has no loop device for it", log)

    def test_a_loop_device_is_served(self):
        if not has_loop_devices():
            self.skipTest("no loop devices here")
        with loop_device(ROOT) as node, open(node, "r+b", 0) as device:
            received, _, log = self.converse_with(
                lambda packet: (file_reply(b"d.img"), device.fileno()))
        self.assertEqual([request_of(packet)[0] for packet in received
                          if packet[:4] == wire.OPEN], [wire.LOOP | wire.QUIET])
        self.assertEqual(received[-1], wire.BYEE + wire.be32(0))
        self.assertNotIn("no loop device", log)


class SingleFile(Servers):
    """The reference server."""

    type = "singlefilefs"

    @callers()
    @parametrized(options=[("plain", None), ("loop", "loop"), ("read-only", "loop,ro")])
    def test_the_image_is_one_file(self, caller, options):
        started = self.program(SINGLEFILEFS)
        content = os.urandom(8192)
        image, target = self.file(caller, content), self.target(caller)
        outcome = self.helper(self.words(image, target, options), caller)
        self.assertEqual((outcome.status, outcome.err), (0, ""))
        shown = os.path.join(target, "image")
        self.assertEqual(self.run_as(caller, "cmp", image, shown).status, 0)
        if options != "loop,ro":
            self.run_as(caller, "dd", f"of={shown}", "if=/dev/zero", "bs=512", "count=1",
                        "conv=notrunc,fsync")
            with open(image, "rb") as file:
                self.assertEqual(file.read(), bytes(512) + content[512:])
        if options and not reason_for_none():
            held = {os.stat(f"/proc/{started[0].pid}/fd/{number}").st_rdev >> 8
                    for number in os.listdir(f"/proc/{started[0].pid}/fd")}
            self.assertIn(LOOP_MAJOR, held)
        self.unmount(target, caller)
        log = self.log_of(started)
        self.assertIn("serving", log)
        self.assertEqual("no loop device" in log, bool(options) and bool(reason_for_none()))

    @unittest.skipIf(reason_for_none(), reason_for_none())
    def test_an_image_that_is_attached_already_is_refused_in_words(self):
        self.program(SINGLEFILEFS)
        image, target = self.file(ALICE, bytes(8192)), self.target(ALICE)
        device = system("losetup", "--find", "--show", image).strip()
        self.addCleanup(system, "losetup", "--detach", device)
        outcome = self.helper(self.words(image, target, "loop"), ALICE)
        self.assert_refused(outcome)
        self.assertIn(f"{image}: the file is attached to a loop device already", outcome.err)
        self.assert_nothing_mounted()


@unittest.skipUnless(os.access(ARFS, os.X_OK), "packaging/example has not built the example")
class Example(Servers):
    """The server of docs/writing-a-server.md."""

    type = "arfs"

    @callers()
    def test_the_members_of_an_archive_are_files(self, caller):
        started = self.program(ARFS)
        image = self.file(caller, archive(
            (b"debian-binary", b"2.0\n"), (b"//", b"a-name-of-more-bytes.txt/\n"), (b"/0", b"odd"),
            (b"empty/", b""), (b"big", bytes(300000)), (b"a/b", b"no"), (b"..", b"no")))
        target = self.target(caller)
        outcome = self.helper(self.words(image, target), caller)
        self.assertEqual((outcome.status, outcome.err), (0, ""))
        self.assertIn("ro", mount_at(target).attributes)
        self.assertEqual(
            self.run_as(caller, "ls", target, env={"LC_ALL": "C"}).out.split(),
            ["a-name-of-more-bytes.txt", "big", "debian-binary", "empty"])
        looked = self.run_as(caller, "sh", "-c", f"cd {target}; cat debian-binary a-* empty; "
                             "wc -c <big; stat -c %Y big; cat missing")
        self.assertEqual(looked.out, "2.0\nodd300000\n1700000000\n")
        self.unmount(target, caller)
        self.assertEqual(self.log_of(started), "")

    @parametrized(content=[
        ("empty", b""), ("text", b"hello, world\n"), ("header-cut", archive((b"a", b"b"))[:40]),
        ("content-cut", b"!<arch>\n" + header(b"a", 9999999999)),
        ("no-end", b"!<arch>\n" + header(b"a", 0, b"xx")),
        ("no-number", b"!<arch>\n" + header(b"a", 0).replace(b"0         `", b"-1        `")),
    ])
    def test_what_is_no_archive_is_refused_in_words(self, content):
        started = self.program(ARFS)
        image, target = self.file(ALICE, content), self.target(ALICE)
        outcome = self.helper(self.words(image, target), ALICE)
        self.assert_refused(outcome)
        self.assertRegex(outcome.err, "it is no ar|no member's header|is cut short")
        self.assert_nothing_mounted()
        self.assertIn(image, self.log_of(started))

    def test_a_missing_archive_is_told_by_the_helper(self):
        started = self.program(ARFS)
        target = self.target(ALICE)
        outcome = self.helper(self.words("/nowhere.deb", target), ALICE)
        self.assert_refused(outcome)
        self.assertIn("/nowhere.deb", outcome.err)
        self.assertIn("No such file", self.log_of(started))
