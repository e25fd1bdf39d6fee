# SPDX-License-Identifier: LGPL-2.1-or-later
"""Loop devices that a server asks for (the request flag LOOP)."""

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import struct
import subprocess
import threading
import time

import fuse_service as wire
import loops
from loops import (AUTOCLEAR, BLKROGET, BLKROSET, DIRECT_IO, LOOP_CLR_FD, READ_ONLY, devices_of,
                   set_flags, status_of)
from support import (ALICE, BOB, GRACE, ROOT, STALL, callers, detach, eventually, helper_processes,
                     mounts, parametrized, stage, system, waiters_for_a_lock)
from test_files import BLKBSZGET, Asking, loop_device

SIZE = 1 << 20
CHARGES = "/run/fuservicemount3"


def as_nobody(attempt):
    """The error with which a server without any right fails; 0 when it does not."""
    child = os.fork()
    if child == 0:
        status = 0
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            attempt()
        except OSError as error:
            status = error.errno
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def attach(path):
    """Attaches a file as the administrator does; the device."""
    return system("losetup", "--find", "--show", path).strip()


def is_device(descriptor):
    """Whether the server got a block device."""
    return stat.S_ISBLK(os.fstat(descriptor).st_mode)


def kind_of(answer):
    """What a file reply brought: `device`, `file`, or the error's name."""
    error, descriptor = answer
    if error:
        return errno.errorcode[error]
    return "device" if is_device(descriptor) else "file"


class LoopTest(Asking):
    """A server that asks for loop devices, on a machine that has them."""

    def setUp(self):
        super().setUp()
        if loops.MISSING:
            self.skipTest(loops.MISSING)
        self.addCleanup(shutil.rmtree, CHARGES, True)

    def image(self, caller, size=SIZE, content=b"content", **more):
        """A new image."""
        return self.file(caller, content.ljust(size, b"\0")[:size], **more)

    def cover(self, source, place, *how):
        """Mounts something over a place until the end of the test."""
        system("mount", *(how or ["--bind"]), source, place)
        self.addCleanup(detach, place)
        self.before |= {mount.number for mount in mounts()}

    def assert_detached(self, path):
        """Nothing is attached to the file any more."""
        self.assertTrue(eventually(lambda: not devices_of(path)), f"left: {devices_of(path)}")

    def kinds(self, caller, requests, **running):
        """Asks for files; what each answer brought."""
        return self.ask(caller, [lambda session, request=request: kind_of(request(session))
                                 for request in requests], **running)


def loop_open(path, flags=os.O_RDWR):
    """OPEN with LOOP."""
    return lambda session: session.open(path, flags, request_flags=wire.LOOP)


def loop_bdev(path, flags=os.O_RDWR, size=0):
    """BDEV with LOOP."""
    return lambda session: session.open_block_device(path, size, flags, wire.LOOP)


class Attached(LoopTest):
    """What a server gets."""

    @callers()
    @parametrized(request=[("open", loop_open), ("bdev", loop_bdev)])
    def test_a_regular_file_becomes_a_loop_device_that_ends_with_the_server(self, caller, request):
        image = self.image(caller)

        def look(session):
            error, descriptor = request(image)(session)
            self.assertEqual(error, 0, os.strerror(error))
            os.pwrite(descriptor, b"written", 4096)
            os.fsync(descriptor)
            status = status_of(descriptor)
            return (is_device(descriptor), os.pread(descriptor, 7, 0), status.flags,
                    status.inode == os.stat(image).st_ino, len(devices_of(image)),
                    fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_NONBLOCK)
        device, content, flags, is_ours, count, nonblocking = self.ask(
            caller, [look], source=image)[0]
        self.assertEqual((device, content, is_ours, count, nonblocking),
                         (True, b"content", True, 1, 0))
        self.assertEqual(flags & ~DIRECT_IO, AUTOCLEAR)
        with open(image, "rb") as file:
            self.assertEqual(file.read()[4096:4103], b"written")
        self.assert_detached(image)

    @callers()
    def test_under_ro_the_device_is_read_only_and_stays_so(self, caller):
        image = self.image(caller, mode=0o666)

        def look(session):
            self.assertEqual(kind_of(loop_open(image)(session)), "EACCES")
            error, descriptor = loop_open(image, os.O_RDONLY)(session)
            self.assertEqual(error, 0, os.strerror(error))
            self.assertEqual(status_of(descriptor).flags & READ_ONLY, READ_ONLY)
            self.assertEqual(fcntl.ioctl(descriptor, BLKROGET, bytes(4)), struct.pack("i", 1))
            return [as_nobody(attempt) for attempt in (
                lambda: os.write(descriptor, b"x"),
                lambda: set_flags(descriptor, AUTOCLEAR),
                lambda: set_flags(descriptor, 0),
                lambda: fcntl.ioctl(descriptor, BLKROSET, struct.pack("i", 0)),
                lambda: os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR))]
        found = self.ask(caller, [look], source=image, options="ro")[0]
        self.assertEqual(found, [errno.EBADF, errno.EPERM, errno.EPERM, errno.EACCES, errno.EACCES])
        with open(image, "rb") as file:
            self.assertEqual(file.read(7), b"content")
        self.assert_detached(image)

    @callers()
    @parametrized(size=[512, 1024, 4096])
    @parametrized(flags=[("ro", os.O_RDONLY), ("rw", os.O_RDWR), ("excl", os.O_RDWR | os.O_EXCL)])
    def test_bdev_sets_the_block_size_of_the_device(self, caller, size, flags):
        image = self.image(caller)

        def look(session):
            error, descriptor = loop_bdev(image, flags, size)(session)
            self.assertEqual(error, 0, os.strerror(error))
            return struct.unpack("i", fcntl.ioctl(descriptor, BLKBSZGET, bytes(8))[:4])[0]
        self.assertEqual(self.ask(caller, [look], source=image), [size])
        self.assert_detached(image)

    def test_an_exclusive_device_is_claimed(self):
        image = self.image(ALICE)

        def look(session):
            error, descriptor = loop_open(image, os.O_RDWR | os.O_EXCL)(session)
            self.assertEqual(error, 0, os.strerror(error))
            with self.assertRaises(OSError) as caught:
                os.open("/dev/" + devices_of(image)[0], os.O_RDWR | os.O_EXCL)
            return caught.exception.errno
        self.assertEqual(self.ask(ALICE, [look], source=image), [errno.EBUSY])

    @callers()
    def test_a_block_device_is_passed_as_it_is(self, caller):
        with loop_device(caller) as node:
            found = self.ask(caller, [
                lambda session, request=request: status_of(request(node)(session)[1]).number
                for request in (loop_open, loop_bdev)], source=node)
            number = os.minor(os.stat(node).st_rdev)
            self.assertEqual(found, [number, number])

    @callers()
    def test_a_mount_served_from_a_loop_device_keeps_it_until_it_ends(self, caller):
        image = self.image(caller)
        answers = []
        service, target, _ = self.mount(
            caller, source=image,
            before=lambda session: answers.append(kind_of(loop_open(image)(session))))
        self.assertEqual(answers, ["device"])
        self.assertEqual(len(devices_of(image)), 1)
        self.unmount(target)
        service.close()
        for session in service.sessions:
            session.close()
        self.assert_detached(image)


class Refused(LoopTest):
    """Where there is no loop device, OPEN has the plain file and BDEV an error."""

    def both(self, image):
        """OPEN and BDEV, for reading and for writing."""
        return [request(image, flags) for request in (loop_open, loop_bdev)
                for flags in (os.O_RDONLY, os.O_RDWR)]

    @callers()
    @parametrized(size=[0, 1, 511])
    def test_a_file_without_a_block_has_none(self, caller, size):
        image = self.image(caller, size)
        self.assertEqual(self.kinds(caller, self.both(image), source=image),
                         ["file", "file", "EINVAL", "EINVAL"])
        self.assertEqual(devices_of(image), [])

    @callers()
    def test_the_last_part_of_a_block_is_left_out(self, caller):
        image = self.image(caller, 1025)

        def look(session):
            return os.lseek(loop_open(image)(session)[1], 0, os.SEEK_END)
        self.assertEqual(self.ask(caller, [look], source=image), [1024])

    @callers()
    @parametrized(flags=[("append", os.O_RDWR | os.O_APPEND), ("truncate", os.O_RDWR | os.O_TRUNC),
                         ("write_only", os.O_WRONLY)])
    def test_what_no_device_can_do_is_done_by_the_plain_file(self, caller, flags):
        image = self.image(caller)
        self.assertEqual(
            self.kinds(caller, [loop_bdev(image, flags), loop_open(image, flags)], source=image),
            ["ENOTBLK", "file"])
        self.assertEqual(devices_of(image), [])

    @callers()
    def test_a_new_file_is_created_and_passed_as_it_is(self, caller):
        image = self.directory(caller) + "/new"
        answer = self.ask(caller, [lambda session: kind_of(session.open(
            image, os.O_RDWR | os.O_CREAT, 0o600, wire.LOOP))], source=image)
        self.assertEqual(answer, ["file"])
        self.assertEqual(os.stat(image).st_size, 0)

    @callers()
    @parametrized(name=["/etc/shadow", "../image", "image/"])
    def test_a_file_that_nobody_named_has_none(self, caller, name):
        image = self.image(caller)
        self.assertEqual(
            self.kinds(caller, [loop_open(name), loop_bdev(name)], source=image), ["EACCES"] * 2)

    def test_a_file_that_the_user_may_only_read_has_none_to_write_to(self):
        image = self.image(ROOT, mode=0o644)
        self.assertEqual(
            self.kinds(ALICE, [loop_open(image), loop_bdev(image),
                               loop_open(image, os.O_RDONLY)], source=image),
            ["EACCES", "EACCES", "device"])

    @callers()
    def test_a_file_on_a_fuse_mount_has_none(self, caller):
        place, _ = self.below(caller, {"image": bytes(SIZE)}, options="allow_other")
        image = place + "/image"
        self.assertEqual(
            self.kinds(caller, [loop_open(image, os.O_RDONLY), loop_bdev(image, os.O_RDONLY)],
                       source=image), ["file", errno.errorcode[errno.EOPNOTSUPP]])

    @callers()
    @parametrized(place=["/dev/null", "/etc/passwd", "/dev/fuse"])
    def test_what_stands_in_the_place_of_the_control_device_is_not_used(self, caller, place):
        image = self.image(caller)
        self.cover(place, "/dev/loop-control")
        open_kind, device_kind = self.kinds(caller, [loop_open(image), loop_bdev(image)],
                                            source=image)
        self.assertEqual(open_kind, "file")
        self.assertNotIn(device_kind, ("file", "device"))
        self.assertEqual(devices_of(image), [])

    @callers()
    def test_a_node_that_is_not_roots_is_not_used(self, caller):
        image = self.image(caller)
        nodes = [name for name in os.listdir("/dev") if name.startswith("loop")
                 and name != "loop-control"]
        for name in nodes:
            node = os.path.join(stage.private, "devices", name)
            os.mknod(node, 0o666 | stat.S_IFBLK, os.stat("/dev/" + name).st_rdev)
            # Its mode lets everybody open it: only its owner is wrong.
            os.chmod(node, 0o666)
            os.chown(node, BOB.uid, BOB.gid)
            self.addCleanup(os.unlink, node)
            self.cover(node, "/dev/" + name)
        self.assertEqual(self.kinds(caller, [loop_open(image), loop_bdev(image)], source=image),
                         ["file", "EACCES"])
        self.assertEqual(devices_of(image), [])


class Busy(LoopTest):
    """A file is attached once: two devices would not see each other's changes."""

    @callers()
    @parametrized(link=["itself", "hard_link", "symbolic_link", "bind_mount"])
    def test_a_file_that_the_administrator_has_attached_is_busy(self, caller, link):
        image = self.image(caller)
        device = attach(image)
        self.addCleanup(lambda: subprocess.run(["losetup", "-d", device], check=False))
        name = image
        if link == "bind_mount":
            name = self.file(caller)
            self.cover(image, name)
        elif link != "itself":
            name = image + "2"
            (os.link if link == "hard_link" else os.symlink)(image, name)
        self.assertEqual(self.kinds(caller, [loop_open(name), loop_bdev(name)], source=name),
                         ["EBUSY", "EBUSY"])
        self.assertEqual(devices_of(image), [os.path.basename(device)])

    @callers()
    def test_a_server_gets_one_device_for_a_file_and_the_caller_hears_once_of_more(self, caller):
        image = self.image(caller)

        def script(session):
            session.begin()
            kinds = [kind_of(loop_open(image)(session)) for _ in range(50)]
            kinds.append(len(devices_of(image)))
            session.goodbye(1)
            return kinds
        outcome, kinds = self.converse(script, caller, source=image)
        self.assertEqual(kinds, ["device"] + ["EBUSY"] * 49 + [1])
        self.assertEqual(outcome.err.count("attached to a loop device already"), 1, outcome.err)
        self.assert_detached(image)

    @callers()
    def test_it_is_free_again_when_the_first_device_is_gone(self, caller):
        image = self.image(caller)

        def look(session):
            first = loop_open(image)(session)
            os.close(first[1])
            session.received.remove(first[1])
            return kind_of(loop_open(image)(session))
        self.assertEqual(self.ask(caller, [look], source=image), ["device"])

    def test_a_file_that_is_attached_after_the_first_look_is_busy(self):
        image = self.image(ALICE)
        os.mkdir(CHARGES, 0o700)

        def script(session):
            session.begin()
            kind = kind_of(loop_open(image)(session))
            session.goodbye(1)
            return kind
        with self.service(script) as service, \
                open(f"{CHARGES}/loop.{ALICE.uid}", "wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            running = self.start_helper(self.words(image, self.target(ALICE)), ALICE)
            self.assertTrue(eventually(waiters_for_a_lock, 5), "nobody waits for the list")
            device = attach(image)
            self.addCleanup(lambda: subprocess.run(["losetup", "-d", device], check=False))
            fcntl.flock(held, fcntl.LOCK_UN)
            self.assertEqual(running.finish().status, 1)
            self.assertEqual(service.result(), "EBUSY")
        self.assertEqual(devices_of(image), [os.path.basename(device)])

    def test_two_that_start_at_once_never_have_two_devices(self):
        image = self.image(ALICE, mode=0o666)
        together = threading.Barrier(4, timeout=15)

        def script(session):
            session.begin()
            together.wait()
            kind = kind_of(loop_open(image)(session))
            together.wait()
            count = len(devices_of(image))
            assert count <= 1, f"{count} devices"
            together.wait()
            session.goodbye(1)
            return kind
        with self.service(script) as service:
            for _ in range(10):
                running = [self.start_helper(self.words(image, self.target(caller)), caller)
                           for caller in (ALICE, BOB, ROOT, ALICE)]
                for one in running:
                    self.assertEqual(one.finish().status, 1)
                self.assertTrue(eventually(lambda: len(service.results) % 4 == 0))
            kinds = list(service.results)
        # Of those that ask in one moment all may be refused.
        self.assertLessEqual(set(kinds), {"device", "EBUSY"})
        self.assert_detached(image)


class Bound(LoopTest):
    """How many devices a user may have."""

    def many(self, caller, number, **running):
        """Asks for that many devices at once, of different files; what came."""
        directory = self.directory(caller)
        images = [self.image(caller, directory=directory, name=f"image{index}")
                  for index in range(number)]
        kinds = self.kinds(caller, [request(image) for image in images
                                    for request in (loop_open,)],
                           source=images[0], more=images[1:], **running)
        for image in images:
            self.assert_detached(image)
        return kinds

    @parametrized(case=[
        ("default", (None, 8)), ("2", ("loop_max = 2\n", 2)), ("0", ("loop_max = 0\n", 0)),
        ("unlimited", ("loop_max = -1\n", 10)), ("hexadecimal", ("loop_max=0x3 # three\n", 3)),
        ("last_counts", ("loop_max = 1\nloop_max = 4\n", 4)),
        ("invalid", ("loop_max = -2\n", 8)), ("text", ("loop_max = many\n", 8))])
    def test_a_user_has_no_more_than_the_administrator_says(self, case):
        content, number = case
        if content is not None:
            self.own_conf(content)
        self.assertEqual(self.many(ALICE, 10),
                         ["device"] * number + ["file"] * (10 - number))

    def test_root_is_not_bounded(self):
        self.own_conf("loop_max = 1\n")
        self.assertEqual(self.many(ROOT, 10), ["device"] * 10)

    def test_bdev_beyond_the_bound_is_eusers_and_says_what_to_do(self):
        self.own_conf("loop_max = 1\n")
        first, second = self.image(ALICE), self.image(ALICE)

        def script(session):
            session.begin()
            kinds = [kind_of(loop_bdev(image)(session)) for image in (first, second)]
            session.goodbye(1)
            return kinds
        outcome, kinds = self.converse(script, ALICE, source=first, more=[second])
        self.assertEqual(kinds, ["device", "EUSERS"])
        self.assertIn("loop_max in /etc/fuservicemount3.conf", outcome.err)

    def test_another_users_devices_do_not_count(self):
        self.own_conf("loop_max = 1\n")
        image, other = self.image(ALICE), self.image(BOB)

        def script(session):
            session.begin()
            kind = kind_of(loop_open(session.arguments[1])(session))
            together.wait(10)
            session.goodbye(1)
            return kind
        together = threading.Barrier(2)
        with self.service(script) as service:
            running = [self.start_helper(self.words(path, self.target(caller)), caller)
                       for caller, path in ((ALICE, image), (BOB, other))]
            for one in running:
                self.assertEqual(one.finish().status, 1)
            self.assertEqual([service.result(), service.result()], ["device"] * 2)

    @parametrized(case=[("writable", (0o666, 0)), ("anothers", (0o644, ALICE.uid))])
    def test_a_file_that_others_may_write_is_not_followed(self, case):
        mode, owner = case
        self.own_conf("loop_max = 9\n", mode, owner)
        self.assertEqual(self.many(ALICE, 10), ["device"] * 8 + ["file"] * 2)

    def test_a_file_that_the_caller_may_not_read_permits_none(self):
        self.own_conf("loop_max = 9\n", 0o600)
        self.assertEqual(self.many(ALICE, 2), ["file"] * 2)

    def test_what_a_server_left_counts_until_the_next_one_takes_it_away(self):
        self.own_conf("loop_max = 1\n")
        image, other = self.image(ALICE), self.image(ALICE)

        def leave(session):
            error, descriptor = loop_open(image)(session)
            set_flags(descriptor, 0)
            return error or status_of(descriptor).flags & AUTOCLEAR
        self.assertEqual(self.ask(ALICE, [leave], source=image), [0])
        self.assertEqual(len(devices_of(image)), 1, "the kernel took it away by itself")
        self.assertEqual(self.kinds(ALICE, [loop_open(other)], source=other), ["device"])
        self.assert_detached(image)
        self.assert_detached(other)

    def test_a_device_that_a_server_attached_anew_stays_charged(self):
        self.own_conf("loop_max = 1\n")
        image, other = self.image(ALICE), self.image(ALICE)
        mine = self.image(ROOT)
        devices = []

        def leave(session):
            error, descriptor = loop_open(image)(session)
            self.assertEqual(error, 0)
            number = status_of(descriptor).number
            devices.append(number)
            fcntl.ioctl(descriptor, LOOP_CLR_FD, 0)
            session.close_received()
            # Others may be quicker than this; a server cannot choose.
            self.assertTrue(eventually(lambda: not os.path.isdir(f"/sys/block/loop{number}/loop")))
            system("losetup", f"/dev/loop{number}", mine)
        self.ask(ALICE, [leave], source=image)
        self.addCleanup(lambda: subprocess.run(
            ["losetup", "-d", f"/dev/loop{devices[0]}"], check=False))
        self.assertEqual(self.kinds(ALICE, [loop_open(other), loop_bdev(other)], source=other),
                         ["file", "EUSERS"])
        self.assertEqual(len(devices_of(mine)), 1, "a device of somebody else's was taken away")

    def test_nobody_but_root_sees_or_holds_the_list(self):
        self.assertEqual(self.kinds(ALICE, [loop_open(image := self.image(ALICE))], source=image),
                         ["device"])
        self.assertEqual(stat.S_IMODE(os.stat(CHARGES).st_mode), 0o700)
        path = f"{CHARGES}/loop.{ALICE.uid}"
        found = os.stat(path)
        self.assertEqual((stat.S_IMODE(found.st_mode), found.st_uid), (0o600, 0))
        self.assertEqual(self.run_as(ALICE, "cat", path).status, 1)

    @parametrized(content=[b"", b"\n\n", b"x y\n", b"5\n", b"99999999 1\n", b"\xff" * 100,
                           b"0 1\n" * 1000, b"4294967296 0\n"])
    def test_a_list_that_is_damaged_refuses_nothing(self, content):
        os.mkdir(CHARGES, 0o700)
        with open(f"{CHARGES}/loop.{ALICE.uid}", "wb") as file:
            file.write(content)
        image = self.image(ALICE)
        self.assertEqual(self.kinds(ALICE, [loop_open(image)], source=image), ["device"])

    @parametrized(case=["read_only", "a_file"])
    def test_without_a_place_for_the_list_there_is_none(self, case):
        image = self.image(ALICE)
        if case == "a_file":
            with open(CHARGES, "wb"):
                pass
            self.addCleanup(os.unlink, CHARGES)
        else:
            os.mkdir(CHARGES, 0o700)
            self.cover("tmpfs", CHARGES, "-t", "tmpfs", "-o", "ro")
        kinds = self.kinds(ALICE, [loop_open(image), loop_bdev(image)], source=image)
        self.assertEqual(kinds, ["file", {"read_only": "EROFS", "a_file": "ENOTDIR"}[case]])
        self.assertEqual(devices_of(image), [])


class Held(LoopTest):
    """Nobody keeps the helper waiting, and the helper nobody else."""

    def silent_device(self):
        """A device with a file behind it that never answers; the file's server, and the device."""
        place, server = self.below(ROOT, {"image": bytes(SIZE)}, options="allow_other")
        server.valid = 0
        device = attach(place + "/image")
        self.addCleanup(lambda: subprocess.run(["losetup", "-d", device], check=False))
        self.addCleanup(server.answer_at_last)
        server.silent = None
        return server, device

    def test_a_device_whose_file_does_not_answer_costs_the_device_and_not_the_mount(self):
        server, _ = self.silent_device()
        image = self.image(ALICE)
        begun = time.monotonic()
        kinds = self.kinds(ALICE, [loop_open(image), loop_bdev(image)], source=image,
                           more=["--timeout", str(STALL)], timeout=STALL * 4 + 8)
        self.assertEqual(kinds, ["file", "ETIMEDOUT"])
        self.assertGreater(time.monotonic() - begun, 2 * STALL - 0.5)
        server.answer_at_last()
        self.assertTrue(eventually(lambda: not helper_processes(), GRACE))
        self.assertEqual(self.kinds(ALICE, [loop_open(image)], source=image), ["device"])

    def test_the_caller_can_stop_nothing_that_has_a_device_open(self):
        server, device = self.silent_device()
        image = self.image(ALICE)
        found = []

        def script(session):
            session.begin()
            return kind_of(loop_open(image)(session)), session.goodbye(1)
        with self.service(script):
            running = self.start_helper(
                self.words(image, self.target(ALICE), None, "--timeout", str(STALL)), ALICE)

            def looking():
                found[:] = [process for process in helper_processes() if self.has_open(
                    process, device)]
                return found
            self.assertTrue(eventually(looking, 5), "nobody looks at the device")
            for process in found:
                self.assertNotEqual(self.run_as(ALICE, "kill", "-STOP", str(process)).status, 0)
            server.answer_at_last()
            self.assertEqual(running.finish().status, 1)

    def has_open(self, process, path):
        """Whether a process has a file open."""
        with contextlib.suppress(OSError):
            return any(os.readlink(f"/proc/{process}/fd/{number}") == path
                       for number in os.listdir(f"/proc/{process}/fd"))
        return False


class OldKernels(Asking):
    """Before Linux 6.11 a server could keep its device for what others attach to it."""

    @callers()
    def test_a_kernel_before_6_11_makes_none(self, caller):
        image = self.file(caller, bytes(SIZE))
        target = self.target(caller)

        def script(session):
            session.begin()
            kinds = [kind_of(request(image)(session)) for request in (loop_open, loop_bdev)]
            session.goodbye(1)
            return kinds
        with self.service(script) as service:
            # personality(2): the kernel says that it is 2.6.
            outcome = self.run_as(caller, "setarch", "--uname-2.6", stage.helper,
                                  *self.words(image, target))
            self.assert_refused(outcome)
            self.assertEqual(service.result(), ["file", "ENOSYS"])
        self.assertIn("no loop device before Linux 6.11", outcome.err)
        self.assertEqual(devices_of(image), [])
