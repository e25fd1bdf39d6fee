# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the helper tells people and scripts about services: --list and --check --verbose."""

import json
import os
import shutil
import socket
import stat

import fuse_service as wire
from support import (ALICE, ROOT, HelperTest, callers, eventually, helper_processes,
                     parametrized, process_status, stage)

DIRECTORY = os.fsencode(wire.SOCKET_DIRECTORY)
FORBIDDEN = "you may not use this service; SocketMode= of its socket unit says who may"

# Names of sockets; what `type` of JSON is, and what all the bytes are where that is not all; how a
# table shows it.
NAMES = [
    (b"plain", "plain", None, "plain"), (b"two words", "two words", None, "two words"),
    (b'say "a"', 'say "a"', None, 'say "a"'), (b"back\\slash", "back\\slash", None, "back\\\\slash"),
    ("caf\u00e9".encode(), "caf\u00e9", None, "caf\u00e9"),
    ("\u009b2J".encode(), "\u009b2J", None, "\\u{9b}2J"),
    ("a\u202eb".encode(), "a\u202eb", None, "a\\u{202e}b"),
    ("\U0001f600".encode(), "\U0001f600", None, "\U0001f600"),
    (b"\xff\x9b", "\ufffd\ufffd", "ff9b", "\\xff\\x9b"), (b"-t", "-t", None, "-t"),
    (b"fuse.x", "fuse.fuse.x", None, "fuse.fuse.x"),
]
# What is there and is no service: names that no type leads to.
NO_NAMES = [b"\x1b[2J\x1b[31m", b"a\nb", b"bell\x07", b"del\x7f"]


class Sockets(HelperTest):
    """A directory with sockets that nobody listens on."""

    def setUp(self):
        super().setUp()
        self.assertEqual(os.listdir(DIRECTORY), [])

    def path(self, name):
        """Where the socket of that name is, or whatever else a test puts there."""
        path = os.path.join(DIRECTORY, os.fsencode(name))
        self.addCleanup(lambda: os.path.lexists(path) and os.unlink(path))
        return path

    def socket(self, name, mode=0o666):
        """A socket that nobody listens on: looking at it does not tell."""
        path = self.path(name)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as unheard:
            unheard.bind(path)
        os.chmod(path, mode)
        return path

    def listed(self, caller, **running):
        """What --list --json has."""
        outcome = self.helper(["--list", "--json"], caller, **running)
        self.assertEqual((outcome.status, outcome.err), (0, ""))
        self.assertTrue(outcome.out.isascii() and outcome.out.endswith("\n"))
        return json.loads(outcome.out)


class Listing(Sockets):
    """--list."""

    @callers()
    def test_every_service_is_listed_with_whether_this_caller_may_use_it(self, caller):
        self.socket("everybody")
        self.socket("nobody", 0o600)
        self.socket("writers", 0o222)
        self.socket("readers", 0o444)
        group = self.socket("group", 0o620)
        os.chown(group, 0, ALICE.gid)
        usable = {"everybody": True, "nobody": caller is ROOT, "writers": True,
                  "readers": caller is ROOT, "group": True}
        found = self.listed(caller)
        self.assertEqual([entry["type"] for entry in found], sorted(usable))
        for entry in found:
            name = entry["type"]
            self.assertEqual(entry["socket"], f"{wire.SOCKET_DIRECTORY}/{name}")
            self.assertIs(entry["usable"], usable[name], name)
            self.assertEqual(entry.get("reason"), None if usable[name] else FORBIDDEN, name)
            self.assertLessEqual(set(entry), {"type", "usable", "socket", "reason"})
            check = self.helper(["-t", name, "--check"], caller)
            self.assertEqual(check.status == 0, entry["usable"], name)

    @callers()
    def test_the_table_is_aligned(self, caller):
        self.socket("singlefilefs")
        self.socket("x", 0o600)
        outcome = self.helper(["--list"], caller)
        where = wire.SOCKET_DIRECTORY
        why = f"no      {where}/x  ({FORBIDDEN})" if caller is ALICE else f"yes     {where}/x"
        self.assertEqual((outcome.status, outcome.err), (0, ""))
        self.assertEqual(
            outcome.out, "TYPE          USABLE  SOCKET\n"
                         f"singlefilefs  yes     {where}/singlefilefs\nx             {why}\n")

    @callers()
    @parametrized(name=[(row[3], row) for row in NAMES])
    def test_a_name_of_any_bytes_is_listed_and_moves_no_cursor(self, caller, name):
        raw, text, whole, shown = name
        self.socket(raw)
        for no_name in NO_NAMES:
            self.socket(no_name)
        (entry,) = self.listed(caller)
        self.assertEqual((entry["type"], entry.get("type_hex")), (text, whole))
        self.assertEqual(bytes.fromhex(entry.get("socket_hex", "")) or os.fsencode(entry["socket"]),
                         os.path.join(DIRECTORY, raw))
        outcome = self.helper(["--list"], caller)
        self.assertEqual((outcome.status, outcome.err), (0, ""))
        self.assertTrue(outcome.out.split("\n")[1].startswith(shown + "  "), outcome.out)
        self.assertEqual(outcome.out.count("\n"), 2)
        self.assertNotRegex(outcome.out, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")
        # What is listed is what -t takes.
        kind = bytes.fromhex(whole) if whole else text
        self.assertEqual(self.helper(["-t", kind, "--check"], caller).status, 0)

    @callers()
    def test_what_is_no_socket_is_left_out(self, caller):
        with open(self.path("file"), "wb"):
            pass
        os.mkfifo(self.path("fifo"), 0o666)
        os.symlink("nothing", self.path("dangling"))
        os.symlink("file", self.path("to-a-file"))
        directory = os.path.join(DIRECTORY, b"directory")
        os.mkdir(directory)
        self.addCleanup(os.rmdir, directory)
        self.assertEqual(self.listed(caller), [])
        self.socket("real")
        os.symlink("real", self.path("link"))
        self.assertEqual([entry["type"] for entry in self.listed(caller)], ["link", "real"])

    @callers()
    def test_a_thousand_services_are_in_the_order_of_their_bytes(self, caller):
        names = [b"%d" % number for number in range(999)] + [b"\xff"]
        for name in names:
            self.socket(name)
        found = [bytes.fromhex(entry.get("type_hex", "")) or entry["type"].encode()
                 for entry in self.listed(caller)]
        self.assertEqual(found, sorted(names))

    @callers()
    def test_an_empty_directory_is_told_in_words_or_as_an_empty_array(self, caller):
        outcome = self.helper(["--list"], caller)
        self.assertEqual((outcome.status, outcome.out), (0, ""))
        self.assert_one_line(outcome)
        self.assertIn(f"no services: {wire.SOCKET_DIRECTORY} has no socket in it", outcome.err)
        self.assertEqual(self.listed(caller), [])

    @callers()
    def test_a_missing_directory_is_told_in_words_or_as_an_empty_array(self, caller):
        shutil.rmtree(DIRECTORY)
        self.addCleanup(os.mkdir, DIRECTORY)
        outcome = self.helper(["--list"], caller)
        self.assertEqual((outcome.status, outcome.out), (0, ""))
        self.assert_one_line(outcome)
        self.assertIn(f"no services: {wire.SOCKET_DIRECTORY} does not exist", outcome.err)
        self.assertEqual(self.listed(caller), [])

    @parametrized(words=[("table", ["--list"]), ("json", ["--list", "--json"])])
    def test_a_directory_that_cannot_be_read_is_an_error(self, words):
        self.socket("demo")
        self.addCleanup(os.chmod, DIRECTORY, 0o755)
        os.chmod(DIRECTORY, 0o711)
        outcome = self.helper(words, ALICE)
        self.assertEqual((outcome.status, outcome.out), (1, ""))
        self.assert_one_line(outcome)
        self.assertIn(f"{wire.SOCKET_DIRECTORY}: Permission denied", outcome.err)
        # Root's right to read any directory is among what is kept.
        os.chmod(DIRECTORY, 0)
        self.assertEqual(self.helper(words, ROOT).status, 0)

    @parametrized(words=[
        ("operand", ["--list", "mnt"]), ("type", ["--list", "-t", "demo"]), ("json", ["--json"]),
        ("check", ["--list", "--check", "-t", "demo"]), ("twice", ["--list", "--list"]),
        ("verbose", ["--list", "--verbose"]), ("mount", ["a", "mnt", "-t", "demo", "--list"]),
        ("mount_json", ["a", "mnt", "-t", "demo", "--json"])])
    def test_the_list_stands_alone(self, words):
        outcome = self.helper(words, ALICE)
        self.assertEqual((outcome.status, outcome.out), (1, ""))
        self.assert_one_line(outcome)
        self.assertIn("not expected here", outcome.err)

    def test_a_list_that_nobody_reads_is_a_failure(self):
        self.socket("demo")
        read, write = os.pipe()
        os.close(read)
        outcome = self.helper(["--list"], ALICE, stdout=write)
        os.close(write)
        self.assertEqual(outcome.status, 1)

    @parametrized(words=[
        ("list", (["--list"], "stdout")), ("json", (["--list", "--json"], "stdout")),
        ("check", (["-t", "demo", "--check", "--verbose"], "stderr"))])
    @callers()
    def test_nothing_of_the_helpers_privilege_is_left_when_it_speaks(self, words, caller):
        words, stream = words
        self.socket("demo")
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        os.set_blocking(write, False)
        try:
            while True:
                os.write(write, bytes(4096))
        except BlockingIOError:
            os.set_blocking(write, True)
        running = self.start_helper(words, caller, **{stream: write})
        os.close(write)
        process = running.process.pid
        self.assertTrue(eventually(lambda: process in helper_processes() and
                                   process_status(process)["State"].startswith("S")))
        fields = process_status(process)
        kept = 0b110 if caller is ROOT else 0
        self.assertEqual(fields["Uid"].split(), [str(caller.uid)] * 4)
        self.assertEqual(fields["Gid"].split(), [str(caller.gid)] * 4)
        self.assertEqual([int(fields["Cap" + name], 16) for name in ("Prm", "Eff", "Inh", "Bnd")],
                         [kept, kept, 0, 0])
        self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"))
        os.read(read, 1 << 20)
        self.assertEqual(running.finish().status, 0)

    def test_without_the_set_user_id_bit_the_list_is_the_same(self):
        self.socket("demo")
        self.socket("other", 0o600)
        plain = os.path.join(stage.private, "bin", "plain")
        shutil.copyfile(stage.helper, plain)
        os.chmod(plain, stat.S_IRWXU | stat.S_IXOTH | stat.S_IROTH)
        self.addCleanup(os.unlink, plain)
        for words in (["--list"], ["--list", "--json"]):
            self.assertEqual(self.run_as(ALICE, plain, *words).out, self.helper(words, ALICE).out)


class Checking(Sockets):
    """--check --verbose."""

    def said(self, name, caller):
        """What it says of a type, with the same exit status as in silence."""
        loud = self.helper(["-t", name, "--check", "--verbose"], caller)
        silent = self.helper(["-t", name, "--check"], caller)
        self.assertEqual((silent.status, silent.out, silent.err), (loud.status, "", ""))
        self.assertEqual(loud.out, "")
        self.assert_one_line(loud)
        return loud.status, loud.err.removeprefix("fuservicemount3: ").rstrip("\n")

    @callers()
    def test_a_check_says_what_is_wrong_and_what_to_do(self, caller):
        where = wire.SOCKET_DIRECTORY
        self.assertEqual(self.said("demo", caller), (
            1, f"{where}/demo: no such socket; install the service, or start its socket unit"))
        self.socket("private", 0o600)
        usable = f"{where}/%s: you may use this service; whether it works, only a mount shows"
        self.assertEqual(
            self.said("private", caller),
            (0, usable % "private") if caller is ROOT else (1, f"{where}/private: {FORBIDDEN}"))
        self.socket("open")
        self.assertEqual(self.said("fuse.open", caller), (0, usable % "open"))
        for name, make, words in (
                ("file", lambda path: os.close(os.open(path, os.O_CREAT, 0o666)), "a regular file"),
                ("fifo", os.mkfifo, "a FIFO")):
            make(self.path(name))
            self.assertEqual(self.said(name, caller), (
                1, f"{where}/{name}: not a socket but {words}; "
                   "look at the service's socket unit"))
        os.symlink("loop", self.path("loop"))
        self.assertEqual(self.said("loop", caller),
                         (1, f"{where}/loop: Symbolic link loop"))

    @callers()
    @parametrized(name=[(row[3], row[0]) for row in NAMES] + [
        ("control", NO_NAMES[0]), ("newline", NO_NAMES[1]), ("slash", "../x"), ("empty", ""),
        ("long", "t" * 200)])
    def test_a_check_of_any_type_is_one_escaped_line(self, caller, name):
        status, words = self.said(name, caller)
        self.assertEqual(status, 1)
        self.assertNotRegex(words, "[\x00-\x1f\x7f-\x9f\u202e]")

    def test_a_directory_that_may_not_be_searched_is_no_missing_service(self):
        self.socket("demo")
        self.addCleanup(os.chmod, DIRECTORY, 0o755)
        os.chmod(DIRECTORY, 0o744)
        self.assertEqual(self.said("demo", ALICE),
                         (1, f"{wire.SOCKET_DIRECTORY}/demo: {FORBIDDEN}"))
        self.assertEqual([entry["usable"] for entry in self.listed(ALICE)], [False])
