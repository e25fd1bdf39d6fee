# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mount points: what may be covered, and what may be taken away."""

import contextlib
import os
import random
import signal
import threading
import time

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

    @finding(1)
    def test_02_undo_does_not_take_what_root_mounted_meanwhile(self):
        """attempt: the same on a directory, where root mounts something after the caller has
        unmounted; expected: what root mounted stays"""
        volume = self.volume()
        place = os.path.join(volume, "sub")
        made, go_on = threading.Event(), threading.Event()

        def script(session):
            session.begin()
            if session.arguments[-1] == b"second":
                session.prepare(os.path.join(volume, "work"), "demo")
                assert session.mount() == 0
                session.goodbye(0)
                session.serve({}, ALICE.uid, ALICE.gid)
                return
            session.prepare(place, "n" * 300)
            assert session.mount() == 0
            session.serve({}, ALICE.uid, ALICE.gid)
            made.set()
            go_on.wait(20)
            session.goodbye(1)
        self.service(script)
        first = self.start_helper(["demo", place, "-t", "fuse.demo"], ALICE)
        self.expect(made.wait(10), "the first mount was not made")
        self.ended(self.run_as(ALICE, "umount", "-l", place), "caller's umount of the first mount")
        support.system("mount", "-t", "tmpfs", "root", place)
        number = mount_at(place).number
        self.before |= {number}
        self.addCleanup(support.detach, place)
        self.ended(self.helper(["demo", os.path.join(volume, "work"), "-t", "fuse.demo", "second"],
                               ALICE), "second helper")
        go_on.set()
        self.ended(first.finish(), "first helper")
        there = [mount.number for mount in mounts()]
        support.detach(os.path.join(volume, "work"))
        self.saw(f"root's mount still there: {number in there}")
        self.expect(number in there, "a user detached what root had mounted")

    @finding(1)
    def test_03_undo_does_not_cut_off_another_user(self):
        """attempt: the same, while another user's new mount of the type lies on the same file
        system and is covered; expected: the other user's connection stays"""
        self.fuse_conf("user_allow_other\n")
        volume = self.volume()
        theirs = os.path.join(volume, "bob")
        os.mkdir(theirs)
        os.chown(theirs, BOB.uid, BOB.gid)
        place = os.path.join(volume, "sub")
        made, go_on, kept = threading.Event(), threading.Event(), []

        def script(session):
            session.begin()
            mine = session.arguments[2].decode() if len(session.arguments) > 2 else ""
            if mine == place:
                session.prepare(place, "n" * 300)
                assert session.mount() == 0
                session.serve({}, ALICE.uid, ALICE.gid)
                made.set()
                go_on.wait(20)
                session.goodbye(1)
                return
            session.prepare(mine, "demo")
            if session.arguments[-1] == b"bob":
                assert session.options("allow_other,default_permissions") == 0
            assert session.mount() == 0
            session.goodbye(0)
            server = session.serve({"f": b"x"}, *((ALICE.uid, ALICE.gid)))
            kept.append(server)
        self.service(script)
        first = self.start_helper(["demo", place, "-t", "fuse.demo"], ALICE)
        self.expect(made.wait(10), "the first mount was not made")
        self.ended(self.run_as(ALICE, "umount", "-l", place), "caller's umount of the first mount")
        self.ended(self.helper(["demo", theirs, "-t", "fuse.demo", "bob"], BOB), "other's helper")
        self.ended(self.helper(["demo", theirs, "-t", "fuse.demo", "cover"], ALICE),
                   "caller's helper that covers it")
        stack = [mount for mount in mounts() if mount.target == theirs]
        self.saw(f"mounts at the other user's place: {len(stack)}")
        go_on.set()
        self.ended(first.finish(), "first helper")
        while mount_at(theirs) and mount_at(theirs).number != stack[0].number:
            support.detach(theirs)
        time.sleep(0.2)
        ended = self.run_as(BOB, "cat", os.path.join(theirs, "f"))
        self.ended(ended, "other user reads a file of theirs")
        support.detach(theirs)
        self.expect(ended.out == "x", "a user cut off another user's file system")

    @finding(1)
    def test_04_a_stopped_undo_does_not_take_the_volume_below(self):
        """attempt: mount(2) engine at the root of a volume of root's, the server fails it, and the
        caller stops the helper at a random moment, unmounts, and lets it go on, 300 times;
        expected: the volume stays mounted"""
        volume = self.volume()
        number = mount_at(volume).number
        many = os.path.join(self.directory(ROOT), "many")
        os.mkdir(many)
        support.system("mount", "-t", "tmpfs", "many", many)
        self.addCleanup(support.detach, many)
        for name in range(800):  # as many as mount_max lets the caller make, more or less
            os.mkdir(os.path.join(many, str(name)))
            libc.mount(b"many", os.fsencode(os.path.join(many, str(name))), b"tmpfs", 0, None)
        self.before |= {mount.number for mount in mounts()}
        gate, made = threading.Semaphore(0), threading.Semaphore(0)

        def script(session):
            session.begin()
            session.prepare(volume, "n" * 300)
            assert session.mount() == 0
            session.serve({}, ALICE.uid, ALICE.gid)
            made.release()
            gate.acquire(timeout=20)
            session.goodbye(1)
        self.service(script)
        chance, unmounted = random.Random(4), 0
        for attempt in range(300):
            helper = self.start_helper(["demo", volume, "-t", "fuse.demo"], ALICE)
            self.expect(made.acquire(timeout=10), "the mount was not made")
            gate.release()
            until = time.perf_counter() + chance.uniform(0, 0.012)
            while time.perf_counter() < until:
                pass
            with contextlib.suppress(ProcessLookupError):
                os.kill(helper.process.pid, signal.SIGSTOP)
            with open("/proc/self/mounts", encoding="utf-8", errors="replace") as table:
                if " fuse.demo " in table.read():
                    # umount(8) by the caller does the same, as the first attempt shows.
                    support.detach(volume)
                    unmounted += 1
            with contextlib.suppress(ProcessLookupError):
                os.kill(helper.process.pid, signal.SIGCONT)
            helper.finish()
            if number not in [mount.number for mount in mounts()]:
                break
        self.saw(f"rounds: {attempt + 1}; stopped before the undo: {unmounted}")
        self.expect(number in [mount.number for mount in mounts()],
                    "a user detached a file system that root had mounted")


class Places(Attempts):
    """Odd operands for the mount point."""

    def refused(self, operand, caller=ALICE, source="demo", **running):
        """The helper mounts nothing there."""
        place = operand
        self.service(wire.mounting(place, owner=caller.uid, group=caller.gid))
        self.saw(f"mount point {operand}")
        self.expect_failure(self.helper([source, operand, "-t", "fuse.demo"], caller, **running))

    @support.parametrized(path=["/", "/proc", "/proc/self/cwd", "/proc/self/root", "/dev/fd/3",
                                "/dev/stdin", "/proc/thread-self/cwd", "/sys", "/dev/shm", "/tmp",
                                "/run", "/run/mount", "/run/mount/utab", "/etc/passwd", "/etc/fstab",
                                "/dev/null", "/dev/fuse", "/proc/1/root/home/fsmalice", "/home",
                                "/home/fsmbob", "/sys/fs/fuse/connections", "/dev/pts", "",
                                "/home/fsmalice/..", "//", "/var/tmp", "/usr/../tmp/.",
                                "/run/filesystems/demo", "/nonexistent"])
    def test_05_a_place_that_is_not_the_callers(self, path):
        """attempt: mount on a place that the caller may not cover; expected: refused"""
        self.refused(path, cwd=ALICE.home,
                     stdin=os.open(ALICE.home, os.O_RDONLY | os.O_DIRECTORY))

    def test_06_the_working_directory_by_another_name(self):
        """attempt: mount points `.`, `./`, `../mnt/.` and a path with many slashes, of the
        caller's; expected: mounted on just that directory, nosuid and nodev"""
        for spelling in (".", "./", "../mnt/.", ".//.//"):
            place = self.target(ALICE)
            with self.service(wire.mounting(spelling, owner=ALICE.uid, group=ALICE.gid)):
                outcome = self.helper(["demo", spelling, "-t", "fuse.demo"], ALICE, cwd=place)
                self.saw(f"mount point {spelling}")
                self.expect_mounted(outcome, place)
            support.detach(place)

    def test_07_a_working_directory_that_is_gone(self):
        """attempt: mount on `.` in a removed directory; expected: refused"""
        place = self.target(ALICE)
        handle = os.open(place, os.O_PATH)
        os.rmdir(place)
        self.refused(".", preexec_fn=lambda: os.fchdir(handle))
        os.close(handle)

    def test_08_a_file_linked_to_roots(self):
        """attempt: mount on a hard link that the caller makes to a file of root's, and on a
        symbolic link to it; expected: the link is refused by the kernel (protected_hardlinks), and
        the symbolic link's target is not the caller's to cover"""
        directory = self.directory(ALICE)
        secret = self.file(ROOT, b"root's", 0o644, "secret", self.directory(ROOT))

        def link():
            try:
                os.link(secret, os.path.join(directory, "hard"))
            except OSError as error:
                return error.errno
            return 0
        status = as_caller(ALICE, link)
        self.saw(f"link(2) as the caller: {os.strerror(status)}")
        os.symlink(secret, os.path.join(directory, "soft"))
        self.refused(os.path.join(directory, "soft"))
        if status == 0:
            self.refused(os.path.join(directory, "hard"))

    def test_09_a_sticky_directory_of_anothers(self):
        """attempt: mount on a world-writable sticky directory of another user, and on a directory
        of the caller's in it; expected: the first refused, the second mounted there"""
        shared = self.directory(BOB)
        os.chmod(shared, 0o1777)
        self.refused(shared)
        mine = os.path.join(shared, "mine")
        os.mkdir(mine)
        os.chown(mine, ALICE.uid, ALICE.gid)
        self.service(wire.mounting(mine, owner=ALICE.uid, group=ALICE.gid), "other")
        self.expect_mounted(self.helper(["demo", mine, "-t", "fuse.other"], ALICE), mine)
        support.detach(mine)

    def test_10_propagation_to_other_namespaces(self):
        """attempt: mount on a shared mount that has a peer in another mount namespace of root's and
        a slave in one of another user's; expected: what arrives there has nosuid and nodev, and
        belongs to the caller alone"""
        place = os.path.join(self.directory(ROOT), "volume")
        os.mkdir(place)
        support.system("mount", "-t", "tmpfs", "-o", f"mode=755,uid={ALICE.uid}", "data", place)
        support.system("mount", "--make-shared", place)
        self.addCleanup(support.detach, place)
        self.before |= {mount_at(place).number}
        others = []
        for words, who in ((["unshare", "--mount", "--propagation", "unchanged"], ROOT),
                           (["unshare", "-Urm", "--propagation", "slave"], BOB)):
            others.append(self.start([*words, "sleep", "30"], who))
        time.sleep(0.5)
        target = os.path.join(place, "m")
        os.mkdir(target)
        os.chown(target, ALICE.uid, ALICE.gid)
        self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid))
        self.expect_mounted(self.helper(["demo", target, "-t", "fuse.demo"], ALICE), target)
        for other in others:
            with open(f"/proc/{other.process.pid}/mountinfo", encoding="utf-8") as table:
                lines = [line for line in table if " - fuse.demo " in line]
            self.saw("in the other namespace:", lines)
            for line in lines:
                self.expect("nosuid" in line and "nodev" in line, "a flag was lost on the way")
            other.process.kill()
            other.finish()
        support.detach(target)

    def test_11_replaced_at_each_step(self):
        """attempt: rename, remove, replace by a link to /etc, or lazily unmount the mount point
        before and after each command of the server; expected: mounted on the directory that was
        pinned or not at all, never at the new place"""
        for deed in ("rename", "remove", "symlink", "cover"):
            for step in ("begin", "prepared", "mounted"):
                place = self.target(ALICE)

                def act(place=place, deed=deed):
                    if deed == "cover":
                        support.system("mount", "-t", "tmpfs", "cover", place)
                        return
                    if deed == "remove":
                        os.rmdir(place)
                        return
                    os.rename(place, place + ".old")
                    if deed == "symlink":
                        os.symlink("/etc", place)

                def script(session, place=place, step=step, act=act):
                    session.begin()
                    if step == "begin":
                        act()
                    session.prepare(place)
                    if step == "prepared":
                        act()
                    session.mount()
                    if step == "mounted":
                        act()
                    session.goodbye(0)
                    session.serve({}, ALICE.uid, ALICE.gid)
                with self.service(script, "step"):
                    outcome = self.helper(["demo", place, "-t", "fuse.step"], ALICE)
                    self.clean()
                    fuse = [mount for mount in self.new_mounts() if mount.type == "fuse.step"]
                    self.saw(f"{deed} after {step}: exit {outcome.status}",
                             outcome.err.strip().replace(place, "MNT"),
                             [mount.target.replace(place, "MNT") for mount in fuse])
                    self.expect((outcome.status == 0) == bool(fuse), "exit status is not true")
                    self.expect(not [mount for mount in fuse if mount.target.startswith("/etc")],
                                "mounted over /etc")
                    if deed == "cover":
                        self.expect(not fuse, "mounted over what was stacked")
                    for mount in fuse:
                        support.detach(mount.target)
                    if deed == "cover":
                        support.detach(place)
