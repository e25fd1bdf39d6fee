# SPDX-License-Identifier: LGPL-2.1-or-later
"""utab: entries that should not come, entries that should not go."""

import contextlib
import fcntl
import os
import subprocess
import threading
import time

import fuse_service as wire
from review import *


class Poison(Attempts):
    """Entries for places that are not the caller's."""

    def directory_elsewhere(self, path):
        """A descriptor of a directory of the caller's that is called `path` in a mount namespace
        of the caller's own; the caller opens it through /proc."""
        shell = (f"mount -t tmpfs t {os.path.dirname(path)} && mkdir {path} && "
                 "echo ready && exec sleep 60")
        inner = subprocess.Popen(["unshare", "-Urm", "sh", "-c", shell], user=ALICE.uid,
                                 group=ALICE.gid, extra_groups=[], stdout=subprocess.PIPE,
                                 stdin=subprocess.DEVNULL)
        self.addCleanup(inner.stdout.close)
        self.addCleanup(inner.wait)
        self.addCleanup(inner.kill)
        self.expect(inner.stdout.readline() == b"ready\n", "no mount namespace for the caller")
        descriptor = os.open(f"/proc/{inner.pid}/root{path}", os.O_PATH | os.O_DIRECTORY)
        self.addCleanup(os.close, descriptor)
        return descriptor

    def forget_entries(self):
        """The entries of root's own mounts go with the stage."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/run/mount/utab")

    def poison(self, path, source, go=None, before=None):
        """Has the helper write an entry for a path and keeps it from taking the entry back; who
        gets the lock first is a race, so up to ten times."""
        for _ in range(10):
            self.number = getattr(self, "number", 0) + 1
            stays = self.poison_once(path, source, f"poison{self.number}", go, before)
            if stays or go:
                break
        return stays

    def poison_once(self, path, source, subtype, go, before):
        """One round; the entries for the path that stay."""
        here = None if go else self.directory_elsewhere(path)
        self.service(wire.mounting(".", name=source.encode(), owner=ALICE.uid, group=ALICE.gid,
                                   before=before), subtype)
        with open("/run/mount/utab.lock", "a", encoding="ascii"):
            pass
        os.chmod("/run/mount/utab.lock", 0o644)

        def hold():
            lock = os.open("/run/mount/utab.lock", os.O_RDONLY)
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                fcntl.flock(lock, fcntl.LOCK_SH)
                if path in "".join(line for line in utab() or [] if "x-mine" in line):
                    time.sleep(30)
                    return
                fcntl.flock(lock, fcntl.LOCK_UN)
                time.sleep(0.0002)
        holder = as_caller(ALICE, hold, wait=False)
        outcome = self.helper([source, ".", "-t", "fuse." + subtype, "-o", "x-mine,x-b=" + "A" * 900],
                              ALICE, preexec_fn=go or (lambda: os.fchdir(here)), timeout=60)
        os.kill(holder, 9)
        os.waitpid(holder, 0)
        self.ended(outcome)
        stays = [line for line in utab() or [] if path in line and "x-mine" in line]
        self.saw("utab has:", [line.replace("A" * 900, "AAA...") for line in stays])
        return stays

    @finding(2)
    def test_01_no_entry_for_a_path_of_another_namespace(self):
        """attempt: stand in a directory whose path in a mount namespace of the caller's own is
        /srv/backup, mount on `.` with an x- option and root's device as the source, and take utab's
        lock as soon as the entry is there; expected: no entry for /srv/backup ever stands in utab,
        because no mount of the caller's can be there"""
        stays = self.poison("/srv/backup", "/dev/vdz")
        self.expect(not stays, "an entry of the caller's for a path that is not the caller's stays")

    @finding(2)
    def test_02_nobody_unmounts_for_root_by_such_an_entry(self):
        """attempt: the same for a volume that fstab lets users mount and that root has mounted, and
        then umount(8) as the caller; expected: umount(8) refuses, as before"""
        place, table = "/srv/backup", os.path.join(stage.private, "fstab")
        with open(table, "w", encoding="ascii") as file:
            file.write(f"data {place} tmpfs user,noauto,mode=755 0 0\n")
        support.system("mount", "-t", "tmpfs", "tmpfs", "/srv")
        self.addCleanup(support.detach, "/srv")
        os.mkdir(place)
        support.system("mount", "--bind", table, "/etc/fstab")
        self.addCleanup(support.detach, "/etc/fstab")
        support.system("mount", place)
        self.addCleanup(support.detach, place)
        self.before |= {mount.number for mount in mounts()}
        self.addCleanup(self.forget_entries)
        first = self.run_as(ALICE, "umount", place)
        self.ended(first, "caller's umount before")
        self.expect(first.status != 0, "a user may unmount it anyway")
        self.poison(place, "data")
        second = self.run_as(ALICE, "umount", place)
        self.ended(second, "caller's umount after")
        self.expect(second.status != 0, "a user unmounted what root had mounted")

    @finding(2)
    def test_04_no_entry_by_a_lazily_unmounted_tree(self):
        """attempt: stand in a directory `srv` at the top of a FUSE mount of the caller's that is
        lazily unmounted before the goodbye, so that the directory's path reads /srv; expected: no
        entry for /srv"""
        for _ in range(10):
            tree, _ = self.below(ALICE, {"srv": {}})
            stays = self.poison("/srv", "data",
                                go=lambda tree=tree: os.chdir(os.path.join(tree, "srv")),
                                before=lambda session, tree=tree: support.detach(tree) and None)
            if stays:
                break
        self.expect(not stays, "an entry of the caller's for a path that is not the caller's stays")

    def volume(self):
        """A volume of root's that fstab lets users mount, whose root the caller may write to."""
        place, table = "/srv/data", os.path.join(stage.private, "fstab")
        with open(table, "w", encoding="ascii") as file:
            file.write(f"data {place} tmpfs user,noauto,mode=755,uid={ALICE.uid} 0 0\n")
        support.system("mount", "-t", "tmpfs", "tmpfs", "/srv")
        self.addCleanup(support.detach, "/srv")
        os.mkdir(place)
        support.system("mount", "--bind", table, "/etc/fstab")
        self.addCleanup(support.detach, "/etc/fstab")
        support.system("mount", place)
        self.addCleanup(support.detach, place)
        self.before |= {mount.number for mount in mounts()}
        return place

    @finding(13)
    def test_05_an_entry_that_outlives_its_mount_and_means_the_one_below(self):
        """attempt: mount on the root of a volume of root's, under the volume's own source name and
        with an x- option, hold utab's lock, unmount (umount(8) waits for the lock and is killed),
        and umount(8) the volume; expected: umount(8) refuses, as before"""
        place = self.volume()
        self.addCleanup(self.forget_entries)
        first = self.run_as(ALICE, "umount", place)
        self.ended(first, "caller's umount before")
        self.expect(first.status != 0, "a user may unmount it anyway")
        self.service(wire.mounting(place, name=b"data", owner=ALICE.uid, group=ALICE.gid))
        self.ended(self.helper(["data", place, "-t", "fuse.demo", "-o", "x-mine"], ALICE))

        def hold():
            lock = os.open("/run/mount/utab.lock", os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_SH)
            time.sleep(20)
        holder = as_caller(ALICE, hold, wait=False)
        time.sleep(0.3)
        away = self.start(["umount", "-l", place], ALICE)
        support.eventually(lambda: len([one for one in mounts() if one.target == place]) == 1, 3)

        def kill():
            os.kill(away.process.pid, 9)
        self.saw("umount(8) killed by its caller:", as_caller(ALICE, kill) == 0)
        away.finish()
        os.kill(holder, 9)
        os.waitpid(holder, 0)
        self.saw("utab has:", utab())
        second = self.run_as(ALICE, "umount", place)
        self.ended(second, "caller's umount of root's volume")
        self.expect(second.status != 0, "a user unmounted what root had mounted")

    @finding(14)
    def test_06_success_without_a_mount(self):
        """attempt: mount(2) engine, the caller unmounts between DOIT and the goodbye with 0;
        expected: exit 1 and no entry, because nothing is mounted"""
        target = self.target(ALICE)

        def script(session):
            session.begin()
            session.prepare(target, "n" * 300)
            assert session.mount() == 0
            support.detach(target)  # the caller's umount(8) may do it
            session.goodbye(0)
        self.service(script)
        outcome = self.helper(["demo", target, "-t", "fuse.demo", "-o", "x-a=1"], ALICE)
        self.ended(outcome)
        self.clean()
        entry = [line.replace("n" * 300, "nnn...") for line in utab() or [] if target in line]
        mounted = mount_at(target) is not None
        self.saw(f"mounted {mounted}, entry {entry}")
        support.detach(target)
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/run/mount/utab")
        # Since the mend nothing is attached before the goodbye, so there is nothing to unmount.
        self.expect((outcome.status == 0) == mounted == bool(entry),
                    "exit 0 or an entry, and nothing is mounted")


class Removal(Attempts):
    """Entries of others."""

    @finding(3)
    def test_03_a_late_recorder_removes_no_entry_of_others(self):
        """attempt: hold utab's lock until the recorder is given up, for a mount point whose mount
        of root's has an entry, then let go; expected: root's entry stays"""
        place = self.target(ALICE)
        support.system("mount", "-t", "tmpfs", "-o", f"uid={ALICE.uid},x-root=keep,_netdev", "data",
                       place)
        self.addCleanup(support.detach, place)
        self.before |= {mount_at(place).number}
        self.saw("utab had:", utab())
        self.expect("x-root" in support.utab_text(), "no entry to begin with")
        self.records = utab()
        self.service(wire.mounting(place, owner=ALICE.uid, group=ALICE.gid))
        gate = threading.Event()

        def hold():
            lock = os.open("/run/mount/utab.lock", os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_SH)
            time.sleep(float(2.3))
        holder = as_caller(ALICE, hold, wait=False)
        time.sleep(0.3)
        outcome = self.helper(["demo", place, "-t", "fuse.demo", "-o", "x-mine", "--timeout", "1"],
                              ALICE, timeout=40)
        os.waitpid(holder, 0)
        self.ended(outcome)
        self.clean()
        self.saw("utab has:", utab())
        self.expect("x-root=keep" in support.utab_text(), "root's entry was removed by a user")
