# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the attempts share: a notebook for each, and ways to be the caller."""

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import time

import fuse_service as wire
import support
from support import ALICE, BOB, ROOT, HelperTest, helper_processes, mount_at, mounts, stage, utab

libc = wire.libc
PRINTABLE = re.compile(r"\A[\x20-\x7e]*\Z")


def finding(number):
    """Says which finding an attempt led to."""
    def mark(function):
        function.finding = number
        return function
    return mark


def as_caller(caller, function, *, groups=(), wait=True):
    """Runs a function in a process of the caller's; its exit status, or its id."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            os.setgroups(list(groups))
            os.setresgid(*[caller.gid] * 3)
            os.setresuid(*[caller.uid] * 3)
            status = function() or 0
        except BaseException as error:
            os.write(2, f"in the caller's process: {error!r}\n".encode())
        finally:
            os._exit(status)
    if not wait:
        return child
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Service(wire.Service):
    """A service that lets its scripts come to their end before it closes their descriptors."""

    def close(self):
        for thread in self.threads:
            thread.join(2)
        super().close()


class Attempts(HelperTest):
    """An attempt keeps what it saw in `lines`."""

    def service(self, script, subtype=None, mode=0o666):
        service = Service(subtype or self.type, script, mode)
        self.addCleanup(service.close)
        return service

    def setUp(self):
        self.lines = []
        super().setUp()

    def saw(self, *words):
        """Keeps a line for the record."""
        for line in " ".join(str(word) for word in words).rstrip("\n").split("\n"):
            self.lines.append(line.encode("unicode_escape").decode("ascii"))

    def ended(self, outcome, what="helper"):
        """Keeps how a program ended."""
        self.saw(f"{what}: exit {outcome.status}; {outcome.err.strip() or 'no message'}")
        return outcome

    def expect(self, condition, words):
        """What SECURITY.md says; an attempt that finds otherwise broke it."""
        if not condition:
            raise AssertionError(words)

    def clean(self):
        """Waits until no process of the helper is left; whether that came."""
        return support.eventually(lambda: not helper_processes(), 10)

    def new_mounts(self):
        """The mounts that were not there at the start."""
        return [mount for mount in mounts() if mount.number not in self.before]

    def expect_failure(self, outcome, status=1):
        """Not mounted, said so, and nothing left."""
        self.ended(outcome)
        self.expect(outcome.status == status, f"exit {outcome.status}, not {status}")
        self.expect(outcome.err.strip() != "" or status != 1, "no reason was given")
        self.clean()
        left = [f"{mount.target} ({mount.type})" for mount in self.new_mounts()]
        self.expect(not left, f"mounted: {left}")
        self.expect((utab() or []) == (self.records or []), f"utab: {utab()}")

    def expect_mounted(self, outcome, target, flags=("nosuid", "nodev")):
        """Mounted, with the flags that a user cannot take away."""
        self.ended(outcome)
        self.expect(outcome.status == 0, f"exit {outcome.status}")
        mount = mount_at(target)
        self.expect(mount is not None, f"exit 0 and nothing mounted at {target}")
        self.saw(f"{mount.target} {mount.type} {','.join(sorted(mount.attributes))} "
                 f"{','.join(sorted(mount.superblock))}")
        for flag in flags:
            self.expect(flag in mount.attributes, f"without {flag}")
        return mount
