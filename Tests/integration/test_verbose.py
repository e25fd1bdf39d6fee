# SPDX-License-Identifier: LGPL-2.1-or-later
"""What --verbose tells of a mount, and that it costs nothing where nobody asks."""

import collections
import os
import re
import time

import faults
import fuse_service as wire
from support import ALICE, ENGINES, ROOT, HelperTest, callers, detach, parametrized

TIME = r" \((\d\.\d|\d{2,3}) ms\)| \(\d\.\d s\)"
WHOLE = r" \((\d\.\d|\d{2,3}) ms in all\)| \(\d\.\d s in all\)"
EVIL = b"\x1b[2J\n\x9b31m\xe2\x80\xaebad"


def steps(outcome):
    """The lines, without the program's name."""
    lines = outcome.err.split("\n")
    assert lines.pop() == "" and all(line.startswith("fuservicemount3: ") for line in lines), lines
    return [line.removeprefix("fuservicemount3: ") for line in lines]


def untimed(lines):
    """The lines without the times, of which each must have one."""
    result = []
    for line in lines:
        parts = re.subn(f"({TIME})|({WHOLE})", "", line)
        assert parts[1] > 0, f"no time in {line!r}"
        result.append(parts[0])
    return result


class Verbose(HelperTest):
    """--verbose, and -v of mount(8)'s form."""

    def serving(self, target, source, table=None, flags=os.O_RDWR, **mount):
        """A server that asks for a file, and for another that nobody named, and mounts."""
        def script(session):
            session.begin()
            self.assertEqual(session.open(source, flags)[0], 0)
            self.assertNotEqual(session.open("/etc/shadow", request_flags=wire.QUIET)[0], 0)
            session.prepare(target, **mount)
            self.assertEqual(session.options("default_permissions"), 0)
            if table:
                self.assertEqual(session.table_options(table), 0)
            self.assertEqual(session.mount(wire.MS_NOSUID | wire.MS_NODEV | wire.MS_NOEXEC), 0)
            session.goodbye(0)
            session.serve()
        return script

    def expected(self, caller, source, target, recorded, engine="new-api"):
        """The steps of that mount."""
        last = "attached to the mount point, checked in its place"
        if engine == "one-step":
            last = ""
        if recorded:
            last = "recorded in the mount table" + (", " + last if last else "")
        held = "; the named files are held" if caller is ROOT else ""
        return [
            "privilege is given up, and the worker process is started",
            f"{target}: pinned as the mount point{held}",
            f"connected to the service at {wire.SOCKET_DIRECTORY}/demo; /dev/fuse is open",
            "the service has answered, and has the command line and the FUSE device",
            f"the service asks for '{source}', read-write",
            f"{source}: opened for the service",
            "the server asked for '/etc/shadow', which the command line does not name",
            "the service asks for the mount: type fuse.demo, source 'demo', options "
            "default_permissions, flags nosuid,nodev,noexec, to be recorded "
            + ("x-a" if recorded else "none"),
            "the file system is made; waiting for the service's goodbye",
            "the service has said goodbye and is ready",
            *([last] if last else []), f"{target}: mounted"]

    @callers()
    @parametrized(engine=[(name, (name, failing)) for name, failing in ENGINES],
                  recorded=[("plain", False), ("recorded", True)])
    def test_each_step_of_a_mount_is_told_with_its_time(self, caller, engine, recorded):
        name, failing = engine
        source, target = self.file(caller), self.target(caller)
        with self.service(self.serving(target, source, "x-a" if recorded else None)) as service:
            outcome = self.helper(self.words(source, target, None, "--verbose"), caller,
                                  failing=failing)
            self.assert_mounted(outcome, service)
            self.assertEqual(untimed(steps(outcome)),
                             self.expected(caller, source, target, recorded, name))
            self.unmount(target)

    @callers()
    def test_v_of_mount8s_form_tells_the_same(self, caller):
        source, target = self.file(caller), self.target(caller)
        link = self.link("mount.fuse.demo")
        with self.service(self.serving(target, source)) as service:
            outcome = self.run_as(caller, link, source, target, "-v", "-o", "rw")
            self.assert_mounted(outcome, service)
            self.assertEqual(untimed(steps(outcome)),
                             self.expected(caller, source, target, False))
            self.unmount(target)

    @callers()
    def test_without_it_nothing_is_told(self, caller):
        source, target = self.file(caller), self.target(caller)
        with self.service(self.serving(target, source, "x-a")) as service:
            outcome = self.helper(self.words(source, target), caller)
            self.assert_mounted(outcome, service)
            self.assertEqual(outcome.err, "")
            self.unmount(target)

    def test_a_step_that_takes_long_says_how_long(self):
        target = self.target(ALICE)

        def script(session):
            session.begin()
            time.sleep(1.2)
            session.prepare(target)
            self.assertEqual(session.mount(), 0)
            session.goodbye(0)
            session.serve(owner=ALICE.uid, group=ALICE.gid)
        with self.service(script) as service:
            outcome = self.helper(self.words("demo", target, None, "--verbose"), ALICE)
            self.assert_mounted(outcome, service)
            lines = steps(outcome)
            self.assertEqual(len([line for line in lines if re.search(r"\(1\.[2-9] s\)\Z", line)]),
                             1, lines)
            self.assertRegex(lines[-1], r"mounted \([12]\.\d s in all\)\Z")
            self.unmount(target)

    @callers()
    def test_what_is_refused_is_told_with_the_reason_and_the_end(self, caller):
        image = self.file(caller)
        missing = os.path.join(os.path.dirname(image), "missing")

        def script(session):
            session.begin()
            session.open(image, os.O_RDWR)
            session.open_block_device(image, 512, os.O_RDWR, wire.QUIET)
            session.open(missing, request_flags=wire.QUIET)
            session.goodbye(3)
        outcome, _ = self.converse(script, caller, source=image, options=f"ro,key={missing}",
                                   more=["--verbose"])
        self.assert_refused(outcome)
        lines = steps(outcome)
        self.assertIn(f"'{image}': the server asked to write, but the options say ro", lines)
        told = [re.sub(TIME + "|" + WHOLE, "", line) for line in lines]
        self.assertEqual(told[-5:], [
            f"'{image}': the server asked to write, but the options say ro",
            f"the service asks for '{missing}', read-only",
            f"{missing}: No such file or directory",
            "the service gave up with code 3; see its log",
            told[-1]])
        self.assertTrue(told[-1].endswith(": given up"), told)
        self.assertRegex(lines[-1], f"({WHOLE})\\Z")

    def test_a_server_has_no_more_lines_than_without_it_and_the_end_is_told(self):
        names = [f"/named/{number}" for number in range(300)]

        def script(session):
            session.begin()
            for name in names:
                session.open(name, request_flags=wire.QUIET)
            session.goodbye(3)
        outcome, _ = self.converse(script, ALICE, options="k=" + ",k=".join(names),
                                   more=["--verbose"])
        self.assert_refused(outcome)
        lines = steps(outcome)
        self.assertLess(len(lines), 110)
        self.assertEqual(lines[-2], "the service gave up with code 3; see its log")
        self.assertIn("given up", lines[-1])

    @callers()
    def test_a_missing_service_ends_with_how_long_it_took(self, caller):
        target = self.target(caller)
        outcome = self.helper(self.words("demo", target, None, "--verbose"), caller)
        self.assertEqual(outcome.status, 2)
        self.assertIn("there is no service", outcome.err)
        self.assertRegex(steps(outcome)[-1], f"\\A{target}: given up({WHOLE})\\Z")

    @callers()
    def test_no_step_moves_the_cursor(self, caller):
        folder = self.directory(caller)
        image = os.path.join(os.fsencode(folder), EVIL)
        target = os.path.join(os.fsencode(folder), b"mnt" + EVIL)
        for path in (image, target):
            os.mkdir(path) if path is target else os.close(os.open(path, os.O_CREAT))
            os.chown(path, caller.uid, caller.gid)
        with self.service(self.serving(target, image)) as service:
            outcome = self.helper([image, target, "-t", "demo", "--verbose"], caller)
            self.assert_mounted(outcome, service)
            self.assertNotRegex(outcome.err, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\udc80-\udcff]")
            self.assertEqual(outcome.err.count(r"\x1b[2J\x0a\x9b31m\u{202e}bad"), 4)
            detach(target)

    def test_a_long_name_costs_no_step_its_time(self):
        target = self.target(ALICE)
        source = "s" * 4000

        def script(session):
            session.begin()
            session.open(source)
            session.goodbye(1)
        outcome, _ = self.converse(script, ALICE, source=source, target=target, more=["--verbose"])
        self.assert_refused(outcome)
        for line in steps(outcome):
            self.assertLess(len(line), 1100)
            if "asks for" in line:
                self.assertRegex(line, f"s\\.\\.\\.', read-only({TIME})\\Z")


def count_calls(benches, words):
    """How often each process makes each call in a mount with one file and four settings."""
    bench = benches["user"]
    plain = bench.words
    bench.words = plain + list(words)
    try:
        return collections.Counter(
            (site.process, site.name) for site in faults.sites_of(bench))
    finally:
        bench.words = plain


class Cost(HelperTest):
    """What a caller pays who did not ask."""

    def test_the_worker_sends_steps_only_to_a_caller_who_asked(self):
        plain, verbose = faults.Pool(count_calls, 1).map([(), ("--verbose",)])
        # A step for the file, none for what comes at once; four answers, and the mount. Before them the
        # hello, two descriptors and two files; at the end one word.
        self.assertEqual(plain["worker", "sendmsg"], 1 + 4 + 1 + 1 + 2 + 2 + 1)
        # Two lines, the steps that come to an end by them, and that of the connection.
        self.assertEqual(verbose["worker", "sendmsg"], plain["worker", "sendmsg"] + 2 + 2 + 1)
        self.assertEqual({name for process, name in plain if process == "mounter"},
                         {name for process, name in verbose if process == "mounter"})
        for name in ("write", "ioctl"):
            self.assertEqual(plain["monitor", name], 0, name)
