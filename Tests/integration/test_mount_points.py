# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where a user may mount, how often, and what other people's file systems can do about it."""

import errno
import os
import struct
import threading
import time

import fuse_service as wire
from support import (ALICE, BOB, ENGINES, GRACE, HERE, ONE_STEP, PYTHON, ROOT, STALL, HelperTest,
                     callers, detach, helper_processes, mount_at, mount_ids_are_unique, mounts, parametrized, stage,
                     system)
from test_files import loop_device


class Places(HelperTest):
    """Which directories and files may be mounted over."""

    def refuse(self, caller, target, **running):
        """A mount that must be refused, and a server that would have made it."""
        def script(session):
            try:
                session.begin()
                session.name()
                session.mount_point(target)
                session.mount()
                session.goodbye(0)
            except wire.SessionEnded:
                pass  # refused before the server was asked, which is just as well
        with self.service(script):
            outcome = self.helper(self.words("demo", target), caller, **running)
        self.assert_refused(outcome)
        self.assertLess(outcome.seconds, GRACE)
        return outcome

    @parametrized(engine=ENGINES)
    def test_a_user_does_not_mount_over_a_directory_that_is_not_his(self, engine):
        self.refuse(ALICE, self.target(ROOT), failing=engine)
        self.refuse(ALICE, self.target(BOB), failing=engine)
        self.refuse(ALICE, "/etc", failing=engine)

    def test_a_user_does_not_mount_over_a_file_that_is_not_his(self):
        self.refuse(ALICE, self.file(ROOT))
        self.refuse(ALICE, "/etc/passwd")

    @parametrized(kernel=[("faccessat2", ()), ("without", ("faccessat2=ENOSYS",)),
                          ("sandbox", ("faccessat2=EPERM",)),
                          ("emulation", ("faccessat2=EINVAL",))])
    def test_whether_a_user_may_write_is_known_on_every_kernel(self, kernel):
        target = self.target(ROOT)
        self.refuse(ALICE, target, failing=kernel)
        # An access control list permits what the mode seems to forbid.
        os.setxattr(target, "system.posix_acl_access", struct.pack(
            "<I" + 5 * "HHI", 2, 1, 7, 0xFFFFFFFF, 2, 7, ALICE.uid, 4, 5, 0xFFFFFFFF,
            16, 7, 0xFFFFFFFF, 32, 5, 0xFFFFFFFF))
        self.mount(ALICE, target=target, failing=kernel)
        self.unmount(target, ALICE)

    def test_a_user_does_not_mount_over_a_sticky_directory_that_is_not_his(self):
        target = self.target(ROOT)
        os.chmod(target, 0o1777)
        self.refuse(ALICE, target)
        self.refuse(ALICE, "/tmp")

    def test_a_user_mounts_over_his_own_sticky_directory(self):
        target = self.target(ALICE)
        os.chmod(target, 0o1777)
        self.mount(ALICE, target=target)
        self.unmount(target, ALICE)

    def test_a_user_mounts_over_a_directory_that_everybody_may_write(self):
        target = self.target(ROOT)
        os.chmod(target, 0o777)
        self.mount(ALICE, target=target)
        self.unmount(target, ALICE)

    @parametrized(target=["/proc", "/proc/self", "/proc/self/fd", "/proc/self/task", "/sys",
                          "/dev", "/dev/pts", "/dev/shm/../shm"])
    def test_a_user_does_not_mount_over_the_kernels_file_systems(self, target):
        self.refuse(ALICE, target)

    @parametrized(target=["/proc/self/comm", "/proc/self/environ", "/dev/null", "/dev/fuse"])
    def test_a_user_does_not_mount_over_the_kernels_files(self, target):
        self.refuse(ALICE, target)

    def test_a_user_does_not_mount_over_a_file_system_that_is_not_on_the_list(self):
        # A directory that the user may write, on a file system of its own: devpts with his uid.
        target = self.target(ALICE)
        system("mount", "-t", "devpts", "-o", f"newinstance,uid={ALICE.uid},mode=700",
               "devpts", target)
        self.addCleanup(detach, target)
        self.before = {mount.number for mount in mounts()}
        os.chown(target, ALICE.uid, ALICE.gid)
        self.refuse(ALICE, target)

    def test_a_user_does_not_mount_over_a_read_only_directory(self):
        target = self.target(ALICE)
        system("mount", "--bind", target, target)
        self.addCleanup(detach, target)
        system("mount", "-o", "remount,bind,ro", target)
        self.before = {mount.number for mount in mounts()}
        self.refuse(ALICE, target)

    @callers()
    def test_a_fifo_is_no_mount_point(self, caller):
        path = self.directory(caller) + "/fifo"
        os.mkfifo(path)
        os.chown(path, caller.uid, caller.gid)
        self.refuse(caller, path)

    @callers()
    def test_a_missing_mount_point_is_told_in_one_line(self, caller):
        target = self.directory(caller) + "/missing"
        outcome = self.refuse(caller, target)
        self.assert_one_line(outcome)
        self.assertIn(target, outcome.err)

    @parametrized(path=["private/there", "private/missing", "private/file", "private/there/deep"])
    def test_a_user_is_not_told_what_is_below_a_directory_that_he_may_not_search(self, path):
        parent = self.directory(ROOT)
        os.makedirs(parent + "/private/there/deep")
        self.file(ROOT, name="file", directory=parent + "/private")
        for part in ("/private/there/deep", "/private/there", "/private/file"):
            os.chown(parent + part, ALICE.uid, ALICE.gid)
        os.chmod(parent + "/private", 0o700)
        target = f"{parent}/{path}"
        outcome = self.refuse(ALICE, target)
        self.assert_one_line(outcome)
        self.assertEqual(outcome.err,
                         f"fuservicemount3: {target}: {os.strerror(errno.EACCES)}\n")

    @callers()
    def test_a_relative_mount_point_is_taken_from_where_the_caller_is(self, caller):
        directory = self.directory(caller)
        target = directory + "/mnt"
        os.mkdir(target)
        os.chown(target, caller.uid, caller.gid)
        for place, where in (("mnt", directory), (".", target)):
            with self.service(wire.mounting(place, owner=caller.uid)) as service:
                outcome = self.helper(self.words("demo", place), caller, cwd=where)
                self.assert_mounted(outcome, service)
                self.assertEqual(mount_at(target).type, "fuse.demo")
                self.unmount(target)

    @callers()
    @parametrized(engine=ENGINES)
    def test_a_mount_point_with_odd_bytes_in_its_name_works(self, caller, engine):
        target = self.directory(caller) + "/my photos\n\\ #\tcaf\xe9"
        os.mkdir(target)
        os.chown(target, caller.uid, caller.gid)
        _, _, mount = self.mount(caller, target=target, failing=engine)
        self.assertEqual(mount.target, target)
        self.unmount(target)

    @callers()
    def test_a_mount_point_in_a_private_directory_works(self, caller):
        directory = self.directory(caller)
        os.chmod(directory, 0o700)
        target = directory + "/mnt"
        os.mkdir(target, 0o700)
        os.chown(target, caller.uid, caller.gid)
        self.mount(caller, target=target)
        self.unmount(target, caller)

    @callers()
    @parametrized(engine=ENGINES)
    def test_a_mount_point_that_is_renamed_meanwhile_is_followed_or_refused(
            self, caller, engine):
        directory = self.directory(caller)
        target, moved = directory + "/mnt", directory + "/moved"
        os.mkdir(target)
        os.chown(target, caller.uid, caller.gid)

        # On the same mount, so that nothing but the pin keeps the new one away from it.
        other = self.target(ROOT)

        def rename(_):
            os.rename(target, moved)
            os.symlink(other, target)
        with self.service(wire.mounting(target, before=rename)):
            outcome = self.helper(self.words("demo", target), caller, failing=engine)
        self.assertIsNone(mount_at(other))
        if outcome.status == 0:
            self.assertEqual(mount_at(moved).type, "fuse.demo")
            detach(moved)
        else:
            self.assert_refused(outcome)

    @callers()
    @parametrized(engine=ENGINES)
    def test_a_mount_that_was_stacked_on_the_mount_point_meanwhile_stays_on_top(
            self, caller, engine):
        target = self.target(caller)

        def stack(_):
            system("mount", "-t", "tmpfs", "-o", "mode=755", "stacked", target)
        with self.service(wire.mounting(target, before=stack)):
            outcome = self.helper(self.words("demo", target), caller, failing=engine)
        found = [mount.source for mount in mounts() if mount.target == target]
        detach(target)
        detach(target)
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assertEqual(found, ["stacked"])


    @callers()
    def test_a_mount_in_one_step_that_is_covered_is_cut_off_and_what_covers_it_stays(self, caller):
        target = self.target(caller)

        def script(session):
            session.begin()
            session.prepare(target)
            assert session.mount() == 0
            session.serve(None, caller.uid, caller.gid)
            system("mount", "-t", "tmpfs", "-o", "mode=755", "stacked", target)
            session.goodbye(1)
            session.wait_for_end()
        with self.service(script):
            outcome = self.helper(self.words("demo", target), caller, failing=ONE_STEP)
        found = sorted(mount.source for mount in mounts() if mount.target == target)
        detach(target)
        seen = self.run_as(caller, "ls", target)
        detach(target)
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assertIn("another lies on it", outcome.err)
        self.assertEqual(found, ["demo", "stacked"])
        self.assertIn(os.strerror(errno.ENOTCONN), seen.err)

    @callers()
    @parametrized(engine=ENGINES)
    def test_what_is_stacked_on_a_finished_mount_is_no_concern_of_the_helper(
            self, caller, engine):
        _, target, _ = self.mount(caller, failing=engine)
        system("mount", "-t", "tmpfs", "-o", "mode=755", "stacked", target)
        self.assertEqual(mount_at(target).source, "stacked")
        detach(target)
        self.assertEqual(self.run_as(caller, "cat", target + "/hello").out, "hello, world\n")
        self.unmount(target)


class Maximum(HelperTest):
    """mount_max."""

    def test_none_at_all(self):
        self.fuse_conf("mount_max = 0\n")
        target = self.target(ALICE)

        def script(session):
            session.begin()
            session.prepare(target)
            reply = session.mount()
            session.goodbye(1 if reply else 0)
            return reply
        with self.service(script) as service:
            outcome = self.helper(self.words("demo", target), ALICE)
            service.result()
        self.assert_refused(outcome)
        self.assertIn("mount_max", outcome.err)

    def test_one_and_no_more(self):
        self.fuse_conf("mount_max = 1\n")
        _, first, _ = self.mount(ALICE)
        self.type = "other"
        target = self.target(ALICE)
        with self.service(wire.mounting(target)):
            outcome = self.helper(self.words("demo", target), ALICE)
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assertIsNone(mount_at(target))
        self.unmount(first, ALICE)

    @parametrized(missing=[
        ("nothing", ()), ("statmount", ("statmount=ENOSYS",)), ("listmount", ("listmount=ENOSYS",)),
        ("number", ("NS_MNT_GET_INFO=ENOTTY",)),
        ("number-listmount", ("NS_MNT_GET_INFO=ENOTTY", "listmount=ENOSYS")),
        ("sandbox", ("statmount=EPERM", "listmount=EPERM", "NS_MNT_GET_INFO=EPERM"))])
    def test_the_number_is_exact_whatever_the_kernel_tells_it_by(self, missing):
        # More mounts of other kinds than the limit, so that their number alone does not tell.
        self.assertGreater(len(mounts()), 3)
        self.fuse_conf("mount_max = 3\n")
        targets = []
        for number in range(3):
            self.type = f"t{number}"
            targets.append(self.mount(ALICE, failing=missing)[1])
        self.type = "more"
        target = self.target(ALICE)

        def script(session):
            session.begin()
            session.prepare(target)
            reply = session.mount()
            session.goodbye(1 if reply else 0)
            return reply
        service = self.service(script)
        outcome = self.helper(self.words("demo", target), ALICE, failing=missing)
        self.assertEqual(service.result(), errno.EUSERS)
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assertIsNone(mount_at(target))
        for target in targets:
            self.unmount(target, ALICE)

    def test_a_fuseblk_mount_does_not_count(self):
        self.fuse_conf("mount_max = 1\n")
        with loop_device(ROOT) as node:
            _, device, mount = self.mount(ROOT, source=node, name=node, kind=1)
            self.assertEqual(mount.type, "fuseblk.demo")
            self.type = "plain"
            _, target, _ = self.mount(ALICE)
            self.unmount(target, ALICE)
            self.unmount(device)

    def test_a_count_that_fails_costs_the_mount(self):
        # A kernel that counts no mounts, and a table of them that the helper may not read.
        target, secret = self.target(ALICE), self.file(ROOT, mode=0)

        def script(session):
            try:
                session.begin()
                session.prepare(target)
                session.open("not named")
                # The mounter counts, and it is the youngest of three.
                mounter = str(max(helper_processes()))
                system("nsenter", "--target", mounter, "--mount", "mount", "--bind", secret,
                       f"/proc/{mounter}/mountinfo")
                reply = session.mount()
                session.goodbye(1 if reply else 0)
                return reply
            except wire.SessionEnded:
                return None
        with self.service(script) as service:
            outcome = self.run_as(
                ROOT, "unshare", "--mount", "sh", "-c",
                'mount --bind "$0" /proc/$$/mountinfo && exec "$@"', secret,
                PYTHON, "-I", "-S", os.path.join(HERE, "seccomp_errno.py"),
                f"{ALICE.uid}:{ALICE.gid}", "listmount=ENOSYS", "NS_MNT_GET_INFO=ENOTTY", "--",
                stage.helper,
                *self.words("demo", target))
            self.assert_refused(outcome)
            if not mount_ids_are_unique():
                # Without the table such a kernel does not even tell where the mount point lies.
                self.assertIn("looking for the mount point's mount", outcome.err)
                return
            self.assertEqual(service.result(), errno.EACCES)
        self.assertIn("counting the mounts", outcome.err)

    def test_root_is_not_counted(self):
        self.fuse_conf("mount_max = 0\n")
        _, target, _ = self.mount(ROOT)
        self.unmount(target)

    @parametrized(text=["mount_max = -1\n", "mount_max = 1000", "# mount_max = 0\n"])
    def test_no_limit_that_matters(self, text):
        self.fuse_conf(text)
        target = self.target(ALICE)
        with self.service(wire.mounting(target, owner=ALICE.uid)) as service:
            outcome = self.helper(self.words("demo", target), ALICE)
            self.assertEqual(outcome.status, 0, outcome.err)
            self.unmount(target, ALICE)

    def test_parallel_starts_do_not_pass_together(self):
        self.fuse_conf("mount_max = 2\n")
        targets = [self.target(ALICE) for _ in range(6)]
        barrier = threading.Barrier(len(targets), timeout=10)

        def script(session):
            session.begin()
            target = os.fsdecode(session.arguments[2])
            session.prepare(target)
            reply = session.mount()
            try:
                barrier.wait()
            except threading.BrokenBarrierError:
                pass
            session.goodbye(1 if reply else 0)
            session.serve()
        with self.service(script):
            helpers = [self.start_helper(self.words("demo", target), ALICE)
                       for target in targets]
            outcomes = [helper.finish() for helper in helpers]
            mounted = [target for target in targets if mount_at(target)]
            for target in mounted:
                detach(target)
        self.assertLessEqual(len(mounted), 2)
        self.assertEqual(len(mounted), sum(outcome.status == 0 for outcome in outcomes))
        self.assertEqual({outcome.status for outcome in outcomes} - {0, 1}, set())


class OtherFileSystems(HelperTest):
    """Sources and mount points on FUSE mounts, friendly and hostile."""

    def test_a_source_on_the_callers_own_fuse_mount_works(self):
        place, server = self.below(ALICE, {"image": b"inside"})

        def look(session):
            error, descriptor = session.open(place + "/image", os.O_RDWR)
            return error or os.pread(descriptor, 100, 0)
        service, target, _ = self.mount(ALICE, source=place + "/image", before=look)
        self.assertEqual(service.result(), b"inside")
        self.unmount(target, ALICE)
        self.assertIn(wire.F_OPEN, server.seen)

    @parametrized(engine=ENGINES)
    def test_a_mount_point_on_the_callers_own_fuse_mount_works(self, engine):
        place, _ = self.below(ALICE, {"mnt": {}, "file": b""})
        _, target, _ = self.mount(ALICE, target=place + "/mnt", failing=engine)
        self.assertEqual(self.run_as(ALICE, "cat", target + "/hello").out, "hello, world\n")
        # Neither umount(8) nor fusermount3 may pass through the lower mount, as they look the
        # path up with an id that is not the user's; so it goes with the lower one, at the end.

    def test_root_is_refused_on_a_users_fuse_mount_in_time(self):
        place, _ = self.below(ALICE, {"image": b"inside"})

        def script(session):
            session.begin()
            reply = session.open(place + "/image")[0]
            session.goodbye(1)
            return reply
        with self.service(script):
            outcome = self.helper(self.words(place + "/image", self.target(ROOT)), ROOT)
        self.assert_refused(outcome)

    @callers()
    @parametrized(silent=[("all", None), ("open", (wire.F_OPEN,)), ("lookup", (wire.LOOKUP,)),
                          ("getattr", (wire.GETATTR,))])
    def test_a_source_on_a_hostile_fuse_mount_ends_in_time(self, caller, silent):
        place, _ = self.below(BOB, {"image": b"inside"}, silent, "allow_other")

        def script(session):
            session.begin()
            session.open(place + "/image", os.O_RDWR)
            session.goodbye(1)
        outcome = self.against_hostile(script, caller, place + "/image", self.target(caller))
        self.assertLess(outcome.seconds, STALL + GRACE)

    @callers()
    @parametrized(silent=[("all", None), ("lookup", (wire.LOOKUP,)),
                          ("access", (wire.ACCESS, wire.GETATTR))])
    def test_a_mount_point_on_a_hostile_fuse_mount_ends_in_time(self, caller, silent):
        place, _ = self.below(BOB, {"mnt": {}}, silent, "allow_other")

        def script(session):
            session.begin()
            session.prepare(place + "/mnt")
            session.mount()
            session.goodbye(1)
        self.against_hostile(script, caller, "demo", place + "/mnt")

    def test_an_options_file_on_a_hostile_fuse_mount_ends_in_time(self):
        place, _ = self.below(BOB, {"key": b"inside"}, None, "allow_other")

        def script(session):
            session.begin()
            session.open(place + "/key")
            session.goodbye(1)
        self.against_hostile(script, ALICE, "demo", self.target(ALICE), f"key={place}/key")

    def test_a_signal_ends_a_helper_that_a_hostile_fuse_mount_holds(self):
        place, server = self.below(BOB, {"image": b"inside"}, None, "allow_other")

        def script(session):
            try:
                session.begin()
                session.open(place + "/image")
            except wire.SessionEnded:
                pass
        with self.service(script):
            running = self.start_helper(self.words(place + "/image", self.target(ALICE)), ALICE)
            deadline = time.monotonic() + 5
            while wire.LOOKUP not in server.seen and wire.GETATTR not in server.seen \
                    and time.monotonic() < deadline:
                time.sleep(0.02)
            self.assertTrue(server.seen)
            running.process.terminate()
            outcome = running.finish(GRACE)
        self.assertEqual(outcome.status, 1, outcome.err)
        server.stop()

    def against_hostile(self, script, caller, source, target, options=None):
        """Runs the helper; it must end by itself, and its abandoned processes with the mount."""
        def play(session):
            try:
                script(session)
            except (wire.SessionEnded, AssertionError, TimeoutError):
                pass
        with self.service(play):
            outcome = self.helper(
                self.words(source, target, options, "--timeout", str(STALL)), caller,
                timeout=STALL + GRACE)
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assertEqual([mount for mount in mounts() if mount.number not in self.before], [])
        return outcome
