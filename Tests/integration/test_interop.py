# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helpers, callers and servers of two projects with each other; interop_cases.py has the table.

Without FUSERVICEMOUNT3_PEER (see peer.py) only what needs nothing of libfuse's is tried.
"""

import errno
import os
import shlex
import socket
import unittest

import fuse_service as wire
import interop_table
import peer
from conversations.play import in_order
from conversations.recorded import COMMAND_LINES, SESSIONS
from interop_cases import AT_ONCE, CALLS, CASES, OURS, every, is_recorded_behind_ours
from real_server import RealServer, start_server
from support import ALICE, ROOT, HelperTest, detach, eventually, mount_at, mounts, stage, system
from test_differences import DOCUMENT as PEER_DIFFERENCES
from test_differences import install
from test_files import loop_device

CALLERS = {"root": ROOT, "user": ALICE}
AT_A_FILE = ("null", "mirrorfs")
MIRROR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.build/debug/mirrorfs")
CONTENT = b"the image's own".ljust(65536, b".")
CHANGED = b"changed"
# Reads the served file, which is the mount point or the only file in it, and writes to it.
READ = 'cd "$0" 2>/dev/null && set -- "$0/"*; head -c 15 "${1:-$0}"'
WRITE = ('cd "$0" 2>/dev/null && set -- "$0/"*; '
         'printf changed | dd of="${1:-$0}" bs=4096 seek=1 conv=notrunc,fsync status=none')


def program(server):
    """A server's program, which everybody may run."""
    path = peer.program(server)
    if server in OURS:
        path = MIRROR if server == "mirrorfs" else os.path.join(stage.programs, server)
    if path is None or not os.path.exists(path):
        raise unittest.SkipTest(f"{path or server} has not been built")
    return install(path, server, 0o755)


def refusal(record):
    """The last request that was refused, and how; or the server's own words."""
    request, found = None, "nothing"
    for sender, packet in record:
        if packet[:4] == wire.SAYS:
            found = "the server: " + packet[4:-1].decode("ascii", "replace")
        elif sender == "server":
            request = packet[:4].decode("ascii", "replace")
        elif packet[:4] in (wire.SIMPLE_REPLY, wire.FILE_REPLY) and any(packet[4:8]):
            number = int.from_bytes(packet[4:8], "big")
            found = f"{request} {errno.errorcode.get(number, number)}"
    return found


class Interop(HelperTest):
    """What the cases have in common."""

    def place(self, server, source, caller):
        """Source and mount point of a mount; the former None where the server takes none."""
        target = self.file(caller, b"", name="target") if server in AT_A_FILE \
            else self.target(caller)
        if source == "nothing":
            return None, target
        if source == "file":
            return self.file(caller, CONTENT), target
        if not os.path.exists("/dev/loop-control"):
            self.skipTest("no loop devices here")
        context = loop_device(caller)
        device = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        with open(device, "r+b") as file:
            file.write(CONTENT)
        return device, target

    def expected(self, case, server, source, who, theirs):
        """What has to come of a case."""
        if theirs and case.peer:
            case = case._replace(**case.peer)

        def at(field):
            return case.at(field, source, who)
        if at("refused"):
            return f"refused: {at('refused')}"
        notes = [f"{at('type')}.{server} from {at('source') or server} "
                 f"{at('attributes')}/{at('superblock')}"]
        notes += ["read" if at("reads") else "not read"]
        notes += ["written" if at("writes") else "not written"]
        notes += ["unmounted"]
        notes += ["server ended with 0"] if case.to_the_end else []
        return "; ".join(notes)

    def outcome(self, server, caller, source, target, running, theirs, to_the_end):
        """What has come of a mount, in words; libfuse's servers take two seconds to end."""
        done = running.finish()
        mount = mount_at(target)
        if done.status != 0 and mount is None:
            self.assertIn(done.status, range(1, 256) if theirs else (1,), done.err)
            return f"refused: {refusal(server.record())}"
        if done.status != 0 or mount is None:
            return f"exit {done.status}, mounted: {mount}: {done.err.strip()}"
        owner = {f"user_id={caller.uid}", f"group_id={caller.gid}"}
        self.assertLessEqual(owner, mount.superblock)
        notes = [f"{mount.type} from {mount.source} "
                 f"{in_order(mount.attributes)}/{in_order(mount.superblock - owner)}"]
        shown = self.run_as(caller, "sh", "-c", READ, target)
        content = CONTENT[:15] if source else bytes(15)
        if shown.status == 0:
            self.assertEqual(os.fsencode(shown.out), content)
        notes.append("read" if shown.status == 0 else "not read")
        written = self.run_as(caller, "sh", "-c", WRITE, target)
        if written.status == 0 and source:
            with open(source, "rb") as file:
                found = os.pread(file.fileno(), len(CHANGED), 4096)
            self.assertEqual(found, CHANGED)
        notes.append("written" if written.status == 0 else "not written")
        ended = self.run_as(caller, "umount", target)
        gone = eventually(lambda: mount_at(target) is None)
        notes.append("unmounted" if gone else f"still mounted: {ended.err.strip()}")
        if to_the_end:
            notes.append(f"server ended with {', '.join(map(str, server.statuses()))}")
        return "; ".join(notes)

    def mount_words(self, case, source, target):
        """The words of a case behind the program's name, without the type."""
        options = case.options and case.options.replace("{source}", source or "")
        return [*([source] if source else []), target, *(["-o", options] if options else []),
                *case.words]

    def judge(self, case, server, source, who, theirs, start):
        """Mounts as `start(caller, source, target)` does, uses the mount, unmounts."""
        caller = CALLERS[who]
        if case.conf:
            self.fuse_conf(case.conf)
        where, target = self.place(server, source, caller)
        running = RealServer(server, program(server))
        self.addCleanup(running.close)
        found = self.outcome(running, caller, where, target, start(caller, where, target),
                             theirs, case.to_the_end)
        if where:
            found = found.replace(where, "{source}")
        self.assertEqual(found, self.expected(case, server, source, who, theirs))


def helper_of(theirs):
    """A helper that is set-user-ID root."""
    return install(peer.HELPER, "fuservicemount3-peer", 0o4755) if theirs else stage.helper


def put(test, theirs):
    """The helper where mount.fuse3 looks for its own, which is compiled into it."""
    place, helper = peer.called_helper(), helper_of(theirs)
    if os.path.lexists(place):
        system("mount", "--bind", helper, place)
        test.addCleanup(detach, place)
        test.before = {mount.number for mount in mounts()}
    else:
        os.symlink(helper, place)  # /usr/sbin, that is; another place has to exist
        test.addCleanup(os.unlink, place)


class Behind(Interop):
    """A server behind a helper."""

    def play(self, case, server, source, who, theirs):
        """Calls the helper directly."""
        helper = helper_of(theirs)

        def start(caller, where, target):
            words = self.mount_words(case, where, target)
            at = 2 if where else 1
            return self.start([helper, *words[:at], "-t", "fuse." + server, *words[at:]], caller)
        self.judge(case, server, source, who, theirs, start)


class Called(Interop):
    """A helper in the place of mount.fuse3's own, called by it."""

    def play(self, case, server, source, who, theirs, call):
        """Calls mount.fuse3 in one of the ways."""
        caller_program = install(peer.CALLER, "mount.fuse3", 0o755)
        put(self, theirs)
        if call in ("type_in_the_name", "by_mount8"):
            os.symlink(caller_program, f"/usr/sbin/mount.fuse.{server}")
            self.addCleanup(os.unlink, f"/usr/sbin/mount.fuse.{server}")

        def start(caller, where, target):
            words = CALLS[call].format(type=server, source=where or "", target=target).split(" ")
            if words[0] == "mount.fuse3":
                words[0] = caller_program
            options = ["-o", case.options] if case.options else []
            return self.start([*words, *options], caller)
        self.judge(case, server, source, who, theirs, start)


class AtOnce(Interop):
    """Many at the same time."""

    def play(self, server, theirs):
        """All are mounted, read, written and unmounted at once."""
        helper = helper_of(theirs)
        running = RealServer(server, program(server))
        self.addCleanup(running.close)
        places = [self.place(server, "nothing" if server == "null" else "file", ALICE)
                  for _ in range(AT_ONCE)]

        def each(words):
            started = [self.start(words(source, target), ALICE) for source, target in places]
            return [process.finish(60) for process in started]
        for done in each(lambda source, target: [
                helper, *([source] if source else []), target, "-t", "fuse." + server]):
            self.assert_mounted(done)
        for done in each(lambda source, target: ["sh", "-c", READ, target]):
            self.assertEqual((done.status, len(done.out)), (0, 15), done.err)
        for done in each(lambda source, target: ["sh", "-c", WRITE, target]):
            self.assertEqual(done.status, 0, done.err)
        for source, target in places:
            if source:
                with open(source, "rb") as file:
                    self.assertEqual(os.pread(file.fileno(), len(CHANGED), 4096), CHANGED)
        for done in each(lambda source, target: ["umount", target]):
            self.assertEqual(done.status, 0, done.err)
        self.assertEqual([mount_at(target) for _, target in places], [None] * AT_ONCE)
        self.assertEqual(running.statuses(), [0] * AT_ONCE)


class Recorded(Interop):
    """What the recorded programs say to each other is what they said when they were recorded."""

    def furnish(self, caller):
        """The places of the recordings."""
        for directory in ("/srv", "/mnt"):
            system("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", directory)
            self.addCleanup(detach, directory)
        for owner, path in ((ROOT, b"/srv/disk.img"), (ALICE, b"/home/disk.img"),
                            (ALICE, b"/home/\xe4.img"), (ALICE, b"/home/file")):
            with open(path, "wb") as file:
                file.write(CONTENT)
            self.addCleanup(os.unlink, path)
            os.chown(path, owner.uid, owner.gid)
        for owner, path in ((ROOT, "/mnt/data"), (ALICE, "/home/mnt")):
            os.mkdir(path)
            self.addCleanup(os.rmdir, path)
            os.chown(path, owner.uid, owner.gid)
        device, _ = self.place("service_ll", "device", caller)
        system("mount", "--bind", device, "/dev/loop0")
        self.addCleanup(detach, "/dev/loop0")
        self.before = {mount.number for mount in mounts()}

    def real(self, name, theirs):
        """The packets of a recorded conversation as they are today."""
        who, line = COMMAND_LINES[name].split(": ", 1)
        caller = ROOT if who == "root" else ALICE
        self.furnish(caller)
        arguments = wire.decode_arguments(dict(SESSIONS[name])["argv"])
        server = os.fsdecode(arguments[0])
        running = RealServer(server, program(server))
        self.addCleanup(running.close)
        helper, options = helper_of(theirs), {}
        words = [helper, *arguments[1:], "-t", "fuse." + server]
        if not line.startswith("fuservicemount3 "):
            caller_program = install(peer.CALLER, "mount.fuse3", 0o755)
            put(self, theirs)
            words = shlex.split(line)
            if words[0] == "mount":
                os.symlink(caller_program, f"/usr/sbin/mount.fuse.{server}")
                self.addCleanup(os.unlink, f"/usr/sbin/mount.fuse.{server}")
            else:
                options["executable"] = caller_program
        self.start(words, caller, **options).finish()
        record = running.record()
        for target in ("/mnt/data", "/home/mnt", "/home/file"):
            if mount_at(target):
                self.unmount(target)
        if "call" in dict(SESSIONS[name]):
            record = [("call", running.calls[0]), *record]
        return record

    def play(self, name, theirs):
        """Compares; behind ours the file with the command line has no gap."""
        found, expected = self.real(name, theirs), SESSIONS[name]
        if not theirs:
            expected = [(sender, wire.encode_arguments(wire.decode_arguments(packet)))
                        if sender == "argv" else (sender, packet) for sender, packet in expected]
        self.assertEqual(written(found), written(expected))


class RecordedHelper(HelperTest):
    """singlefilefs says to a helper that speaks as libfuse's did what it said to libfuse's."""

    def answer(self, request, packet):
        """Opens what a recorded reply came with, as it was asked for."""
        magic, flags = request[:4], int.from_bytes(request[4:8], "big")
        assert magic in (wire.OPEN, wire.BDEV) and packet[8:] == request[20:]
        if magic == wire.BDEV or packet[8:-1] == b"/dev/loop0":
            context = loop_device(ROOT)
            path = context.__enter__()
            self.addCleanup(context.__exit__, None, None, None)
        else:
            path = self.file(ROOT, CONTENT)
        return os.open(path, flags)

    def play(self, name):
        """Sends what the helper sent, and compares what comes."""
        record = SESSIONS[name]
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(10)
        process = start_server([program("singlefilefs")], theirs)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        request = b""
        with ours:
            for sender, packet in record:
                if sender == "server":
                    request = ours.recv(1 << 17)
                    self.assertEqual(request, packet)
                elif sender == "helper":
                    ours.send(packet)
                elif sender == "helper+fd":
                    descriptor = {
                        b"argv\0": lambda: os.memfd_create("argv"),
                        b"fusedev\0": lambda: os.open("/dev/fuse", os.O_RDWR),
                    }.get(packet[8:], lambda: self.answer(request, packet))()
                    if packet[8:] == b"argv\0":
                        os.pwrite(descriptor, dict(record)["argv"], 0)
                    socket.send_fds(ours, [packet], [descriptor])
                    os.close(descriptor)
            self.assertEqual(ours.recv(1 << 17), b"", "says more than it did")


def written(record):
    """A record as it stands in the fixtures."""
    lines = []
    for sender, packet in record:
        words = [packet[at:at + 4].hex() for at in range(0, len(packet), 4)]
        line = f"{sender:9}"
        for word in words:
            if len(line) + 1 + len(word) > 90:
                lines.append(line)
                line = " " * 9
            line += " " + word
        lines.append(line)
    return "\n".join(lines)


def fill():
    """Makes the tests; of those that need libfuse only where it is there."""
    made = [(globals()[test.cls], test.name, test.words) for test in every(SESSIONS)
            if peer.PREFIX or not test.needs_peer]
    made += [(RecordedHelper, session, (session,)) for session in SESSIONS
             if not is_recorded_behind_ours(session)]
    for cls, name, words in made:
        def run(self, words=words):
            self.play(*words)
        name = "test_" + name
        assert not hasattr(cls, name), name
        run.__name__ = name
        setattr(cls, name, run)


fill()


class Document(HelperTest):
    """docs/interop.md has the table of these cases, of a run in which none failed."""

    def test_the_tables_are_those_of_the_cases(self):
        with open(interop_table.DOCUMENT, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(interop_table.tables(interop_table.AllPassed()), text,
                      "run packaging/interop")

    def test_every_difference_has_a_section(self):
        with open(PEER_DIFFERENCES, encoding="utf-8") as file:
            text = file.read()
        named = [case.why for cases in CASES.values() for case in cases if case.peer]
        self.assertNotEqual(named, [])
        for section in named:
            self.assertIn(f"### {section}\n", text)
