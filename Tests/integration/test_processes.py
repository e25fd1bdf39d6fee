# SPDX-License-Identifier: LGPL-2.1-or-later
"""The helper's processes as the kernel sees them: ids, capabilities, descriptors, patience."""

import contextlib
import os
import pty
import time

import fuse_service as wire
from support import ALICE, ROOT, STALL, HelperTest, callers, helper_processes, stage

SYS_ADMIN = 1 << 21
DAC = (1 << 1) | (1 << 2)


def status(process):
    """The fields of /proc/PID/status."""
    with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def ids(process, field):
    """Real, effective and saved id."""
    return tuple(int(number) for number in status(process)[field].split()[:3])


def capabilities(process):
    """The permitted, effective, inheritable, bounding and ambient sets."""
    fields = status(process)
    return tuple(int(fields["Cap" + name], 16) for name in ("Prm", "Eff", "Inh", "Bnd", "Amb"))


def descriptors(process):
    """What the process has open."""
    folder = f"/proc/{process}/fd"
    return {int(name): os.readlink(f"{folder}/{name}") for name in os.listdir(folder)}


class Processes(HelperTest):
    """Monitor and worker while a server keeps them waiting."""

    def waiting_pair(self, caller):
        """The monitor and the worker, at the server's first request."""
        seen = {}

        def script(session):
            session.begin()
            # The answer to a request says that the worker is done with all before it.
            session.open("not named")
            for _ in range(2):
                seen.clear()
                for process in helper_processes():
                    parent = int(status(process)["PPid"])
                    role = "worker" if parent in helper_processes() else "monitor"
                    seen[role] = {
                        "users": ids(process, "Uid"), "groups": ids(process, "Gid"),
                        "capabilities": capabilities(process), "files": descriptors(process),
                        "status": status(process)}
            session.goodbye(1)
        outcome, _ = self.converse(script, caller)
        self.assert_refused(outcome)
        self.assertEqual(set(seen), {"monitor", "worker"})
        return seen["monitor"], seen["worker"]

    @callers()
    def test_the_monitor_holds_one_capability_and_none_of_it_is_effective(self, caller):
        monitor, _ = self.waiting_pair(caller)
        self.assertEqual(monitor["users"], (caller.uid, caller.uid, 0))
        self.assertEqual(monitor["groups"], (caller.gid, caller.gid, 0))
        self.assertEqual(monitor["capabilities"], (SYS_ADMIN, 0, 0, 0, 0))

    def test_a_users_worker_has_the_users_ids_and_no_capability(self):
        _, worker = self.waiting_pair(ALICE)
        self.assertEqual(worker["users"], (ALICE.uid,) * 3)
        self.assertEqual(worker["groups"], (ALICE.gid,) * 3)
        self.assertEqual(worker["capabilities"], (0, 0, 0, 0, 0))

    def test_roots_worker_has_the_two_capabilities_that_read_any_file_and_no_other(self):
        _, worker = self.waiting_pair(ROOT)
        self.assertEqual(worker["users"], (0, 0, 0))
        self.assertEqual(worker["capabilities"], (DAC, DAC, 0, 0, 0))

    @callers()
    def test_neither_process_can_gain_privilege_by_executing(self, caller):
        for process in self.waiting_pair(caller):
            self.assertEqual(process["status"]["NoNewPrivs"], "1")

    @callers()
    def test_the_worker_has_none_of_the_callers_descriptors_and_no_fuse_device(self, caller):
        _, worker = self.waiting_pair(caller)
        files = worker["files"]
        self.assertEqual([files[number] for number in range(3)], ["/dev/null"] * 3)
        others = [name.split(":")[0] for number, name in sorted(files.items()) if number > 2]
        if caller == ROOT:
            # Root's named files are pinned from the start; here the directory of one that is missing.
            self.assertTrue(os.path.isdir(others.pop(0)), files)
        self.assertEqual(others, ["socket", "socket"], files)

    def test_the_caller_can_neither_trace_the_processes_nor_read_their_memory(self):
        def script(session):
            session.begin()
            for process in helper_processes():
                for name in ("mem", "environ", "fd", "maps"):
                    outcome = self.run_as(ALICE, "cat", f"/proc/{process}/{name}")
                    self.assertNotEqual(outcome.status, 0, name)
            session.goodbye(1)
            return True
        outcome, looked = self.converse(script, ALICE)
        self.assert_refused(outcome)
        self.assertTrue(looked)


class Patience(HelperTest):
    """What a person at a terminal hears while nothing happens."""

    def test_after_five_seconds_a_terminal_is_told_what_is_waited_for(self):
        def script(session):
            session.wait_for_end()
        target = self.target(ALICE)
        with self.service(script):
            mine, theirs = pty.openpty()
            running = self.start([stage.helper, *self.words("demo", target, None, "--timeout", "7")],
                                 ALICE, stderr=theirs)
            os.close(theirs)
            outcome = running.finish(20)
        said = b""
        with contextlib.suppress(OSError):
            while part := os.read(mine, 4096):
                said += part
        os.close(mine)
        said = said.decode()
        self.assertEqual(outcome.status, 1)
        lines = said.strip().splitlines()
        self.assertEqual(len(lines), 2, said)
        self.assertIn("still waiting for the service's first answer", lines[0])
        self.assertIn("gave up after 7 s", lines[1])

    def test_without_a_terminal_only_the_end_is_told(self):
        outcome, _ = self.converse(lambda session: session.wait_for_end(), ALICE,
                                   more=["--timeout", "6"])
        self.assert_refused(outcome)
        self.assert_one_line(outcome)

    def test_a_server_that_makes_little_progress_each_time_is_bounded_in_all(self):
        def script(session):
            session.begin()
            while True:
                time.sleep(0.8)
                try:
                    session.open("demo")
                except wire.SessionEnded:
                    return
        outcome, _ = self.converse(script, ALICE, more=["--timeout", "1"], timeout=30)
        self.assert_refused(outcome)
        self.assertGreater(outcome.seconds, STALL)
        self.assertLess(outcome.seconds, 15)
