# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much of time, memory and descriptors a server can cost: no more than is written down."""

import contextlib
import os
import threading
import time

import fuse_service as wire
from support import (ALICE, GRACE, STALL, HelperTest, callers, helper_processes, parametrized,
                     process_status)
from test_server_faults import STAGES

MOST_REQUESTS = 4096  # for files
MOST_PACKETS = 4160
MOST_MEMORY = 8 << 10  # KiB, for all processes of one helper together
MOST_DESCRIPTORS = 32
PAUSE = 0.8  # seconds of a server that keeps below a limit of one


class Meter:
    """Looks at the helper's processes all the time, as nobody but root can."""

    def __init__(self):
        self.memory = {}  # by process: the most that it ever had, in KiB
        self.sum = 0  # the most of all at one moment, in KiB
        self.descriptors = 0  # the most of one process
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(5)

    def run(self):
        """Looks until told to stop."""
        while not self.over.wait(0.002):
            self.look()

    def look(self):
        """One look."""
        now = 0
        for process in helper_processes():
            with contextlib.suppress(OSError, KeyError):
                fields = process_status(process)
                self.memory[process] = int(fields["VmHWM"].split()[0])
                now += int(fields["VmRSS"].split()[0])
                self.descriptors = max(
                    self.descriptors, len(os.listdir(f"/proc/{process}/fd")))
        self.sum = max(self.sum, now)


class Bounds(HelperTest):
    """Servers that want too much."""

    def measured(self, script, caller, **running):
        """Runs the helper against a script, and a meter beside it; the outcome and the result."""
        with Meter() as meter:
            outcome, value = self.converse(script, caller, **running)
        self.assert_within(meter)
        self.assert_refused(outcome)
        return outcome, value

    def assert_within(self, meter):
        """Memory and descriptors stayed within their bounds."""
        self.assertGreater(len(meter.memory), 1, "nothing was measured")
        if os.environ.get("FSM_SHOW"):
            print(self.id(), sorted(meter.memory.values()), meter.sum, meter.descriptors)
        self.assertLess(max(meter.memory.values()), MOST_MEMORY)
        self.assertLess(meter.sum, MOST_MEMORY)
        self.assertLess(meter.descriptors, MOST_DESCRIPTORS)

    def ask_often(self, packets):
        """A script that sends 100,000 packets and reads each answer; how many were answered."""
        def script(session):
            session.begin()
            answered = 0
            with contextlib.suppress(wire.SessionEnded):
                for index in range(100_000):
                    session.send(packets[index % len(packets)])
                    _, descriptors = session.receive()
                    session.received += descriptors
                    session.close_received()
                    answered += 1
            return answered
        return script

    FILES = [("named", ["IMAGE"]), ("unnamed", ["/etc/shadow"]), ("missing", ["MISSING"]),
             ("all", ["IMAGE", "/etc/shadow", "MISSING", "x" * 4095])]

    @callers()
    @parametrized(paths=FILES, options=["ro", "rw"])
    def test_100000_requests_for_files_end_at_4096(self, caller, paths, options):
        image = self.file(caller)
        missing = image + "-not-there"
        names = [{"IMAGE": image, "MISSING": missing}.get(path, path) for path in paths]
        packets = [magic + bytes(16) + os.fsencode(name) + b"\0" for name in names
                   for magic in ((wire.OPEN, wire.BDEV) if len(names) > 1 else (wire.OPEN,))]
        outcome, answered = self.measured(
            self.ask_often(packets), caller, source=image, options=f"{options},key={missing}",
            timeout=60)
        self.assertEqual(answered, MOST_REQUESTS)
        self.assertIn("too many requests", outcome.err.splitlines()[-1])
        self.assertLess(len(outcome.err.splitlines()), 110)

    SETTINGS = [
        ("NAME", [b"NAME" + b"a" * 4095 + b"\0"]), ("TYPE", [b"TYPE" + bytes(4)]),
        ("OPTS", [b"OPTS" + b"default_permissions," * 3276 + b"\0"]),
        ("MTAB", [b"MTAB" + b"x-a,evil," * 7000 + b"\0"]),
        ("MNTP", [b"MNTP" + bytes(4) + b"/" * 65527 + b"\0"]),
        ("largest", [b"NAME" + b"\x1b" * 65531 + b"\0"]),
        ("mixed", [b"NAME" + b"a" * 65531 + b"\0", b"OPTS" + b"," * 65531 + b"\0",
                   b"MTAB" + b"," * 65531 + b"\0", b"OPEN" + b"\xff" * 65531 + b"\0",
                   b"DOIT" + bytes(4), b"TYPE"])]

    @parametrized(packets=SETTINGS)
    def test_100000_settings_end_at_4160(self, packets):
        outcome, answered = self.measured(self.ask_often(packets), ALICE, timeout=60)
        self.assertEqual(answered, MOST_PACKETS)
        self.assertIn("too many requests", outcome.err.splitlines()[-1])

    def together(self, scripts, *more, caller=ALICE):
        """Runs a helper against each script at the same time; (name, outcome) of each."""
        running = []
        with Meter() as meter:
            for number, (name, script, source) in enumerate(scripts):
                self.service(script, f"s{number}")
                target = self.target(caller)
                running.append((name, self.start_helper(
                    [source, target, "-t", f"s{number}", *more], caller)))
            outcomes = [(name, helper.finish(40)) for name, helper in running]
        self.assertGreaterEqual(len(meter.memory), 2 * len(scripts))
        self.assertLess(max(meter.memory.values()), MOST_MEMORY // 2)
        self.assertLess(meter.descriptors, MOST_DESCRIPTORS)
        for name, outcome in outcomes:
            with self.subTest(name):
                self.assert_refused(outcome)
        return outcomes

    @callers()
    def test_a_flood_whose_answers_are_never_read_ends_in_time(self, caller):
        image = self.file(caller)

        def flooding(packet):
            def script(session):
                session.begin()
                with contextlib.suppress(TimeoutError, wire.SessionEnded):
                    for _ in range(100_000):
                        session.send(packet)
            return script
        for name, outcome in self.together([
                ("opened", flooding(wire.OPEN + bytes(16) + os.fsencode(image) + b"\0"), image),
                ("refused", flooding(wire.OPEN + bytes(16) + b"x" * 4095 + b"\0"), image),
                ("warned", flooding(wire.MTAB + b"evil\x1b," * 9000 + b"\0"), image)],
                "--timeout", "1", caller=caller):
            self.assertLess(outcome.seconds, 1 + GRACE, name)

    def test_a_server_that_stalls_at_any_step_costs_no_more_than_another(self):
        over = threading.Event()
        self.addCleanup(over.set)

        def stalling(stage):
            def script(session):
                session.begin = lambda: (type(session).begin(session), setattr(
                    session, "target", os.fsdecode(session.arguments[2])))
                stage(session)
                over.wait(30)
            return script
        for name, outcome in self.together(
                [(stage.__name__, stalling(stage), "demo") for stage in STAGES],
                "--timeout", "1"):
            self.assertLess(outcome.seconds, 1 + GRACE, name)

    # All at once, because each takes the twelve seconds that it may take in all.

    def test_progress_just_in_time_is_bounded_in_all(self):
        place, below = self.below(ALICE, {"image": b"inside"})
        below.slow = {wire.F_OPEN: PAUSE}

        def requests(session):
            session.begin()
            while True:
                time.sleep(PAUSE)
                session.open("demo")

        def settings(session):
            session.begin()
            while True:
                time.sleep(PAUSE)
                session.name(b"\n")

        def slow_files(session):
            session.begin()
            while True:
                session.open(place + "/image", os.O_RDWR)
                session.close_received()

        def slow_reader(session):
            session.begin()
            session.connection.setblocking(False)
            while True:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        session.send(wire.OPEN + bytes(16) + b"x" * 4000 + b"\0")
                time.sleep(PAUSE)
                with contextlib.suppress(BlockingIOError):
                    while True:
                        session.receive()

        def until_the_end(script):
            def run(session):
                with contextlib.suppress(wire.SessionEnded):
                    script(session)
            return run
        outcomes = self.together(
            [(script.__name__, until_the_end(script), source) for script, source in (
                (requests, "demo"), (settings, "demo"), (slow_files, place + "/image"),
                (slow_reader, "demo"))], "--timeout", "1")
        for name, outcome in outcomes:
            self.assertGreater(outcome.seconds, STALL, name)
            self.assertLess(outcome.seconds, 12 + GRACE, name)
            self.assertIn("too long in all", outcome.err.splitlines()[-1], name)

    def test_a_recorded_mount_stays_within_the_bound(self):
        target = self.target(ALICE)
        with Meter() as meter:
            for _ in range(5):
                service = self.service(wire.mounting(target, table="x-foo=bar,x-" + "a" * 4000))
                outcome = self.helper(self.words("demo", target), ALICE)
                self.assert_mounted(outcome, service)
                self.unmount(target)
                service.close()
        self.assert_within(meter)
