# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the helper promises, on kernels that lack what it would rather use.

The kernels are played by seccomp_errno.py; Tests/vm/run has a real one.
"""

import os

import fuse_service as wire
from support import (ALICE, OLD_KERNELS, ROOT, HelperTest, callers, detach, mount_at, mounts,
                     parametrized, system, utab_text)


class OldKernels(HelperTest):
    """Each promise for which a newer kernel has a shorter way."""

    @callers()
    @parametrized(kernel=OLD_KERNELS)
    def test_a_mount_is_nosuid_nodev_and_what_the_caller_asked_for(self, caller, kernel):
        _, target, mount = self.mount(caller, failing=kernel, flags=0, table="x-foo=bar",
                                      options="ro,noexec,nosymfollow")
        self.assertTrue(
            {"ro", "nosuid", "nodev", "noexec", "nosymfollow"} <= mount.attributes, mount)
        self.assertIn("ro", mount.superblock)
        self.assertIn("x-foo=bar", utab_text())
        self.unmount(target, caller)

    @callers()
    @parametrized(kernel=OLD_KERNELS)
    def test_a_named_file_cannot_be_written_under_ro(self, caller, kernel):
        image = self.file(caller, b"keep", 0o666)

        def script(session):
            session.begin()
            error, descriptor = session.open(image)
            session.goodbye(1)
            if error:
                return error
            try:
                os.close(os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR))
            except OSError as problem:
                return os.pread(descriptor, 9, 0), os.strerror(problem.errno)
            return "was opened for writing"
        outcome, seen = self.converse(script, caller, source=image, options="ro", failing=kernel)
        self.assertEqual(seen, (b"keep", "Read-only file system"))
        self.assert_refused(outcome)

    @parametrized(kernel=OLD_KERNELS)
    def test_mount_max_holds(self, kernel):
        self.fuse_conf("mount_max = 1\n")
        _, first, _ = self.mount(ALICE, failing=kernel)
        self.type = "other"
        target = self.target(ALICE)
        with self.service(wire.mounting(target)):
            outcome = self.helper(self.words("demo", target), ALICE, failing=kernel)
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assertIn("mount_max", outcome.err)
        self.assertIsNone(mount_at(target))
        self.unmount(first, ALICE)

    @callers()
    @parametrized(kernel=OLD_KERNELS)
    def test_what_was_mounted_on_the_mount_point_meanwhile_is_not_covered(self, caller, kernel):
        target = self.target(caller)

        def stack(_):
            system("mount", "-t", "tmpfs", "-o", "mode=755", "stacked", target)
        with self.service(wire.mounting(target, before=stack)):
            outcome = self.helper(self.words("demo", target), caller, failing=kernel)
        found = [mount.source for mount in mounts() if mount.target == target]
        detach(target)
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assertEqual(found, ["stacked"])

    @callers()
    @parametrized(kernel=[("new", ()), *OLD_KERNELS])
    def test_a_mount_point_in_no_namespace_is_refused(self, caller, kernel):
        # A directory of a file system that was taken away while somebody was in it.
        place = self.target(ROOT)
        system("mount", "-t", "tmpfs", "-o", "mode=755", "gone", place)
        os.mkdir(place + "/mnt")
        os.chown(place + "/mnt", caller.uid, caller.gid)
        before = os.open(".", os.O_PATH)
        try:
            os.chdir(place)
            detach(place)
            with self.service(lambda session: session.wait_for_end()):
                outcome = self.helper(self.words("demo", "mnt"), caller, failing=kernel)
        finally:
            os.fchdir(before)
            os.close(before)
        self.assert_refused(outcome)
        self.assertIn("lies in no mount that this process can see", outcome.err)
