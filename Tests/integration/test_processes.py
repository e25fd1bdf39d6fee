# SPDX-License-Identifier: LGPL-2.1-or-later
"""The helper's processes as the kernel sees them: ids, capabilities, descriptors, patience."""

import contextlib
import os
import pty
import struct
import time

import fuse_service as wire
from support import (ALICE, PYTHON, ROOT, STALL, HelperTest, callers, eventually,
                     helper_processes, parametrized, process_status, stage)

SYS_ADMIN = 1 << 21
DAC = (1 << 1) | (1 << 2)


def ids(process, field):
    """Real, effective and saved id."""
    return tuple(int(number) for number in process_status(process)[field].split()[:3])


def capabilities(process):
    """The permitted, effective, inheritable, bounding and ambient sets."""
    fields = process_status(process)
    return tuple(int(fields["Cap" + name], 16) for name in ("Prm", "Eff", "Inh", "Bnd", "Amb"))


def descriptors(process):
    """What the process has open."""
    folder = f"/proc/{process}/fd"
    return {int(name): os.readlink(f"{folder}/{name}") for name in os.listdir(folder)}


def text_of(path):
    """A small file's content."""
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


# What a debugger does first, and what gets at memory and descriptors; the errors of each.
TAKE_HOLD = """
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
process = int(sys.argv[1])
PTRACE_ATTACH, PTRACE_SEIZE, PIDFD_GETFD = 16, 0x4206, 438
buffer = ctypes.create_string_buffer(64)
vector = (ctypes.c_ulong * 2)(ctypes.addressof(buffer), 64)
pidfd = os.pidfd_open(process)
calls = [
    lambda: libc.ptrace(ctypes.c_long(PTRACE_ATTACH), process, None, None),
    lambda: libc.ptrace(ctypes.c_long(PTRACE_SEIZE), process, None, None),
    lambda: libc.process_vm_readv(process, vector, 1, vector, 1, 0),
    lambda: libc.process_vm_writev(process, vector, 1, vector, 1, 0),
    lambda: libc.syscall(PIDFD_GETFD, pidfd, 2, 0),
]
for call in calls:
    ctypes.set_errno(0)
    result = call()
    print(errno.errorcode[ctypes.get_errno()] if result == -1 else "done")
try:
    os.open(f"/proc/{process}/mem", os.O_RDWR)
    print("done")
except OSError as error:
    print(errno.errorcode[error.errno])
"""


class Processes(HelperTest):
    """Monitor, worker and mounter while a server keeps them waiting."""

    def waiting(self, caller, before=None):
        """Monitor, worker and mounter, at the server's first request, or at one after `before`."""
        seen = {}

        def script(session):
            session.begin()
            if before is not None:
                before(session)
            # The answer to a request says that the worker is done with all before it.
            session.open("not named")
            for _ in range(2):
                seen.clear()
                eventually(lambda: len(helper_processes()) == 3)
                # The worker is started first.
                for role, process in zip(("monitor", "worker", "mounter"),
                                         sorted(helper_processes())):
                    seen[role] = {
                        "users": ids(process, "Uid"), "groups": ids(process, "Gid"),
                        "capabilities": capabilities(process), "files": descriptors(process),
                        "status": process_status(process),
                        "limits": text_of(f"/proc/{process}/limits"),
                        "owner": os.stat(f"/proc/{process}/environ").st_uid}
            session.goodbye(1)
        outcome, _ = self.converse(script, caller)
        self.assert_refused(outcome)
        self.assertEqual(list(seen), ["monitor", "worker", "mounter"])
        return seen.values()

    @callers()
    def test_the_monitor_holds_one_capability_and_none_of_it_is_effective(self, caller):
        monitor, _, mounter = self.waiting(caller)
        for process in (monitor, mounter):
            self.assertEqual(process["users"], (caller.uid, caller.uid, 0))
            self.assertEqual(process["groups"], (caller.gid, caller.gid, 0))
            self.assertEqual(process["capabilities"], (SYS_ADMIN, 0, 0, 0, 0))

    @callers()
    def test_after_a_mount_was_made_the_monitor_has_no_capability_in_effect(self, caller):
        def mount(session):
            session.prepare(session.target)
            self.assertEqual(session.mount(), 0)
        monitor, _, mounter = self.waiting(caller, mount)
        for process in (monitor, mounter):
            self.assertEqual(process["users"], (caller.uid, caller.uid, 0))
            self.assertEqual(process["groups"], (caller.gid, caller.gid, 0))
            self.assertEqual(process["capabilities"], (SYS_ADMIN, 0, 0, 0, 0))

    def test_a_users_worker_has_the_users_ids_and_no_capability(self):
        _, worker, _ = self.waiting(ALICE)
        self.assertEqual(worker["users"], (ALICE.uid,) * 3)
        self.assertEqual(worker["groups"], (ALICE.gid,) * 3)
        self.assertEqual(worker["capabilities"], (0, 0, 0, 0, 0))

    def test_roots_worker_has_the_two_capabilities_that_read_any_file_and_no_other(self):
        _, worker, _ = self.waiting(ROOT)
        self.assertEqual(worker["users"], (0, 0, 0))
        self.assertEqual(worker["capabilities"], (DAC, DAC, 0, 0, 0))

    @callers()
    def test_neither_process_can_gain_privilege_by_executing(self, caller):
        for process in self.waiting(caller):
            self.assertEqual(process["status"]["NoNewPrivs"], "1")

    @callers()
    def test_the_worker_has_none_of_the_callers_descriptors_and_no_fuse_device(self, caller):
        _, worker, _ = self.waiting(caller)
        files = worker["files"]
        self.assertEqual([files[number] for number in range(3)], ["/dev/null"] * 3)
        others = [name.split(":")[0] for number, name in sorted(files.items()) if number > 2]
        directories = [name for name in others if os.path.isdir(name)]
        # Root's named files are pinned from the start; here the directory of one that is missing.
        self.assertEqual(len(directories), 1 if caller == ROOT else 0, files)
        self.assertEqual([name for name in others if name not in directories],
                         ["socket", "socket"], files)

    @callers()
    def test_the_mounter_has_the_mount_point_its_line_and_a_context_and_no_other_descriptor(
            self, caller):
        _, _, mounter = self.waiting(caller)
        files = mounter["files"]
        self.assertEqual([files[number] for number in range(3)], ["/dev/null"] * 3)
        others = sorted(name for number, name in files.items() if number > 2)
        # A user's mounts are counted, in a namespace that it holds on to.
        others = [name for name in others if caller == ROOT or not name.startswith("mnt:[")]
        self.assertEqual(len(others), 3, files)
        self.assertTrue(any(name.startswith("socket:") for name in others), files)
        # Of a file system that nobody has asked for yet.
        self.assertIn("anon_inode:[fscontext]", others)
        self.assertTrue(any(os.path.isdir(name) for name in others), files)

    @callers()
    def test_both_processes_run_under_a_filter(self, caller):
        for process in self.waiting(caller):
            self.assertEqual(process["status"]["Seccomp"], "2")

    @callers()
    def test_neither_process_leaves_a_core_file(self, caller):
        for process in self.waiting(caller):
            self.assertRegex(process["limits"], r"Max core file size +0 +0 ")
            # The kernel gives the files of a process that must not be dumped to root.
            self.assertEqual(process["owner"], 0)

    def test_the_caller_can_take_hold_of_neither_process_by_system_call(self):
        def script(session):
            session.begin()
            session.open("not named")
            tried = {}
            for process in helper_processes():
                outcome = self.run_as(ALICE, PYTHON, "-I", "-S", "-c", TAKE_HOLD, str(process))
                tried[process] = outcome.out.split()
            session.goodbye(1)
            return tried
        outcome, tried = self.converse(script, ALICE)
        self.assert_refused(outcome)
        self.assertEqual(list(tried.values()), [["EPERM"] * 5 + ["EACCES"]] * 3)

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


class Talking(HelperTest):
    """Words on the command line and their answers, before there is any work to do."""

    @callers()
    @parametrized(case=[("help", (["--help"], "stdout")), ("version", (["--version"], "stdout")),
                        ("usage", (["--frobnicate", "a", "b", "c"], "stderr")),
                        ("nothing", ([], "stderr"))])
    def test_nothing_is_said_with_any_capability_in_effect(self, caller, case):
        words, stream = case
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        os.set_blocking(write, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(write, bytes(4096))
        os.set_blocking(write, True)
        running = self.start_helper(words, caller, **{stream: write})
        os.close(write)
        process = running.process.pid
        # Asleep: it waits for a reader.
        self.assertTrue(eventually(lambda: process in helper_processes()
                                   and process_status(process)["State"].startswith("S")))
        fields = process_status(process)
        self.assertEqual(ids(process, "Uid"), (caller.uid, caller.uid, 0))
        self.assertEqual(ids(process, "Gid"), (caller.gid, caller.gid, 0))
        permitted, *others = capabilities(process)
        self.assertEqual(permitted & ~(SYS_ADMIN | (DAC if caller == ROOT else 0)), 0)
        self.assertEqual(others, [0, 0, 0, 0])
        self.assertEqual(fields["NoNewPrivs"], "1")
        os.set_blocking(read, False)
        with contextlib.suppress(BlockingIOError):
            while os.read(read, 65536):
                pass
        self.assertEqual(running.finish().status, 0 if stream == "stdout" else 1)


class Program(HelperTest):
    """The program's file."""

    def test_it_is_linked_with_nothing_that_runs_a_program_or_reads_a_format(self):
        # That nothing of the C library's which does is in it, packaging/build sees in the linker's map.
        with open(stage.helper, "rb") as file:
            content = file.read()
        # Nothing shorter: two or three bytes stand in machine code by chance.
        for name in (b"/bin/sh", b"PATH=", b"LD_LIBRARY_PATH", b"ld-linux"):
            self.assertNotIn(name, content)
        headers, size, count = (struct.unpack_from(form, content, at)[0]
                                for form, at in (("Q", 32), ("H", 54), ("H", 56)))
        kinds = {struct.unpack_from("I", content, headers + size * number)[0]
                 for number in range(count)}
        self.assertNotIn(3, kinds, "a program interpreter (PT_INTERP)")


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
