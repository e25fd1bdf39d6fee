# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mount points: what may be covered, and what may be taken away."""

import contextlib
import os
import threading

import fuse_service as wire
from review import *


class OneStep(Attempts):
    """A NAME of more than 255 bytes has the mount made by mount(2) on every kernel."""

    def volume(self, owner=ALICE):
        """A file system that root has mounted and whose root the caller may write to."""
        place = os.path.join(self.directory(ROOT), "volume")
        os.mkdir(place)
        support.system("mount", "-t", "tmpfs", "-o", f"mode=755,uid={owner.uid}", "data", place)
        self.addCleanup(support.detach, place)
        for name in ("sub", "work"):
            os.mkdir(os.path.join(place, name))
            os.chown(os.path.join(place, name), owner.uid, owner.gid)
        self.before |= {mount_at(place).number}
        return place

    @finding(1)
    def test_01_undo_does_not_take_the_volume_below(self):
        """attempt: mount(2) engine at the root of a volume of root's, unmount that mount as the
        caller, mount another of the same type elsewhere on the volume, then let the server fail
        the first; expected: the helper takes away its own mount or nothing, so the volume of root's
        stays mounted"""
        volume = self.volume()
        number = mount_at(volume).number
        made, go_on = threading.Event(), threading.Event()
        second = os.path.join(volume, "sub")

        def script(session):
            session.begin()
            if session.arguments[-1] == b"second":
                session.prepare("sub", "demo")
                assert session.mount() == 0
                session.goodbye(0)
                session.serve({}, ALICE.uid, ALICE.gid)
                return
            session.prepare(volume, "n" * 300)
            assert session.mount() == 0
            session.serve({}, ALICE.uid, ALICE.gid)
            made.set()
            go_on.wait(20)
            session.goodbye(1)
        self.service(script)
        work = os.open(volume, os.O_PATH | os.O_DIRECTORY)  # the caller's shell stands here
        self.addCleanup(os.close, work)
        first = self.start_helper(["demo", volume, "-t", "fuse.demo"], ALICE)
        self.expect(made.wait(10), "the first mount was not made")
        away = self.run_as(ALICE, "umount", "-l", volume)
        self.ended(away, "caller's umount of the first mount")
        other = self.helper(["demo", "sub", "-t", "fuse.demo", "second"], ALICE,
                            preexec_fn=lambda: os.fchdir(work))
        self.ended(other, "second helper")
        go_on.set()
        self.ended(first.finish(), "first helper")
        there = [mount.number for mount in mounts()]
        support.detach(second)
        self.saw(f"volume of root's still mounted: {number in there}")
        self.expect(number in there, "a user detached a file system that root had mounted")
