# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine without memory, and calls that fail for a whole run."""

import contextlib
import os
import signal
import time

import fuse_service as wire
from support import (ROOT, HelperTest, callers, eventually, helper_processes, mount_at,
                     parametrized, stage, utab_text)


class Failing(HelperTest):
    """A call that fails whenever it is made."""

    CALLS = [(call, (call, errors.split())) for call, errors in (
        ("fsopen", "EPERM ENOMEM EMFILE ENODEV"), ("fsconfig", "EINVAL EPERM ENOMEM EBUSY"),
        ("fsmount", "EPERM EBUSY EMFILE ENOSPC"), ("move_mount", "EPERM EBUSY ENOENT EINVAL"),
        ("openat2", "EACCES EAGAIN EMFILE ENFILE ENOMEM EPERM"),
        ("memfd_create", "EMFILE ENFILE ENOMEM EPERM"), ("setsockopt", "ENOMEM EPERM"),
        ("close_range", "EPERM ENOMEM"), ("mount", "EPERM ENOMEM ENODEV"))]

    @callers()
    @parametrized(call=CALLS)
    def test_a_call_that_fails_costs_the_mount_and_says_so_or_costs_nothing(self, caller, call):
        name, errors = call
        for error in errors:
            target = self.target(caller)

            def script(session, target=target):
                with contextlib.suppress(wire.SessionEnded):
                    session.begin()
                    session.prepare(target)
                    session.table_options("x-foo=bar")
                    session.goodbye(0 if session.mount() == 0 else 1)
                    session.serve(None, caller.uid, caller.gid)
            failing = (f"{name}={error}",) + (("fsopen=ENOSYS",) if name == "mount" else ())
            with self.service(script):
                outcome = self.helper(self.words("demo", target), caller, failing=failing)
            mounted = mount_at(target) is not None
            self.assertEqual(mounted, outcome.status == 0, (error, outcome.err))
            if mounted:
                # EINVAL of fsconfig(2) is a parameter that an older kernel does not know.
                self.assertIn((name, error), [("setsockopt", "ENOMEM"), ("setsockopt", "EPERM"),
                                              ("fsconfig", "EINVAL")])
                self.assertIn(f"TARGET={target}", utab_text())
                self.unmount(target)
            else:
                self.assertEqual(outcome.status, 1, (error, outcome.err))
                self.assertRegex(outcome.err, r"\Afuservicemount3: .*\S.*\n")
            self.assertEqual(utab_text(), "")
            self.assertIsNone(mount_at(target))


def memory_group():
    """A new group of the memory controller, and its file with the limit; None where there is none."""
    for parent, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                          ("/sys/fs/cgroup", "memory.max")):
        place = f"{parent}/fsm-test-{os.getpid()}"
        with contextlib.suppress(OSError):
            os.mkdir(place)
            if os.path.exists(os.path.join(place, limit)):
                return place, os.path.join(place, limit)
            os.rmdir(place)
    return None


class OutOfMemory(HelperTest):
    """The kernel ends a process of the helper for want of memory."""

    @callers()
    def test_a_helper_without_memory_leaves_a_whole_mount_or_none(self, caller):
        group = memory_group()
        if group is None:
            self.skipTest("there is no memory controller")
        place, limit = group

        def remove():
            deadline = time.monotonic() + 5
            while os.path.exists(place) and time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    os.rmdir(place)
                time.sleep(0.01)
        self.addCleanup(remove)
        tasks = os.path.join(place, "cgroup.procs")
        ended = set()
        for size in (64, 256, *range(480, 1000, 24), 4096):
            with open(limit, "w", encoding="ascii") as file:
                file.write(str(size << 10))
            target = self.target(caller)

            def script(session, target=target):
                with contextlib.suppress(wire.SessionEnded):
                    try:
                        wire.mounting(target, table="x-foo=bar", owner=caller.uid)(session)
                    except AssertionError:  # no mount: a server gives up then
                        session.goodbye(1)
            with self.service(script):
                # Root joins the group, and becomes the caller in it.
                outcome = self.run_as(
                    ROOT, "sh", "-c", f'echo $$ > {tasks}; exec "$@"', "sh", "setpriv",
                    f"--reuid={caller.uid}", f"--regid={caller.gid}", "--clear-groups",
                    stage.helper, *self.words("demo", target))
            self.assertTrue(eventually(lambda: not helper_processes()), "a process is left")
            mounted = mount_at(target) is not None
            recorded = f"TARGET={target}" in utab_text()
            ended.add(outcome.status)
            self.assertIn(outcome.status, (0, 1, 126, 127, -signal.SIGKILL, -signal.SIGSEGV,
                                           -signal.SIGBUS, -signal.SIGILL, -signal.SIGTRAP),
                          outcome.err)
            # A mount without its entry would be half of one. An entry alone may stay when no process
            # has the memory to take it away again; it says nothing about any other mount.
            self.assertFalse(mounted and not recorded, (size, outcome))
            if outcome.status >= 0:
                self.assertEqual(mounted, outcome.status == 0, outcome)
                self.assertNotEqual(mounted, bool(outcome.err), outcome)
            if mounted:
                self.assertTrue({"nosuid", "nodev"} <= mount_at(target).attributes)
                self.unmount(target)
            with contextlib.suppress(FileNotFoundError):
                os.unlink("/run/mount/utab")
        self.assertIn(0, ended, "never enough memory")
        self.assertGreater(len(ended), 1, "always enough memory")
        self.assertEqual(helper_processes(), [])
        # libmount's temporary file stays with a process that is killed, as it does with mount(8);
        # what the helper itself puts there is gone with the last one, which had memory enough.
        for name in os.listdir("/run/mount"):
            if name.startswith("utab.") and name != "utab.lock":
                os.unlink(os.path.join("/run/mount", name))
        self.assertLessEqual(set(os.listdir("/run/mount")), {"utab.lock"})
