# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which files a server may have, how they are opened, and block devices."""

import contextlib
import errno
import fcntl
import os
import shutil
import socket
import stat
import struct
import time

import fuse_service as wire
from support import (ALICE, BOB, ENGINES, ROOT, STALL, HelperTest, callers, detach, eventually,
                     mount_at, parametrized, stage, system)

BLKBSZGET = 0x80081270
BLKBSZSET = 0x40081271
SIZES = [1, 3, 256, 511, 512, 513, 1000, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 65537, 131072,
         1 << 31, 0xFFFFFFFF]

# EMFILE in the words of the helper's C library.
NO_DESCRIPTOR = "No file descriptors available"


def set_block_size(node, size, flags=os.O_RDWR):
    """Sets a block size as root does without a helper; the error, or the size that is set then."""
    descriptor = os.open(node, flags)
    try:
        fcntl.ioctl(descriptor, BLKBSZSET, struct.pack("<Q", size))
        return 0, block_size(descriptor)
    except OSError as error:
        return error.errno, 0
    finally:
        os.close(descriptor)


def block_size(descriptor):
    """The block size of an open device."""
    return struct.unpack("i", fcntl.ioctl(descriptor, BLKBSZGET, bytes(8))[:4])[0]


def status_flags(descriptor):
    """The open file's flags."""
    return fcntl.fcntl(descriptor, fcntl.F_GETFL)


class Asking(HelperTest):
    """A server that asks for files and then gives up."""

    def ask(self, caller, requests, **running):
        """Asks for files; for each (error, descriptor copy or -1), closed after the test."""
        def script(session):
            session.begin()
            answers = [request(session) for request in requests]
            session.goodbye(1)
            return answers
        outcome, answers = self.converse(script, caller, **running)
        self.assert_refused(outcome)
        return answers

    def open_one(self, caller, path, flags=os.O_RDONLY, mode=0, request_flags=0, look=None,
                 **running):
        """Asks for one file; the error, or what `look` sees in the descriptor."""
        def request(session):
            error, descriptor = session.open(path, flags, mode, request_flags)
            return error if error or look is None else look(descriptor)
        return self.ask(caller, [request], **{"source": path, **running})[0]

    def assert_open_error(self, code, found):
        """Compares error numbers by name."""
        name = errno.errorcode.get(found, str(found)) if isinstance(found, int) else repr(found)
        self.assertEqual(name, errno.errorcode[code])


class NamedFiles(Asking):
    """What the caller named may be opened with the caller's rights, and nothing else."""

    @callers()
    @parametrized(flags=[("read", os.O_RDONLY), ("write", os.O_RDWR),
                         ("exclusive", os.O_RDWR | os.O_EXCL),
                         ("sync", os.O_RDWR | os.O_SYNC | os.O_EXCL)])
    def test_the_source_opens_as_asked(self, caller, flags):
        image = self.file(caller, b"content")

        def look(descriptor):
            return (os.pread(descriptor, 100, 0), status_flags(descriptor) & os.O_ACCMODE,
                    status_flags(descriptor) & os.O_NONBLOCK)
        self.assertEqual(self.open_one(caller, image, flags, look=look),
                         (b"content", flags & os.O_ACCMODE, 0))

    def test_more_files_than_root_can_hold_are_refused_before_the_service_hears_of_it(self):
        files = [self.file(ROOT) for _ in range(80)]
        target = self.target(ROOT)
        with self.service(lambda session: session.receive()) as service:
            outcome = self.run_as(
                ROOT, "prlimit", "--nofile=64:64", stage.helper, files[0], target, "-t",
                "fuse.demo", *files[1:])
            self.assert_refused(outcome)
            self.assert_one_line(outcome)
            self.assertIn("the named files: " + NO_DESCRIPTOR, outcome.err)
            self.assertEqual(service.sessions, [], "the service was contacted")

    @parametrized(number=[36, 44, 48, 52, 56, 58, 60])
    def test_root_gets_all_named_files_or_is_told_that_they_are_too_many(self, number):
        files = [self.file(ROOT) for _ in range(number)]

        def script(session):
            session.begin()
            errors = {session.open(path)[0] for path in files}
            session.goodbye(1)
            return errors
        target = self.target(ROOT)
        with self.service(script) as service:
            outcome = self.run_as(
                ROOT, "prlimit", "--nofile=64:64", stage.helper, files[0], target, "-t",
                "fuse.demo", *files[1:])
            self.assert_refused(outcome)
            if service.sessions:
                self.assertEqual(service.result(), {0}, outcome.err)
            else:
                self.assertIn("the named files: " + NO_DESCRIPTOR, outcome.err)

    @callers()
    def test_a_value_of_an_option_and_a_further_operand_are_named(self, caller):
        directory = self.directory(caller)
        key = self.file(caller, b"key", directory=directory, name="key")
        third = self.file(caller, b"third", directory=directory, name="third")
        source = self.file(caller, b"source", directory=directory)
        # The further operand comes behind the mount point.
        answers = self.ask(
            caller, [lambda session, path=path: session.open(path)[0]
                     for path in (key, third, source)],
            source=source, options=f"ro,key={key}", more=[third])
        self.assertEqual(answers, [0, 0, 0])

    @callers()
    def test_a_relative_name_is_opened_where_the_caller_is(self, caller):
        directory = self.directory(caller)
        self.file(caller, b"relative", directory=directory)
        target = self.target(caller)

        def script(session):
            session.begin()
            error, descriptor = session.open("image")
            session.goodbye(1)
            return error or os.pread(descriptor, 100, 0)
        with self.service(script) as service:
            outcome = self.helper(self.words("image", target), caller, cwd=directory)
            self.assertEqual(service.result(), b"relative")
        self.assert_refused(outcome)

    @callers()
    @parametrized(path=["/etc/shadow", "/etc/passwd", "/", "?", "argv", "fusedev", "/dev/fuse",
                        "/proc/self/mem", "/proc/self/environ", "/proc/self/exe", "ro"])
    def test_a_file_that_nobody_named_is_refused(self, caller, path):
        image = self.file(caller)
        self.assert_open_error(errno.EACCES, self.open_one(caller, path, source=image,
                                                           options="ro,x=y"))

    @callers()
    def test_another_spelling_of_a_named_file_is_refused(self, caller):
        directory = self.directory(caller)
        image = self.file(caller, directory=directory)
        self.file(caller, directory=directory, name="sibling")
        os.symlink(image, directory + "/link")
        spellings = [directory + "/./image", directory + "//image", directory + "/link",
                     directory + "/sibling", directory + "/image/", directory + "/image/.",
                     directory + "/../" + os.path.basename(directory) + "/image", directory,
                     image[:-1], image + "x"]
        answers = self.ask(
            caller, [lambda session, path=path: session.open(path)[0] for path in spellings],
            source=image)
        self.assertEqual(dict(zip(spellings, answers)), dict.fromkeys(spellings, errno.EACCES))

    @callers()
    def test_the_mount_point_is_no_named_file(self, caller):
        target = self.file(caller, name="target")
        self.assert_open_error(errno.EACCES, self.open_one(
            caller, target, source=self.file(caller), target=target))

    def test_nothing_is_created_or_cut_by_a_refused_request(self):
        directory = self.directory(ALICE)
        other = self.file(ALICE, b"keep", directory=directory, name="other")
        image = self.file(ALICE, directory=directory)
        new = directory + "/new"
        create = os.O_RDWR | os.O_CREAT | os.O_TRUNC
        answers = self.ask(ALICE, [
            lambda session: session.open(other, create, 0o600)[0],
            lambda session: session.open(new, create, 0o600)[0]], source=image)
        self.assertEqual(answers, [errno.EACCES] * 2)
        self.assertFalse(os.path.exists(new))
        with open(other, "rb") as file:
            self.assertEqual(file.read(), b"keep")

    def test_a_user_gets_no_file_that_is_not_his_to_read(self):
        secret = self.file(ROOT, b"secret", 0o600)
        self.assert_open_error(errno.EACCES, self.open_one(ALICE, secret))

    def test_a_user_gets_no_writable_file_that_is_not_his_to_write(self):
        public = self.file(ROOT, b"public", 0o644)
        self.assert_open_error(errno.EACCES, self.open_one(ALICE, public, os.O_RDWR))
        self.assertEqual(self.open_one(ALICE, public, look=lambda fd: os.pread(fd, 9, 0)),
                         b"public")

    def test_root_opens_a_users_private_image_in_a_private_directory(self):
        directory = self.directory(ALICE)
        image = self.file(ALICE, b"private", 0o600, directory=directory)
        os.chmod(directory, 0o700)
        self.assertEqual(
            self.open_one(ROOT, image, os.O_RDWR, look=lambda fd: os.pread(fd, 9, 0)), b"private")

    @callers()
    def test_a_named_file_that_is_missing_is_told_so(self, caller):
        path = self.directory(caller) + "/missing"
        self.assert_open_error(errno.ENOENT, self.open_one(caller, path))

    @parametrized(flags=[("read", os.O_RDONLY), ("create", os.O_RDWR | os.O_CREAT),
                         ("exclusive", os.O_RDWR | os.O_CREAT | os.O_EXCL)])
    def test_a_server_of_a_users_is_not_told_what_is_where_the_user_may_not_search(self, flags):
        directory = self.directory(ROOT)
        there = self.file(ALICE, directory=directory, name="there")
        os.mkdir(directory + "/folder")
        os.chmod(directory, 0o700)
        for path in (there, directory + "/missing", directory + "/folder"):
            self.assert_open_error(errno.EACCES, self.open_one(ALICE, path, flags, 0o600))
        self.assertEqual(sorted(os.listdir(directory)), ["folder", "there"])

    @callers()
    def test_a_symbolic_link_that_is_named_is_followed(self, caller):
        directory = self.directory(caller)
        self.file(caller, b"behind", directory=directory)
        os.symlink("image", directory + "/link")
        os.lchown(directory + "/link", caller.uid, caller.gid)
        self.assertEqual(
            self.open_one(caller, directory + "/link", look=lambda fd: os.pread(fd, 9, 0)),
            b"behind")

    def test_a_kernel_without_openat2_gets_no_file(self):
        image = self.file(ALICE)
        self.assertNotEqual(self.open_one(ALICE, image, failing=("openat2=ENOSYS",)), 0)

    @callers()
    def test_the_reply_repeats_a_path_that_is_no_text(self, caller):
        path = os.path.join(os.fsencode(self.directory(caller)), b"\xff\x1b[31m \n")
        with open(path, "wb"):
            os.chown(path, caller.uid, caller.gid)
        target = self.target(caller)

        def script(session):
            session.begin()
            error = session.open(path)[0]
            other = session.open(path + b"x")[0]
            session.goodbye(1)
            return error, other
        with self.service(script) as service:
            outcome = self.helper(self.words(path, target), caller)
            self.assertEqual(service.result(), (0, errno.EACCES))
        self.assertNotIn("\x1b", outcome.err)


class OrdinaryFiles(Asking):
    """Regular files and block devices; nothing that leads elsewhere."""

    @callers()
    @parametrized(path=["/proc/self/mem", "/proc/self/environ", "/proc/version",
                        "/proc/self/fd/0", "/proc/self/exe", "/proc/kallsyms", "/proc/self/root",
                        "/proc/self/ns/mnt", "/sys/kernel/notes", "/dev/null", "/dev/zero",
                        "/dev/fuse", "/dev/full", "/dev/tty"])
    @parametrized(flags=[("r", os.O_RDONLY), ("rw", os.O_RDWR)])
    def test_a_kernel_file_or_character_device_is_refused_even_when_named(
            self, caller, path, flags):
        found = self.open_one(caller, path, flags)
        self.assertIn(found, [errno.EACCES, errno.EINVAL, errno.ENOTBLK, errno.ELOOP,
                              errno.ENXIO, errno.EISDIR, errno.ENOENT, errno.EPERM],
                      "it was opened")

    @callers()
    @parametrized(path=["/proc/self/mem", "/proc/self/exe", "/proc/self/fd/0", "/dev/null"])
    def test_a_symbolic_link_to_such_a_file_is_refused(self, caller, path):
        link = self.directory(caller) + "/link"
        os.symlink(path, link)
        os.lchown(link, caller.uid, caller.gid)
        self.assertNotEqual(self.open_one(caller, link), 0)

    @callers()
    @parametrized(flags=[("r", os.O_RDONLY), ("directory", os.O_RDONLY | os.O_DIRECTORY)])
    def test_a_directory_is_refused(self, caller, flags):
        self.assertNotEqual(self.open_one(caller, self.directory(caller), flags), 0)

    @callers()
    @parametrized(flags=[("r", os.O_RDONLY), ("w", os.O_WRONLY), ("rw", os.O_RDWR)])
    def test_a_fifo_is_refused_without_waiting(self, caller, flags):
        path = self.directory(caller) + "/fifo"
        os.mkfifo(path)
        os.chown(path, caller.uid, caller.gid)
        self.assertNotEqual(self.open_one(caller, path, flags, timeout=STALL), 0)

    @callers()
    def test_a_socket_is_refused(self, caller):
        path = self.directory(caller) + "/socket"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            os.chown(path, caller.uid, caller.gid)
            self.assertNotEqual(self.open_one(caller, path), 0)

    @callers()
    @parametrized(flags=[
        ("PATH", os.O_PATH), ("TMPFILE", os.O_TMPFILE | os.O_RDWR),
        ("DIRECTORY", os.O_DIRECTORY), ("ASYNC", os.O_ASYNC), ("mode_3", 3),
        ("unknown", 1 << 30), ("all", 0xFFFFFFFF), ("fmode_exec", 0x20)])
    def test_an_open_flag_that_is_not_on_the_list_is_einval(self, caller, flags):
        image = self.file(caller)
        self.assert_open_error(errno.EINVAL, self.open_one(caller, image, flags))

    @callers()
    @parametrized(bits=[1 << 2, 1 << 31, 0xFFFFFFFC])
    def test_an_unknown_request_flag_is_einval(self, caller, bits):
        image = self.file(caller)
        self.assert_open_error(errno.EINVAL, self.open_one(caller, image, request_flags=bits))

    def test_a_quiet_request_prints_nothing_about_its_error(self):
        def play(flags):
            def script(session):
                session.begin()
                session.open("/etc/shadow", request_flags=flags)
                session.goodbye(1)
            return self.converse(script, ALICE)[0].err
        self.assertNotIn("shadow", play(wire.QUIET))
        self.assertIn("shadow", play(0))

    @callers()
    def test_close_on_exec_nonblock_and_noctty_are_taken(self, caller):
        image = self.file(caller)
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW
        self.assertEqual(self.open_one(caller, image, flags, look=lambda fd: os.pread(fd, 9, 0)),
                         b"image")


class ReadOnly(Asking):
    """`ro` among the caller's options means that nothing is written."""

    WRITING = [("RDWR", os.O_RDWR), ("WRONLY", os.O_WRONLY), ("CREAT", os.O_CREAT),
               ("TRUNC", os.O_TRUNC)]

    @callers()
    @parametrized(flags=WRITING, how=[("o", (["-o", "ro"])), ("oro", (["-oro"])), ("r", (["-r"])),
                                      ("last", (["-o", "rw,x", "-o", "y,ro"]))])
    def test_a_request_that_writes_is_eacces_under_ro(self, caller, flags, how):
        image = self.file(caller, b"keep")
        self.assert_open_error(errno.EACCES, self.open_one(caller, image, flags, more=how))
        with open(image, "rb") as file:
            self.assertEqual(file.read(), b"keep")

    @callers()
    def test_rw_behind_ro_allows_writing_again(self, caller):
        image = self.file(caller)
        self.assertEqual(self.open_one(caller, image, os.O_RDWR, options="ro,rw",
                                       look=lambda fd: os.pwrite(fd, b"x", 0)), 1)

    @callers()
    @parametrized(options=[r"a\,ro", r"user=a\,ro", 'a="x,ro,y"', r"\162o"])
    def test_a_request_that_writes_is_eacces_where_some_server_may_read_ro(self, caller, options):
        image = self.file(caller, b"keep", 0o666)
        self.assert_open_error(
            errno.EACCES, self.open_one(caller, image, os.O_RDWR, options=options))

    @callers()
    @parametrized(kernel=[("new", ()), ("no-mount_setattr", ("mount_setattr=ENOSYS",))])
    def test_a_read_only_descriptor_cannot_be_reopened_for_writing(self, caller, kernel):
        image = self.file(caller, b"keep", 0o666)

        def look(descriptor):
            try:
                os.close(os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR))
            except OSError as error:
                return error.errno
            return 0
        self.assertEqual(self.open_one(caller, image, options="ro", look=look, failing=kernel),
                         errno.EROFS)

    @callers()
    def test_an_image_on_an_unbindable_mount_is_refused_under_ro_with_what_to_do(self, caller):
        place = self.directory(caller)
        system("mount", "-t", "tmpfs", "-o", f"uid={caller.uid}", "images", place)
        self.addCleanup(detach, place)
        self.before.add(mount_at(place).number)
        image = self.file(caller, directory=place)
        self.assertIsNotNone(self.open_one(caller, image, options="ro", look=os.fstat))
        system("mount", "--make-unbindable", place)

        def script(session):
            session.begin()
            error, _ = session.open(image)
            session.goodbye(1)
            return error
        outcome, error = self.converse(script, caller, source=image, options="ro")
        self.assert_open_error(errno.EINVAL, error)
        self.assert_refused(outcome)
        self.assertIn(f"{image}: cannot be given read-only, because its mount is unbindable; ",
                      outcome.err)
        self.assertIn("mount --make-private", outcome.err)
        # Without ro nothing needs to be cloned.
        self.assertIsNotNone(self.open_one(caller, image, look=os.fstat))

    @callers()
    @parametrized(mode=[0o4777, 0o2777, 0o666, 0o7777])
    def test_a_created_file_has_no_set_id_bits_and_is_writable_by_its_owner_only(
            self, caller, mode):
        path = self.directory(caller) + "/new"
        found = self.open_one(caller, path, os.O_RDWR | os.O_CREAT, mode,
                              look=lambda fd: os.fstat(fd), umask=0)
        self.assertIsInstance(found, os.stat_result, f"error {found}")
        self.assertEqual(found.st_mode & 0o7022, 0, oct(found.st_mode))
        self.assertEqual((found.st_uid, found.st_gid), (caller.uid, caller.gid))


class Creating(Asking):
    """Files that are not there yet: where they come into being, and where not."""

    CREATE = os.O_RDWR | os.O_CREAT

    @callers()
    @parametrized(flags=[("plain", CREATE), ("exclusive", CREATE | os.O_EXCL),
                         ("truncating", CREATE | os.O_TRUNC)])
    def test_a_directory_swapped_for_a_link_after_the_start_gets_no_file(self, caller, flags):
        home = self.directory(ALICE)
        directory, moved = home + "/dir", home + "/moved"
        os.mkdir(directory)
        os.chown(directory, ALICE.uid, ALICE.gid)
        secret = self.directory(ROOT)
        os.chmod(secret, 0o700)
        path = directory + "/new"

        def swap_and_ask(session):
            os.rename(directory, moved)
            os.symlink(secret, directory)
            return session.open(path, flags, 0o644)[0]
        error = self.ask(caller, [swap_and_ask], source=path, cwd="/")[0]
        self.assertEqual(os.listdir(secret), [])
        # Root's directory was pinned; a user's own rights end at the other one.
        self.assertEqual(os.listdir(moved), ["new"] if caller == ROOT else [])
        self.assertEqual(error, 0 if caller == ROOT else errno.EACCES)

    @callers()
    def test_a_name_without_a_slash_is_created_in_the_working_directory(self, caller):
        directory = self.directory(caller)

        def script(session):
            session.begin()
            error, _ = session.open("new.img", os.O_RDWR | os.O_CREAT, 0o600)
            session.goodbye(1)
            return error
        outcome, error = self.converse(script, caller, source="new.img", cwd=directory)
        self.assertEqual((outcome.status, error), (1, 0), outcome.err)
        self.assertTrue(os.path.isfile(os.path.join(directory, "new.img")))
        self.assertFalse(os.path.exists("/new.img"))

    def test_roots_missing_file_that_is_a_link_by_now_is_not_created_behind_it(self):
        directory = self.directory(ALICE)
        secret = self.directory(ROOT)
        path = directory + "/new"

        def swap_and_ask(session):
            os.symlink(secret + "/stolen", path)
            return session.open(path, self.CREATE, 0o644)[0]
        self.assertNotEqual(self.ask(ROOT, [swap_and_ask], source=path), [0])
        self.assertEqual(os.listdir(secret), [])

    def test_roots_missing_file_that_is_there_by_now_is_not_opened(self):
        directory = self.directory(ALICE)
        other = self.file(ROOT, b"secret", 0o600)
        path = directory + "/new"

        def swap_and_ask(session):
            os.symlink(other, path)
            return session.open(path, os.O_RDWR)[0]
        self.assertNotEqual(self.ask(ROOT, [swap_and_ask], source=path), [0])

    @callers()
    @parametrized(type=["mqueue", "devpts"])
    def test_nothing_is_created_on_a_file_system_of_the_kernels(self, caller, type):
        place = self.directory(caller) + "/kernel"
        os.mkdir(place)
        options = {"mqueue": "rw", "devpts": "newinstance"}[type]
        system("mount", "-t", type, "-o", options, type, place)
        self.addCleanup(detach, place)
        os.chmod(place, 0o1777)
        self.before |= {mount_at(place).number}
        # What a broken helper has made there outlives the mount: a name of this run's own.
        new = f"new-{time.monotonic_ns()}"
        self.assert_open_error(errno.EACCES, self.open_one(
            caller, f"{place}/{new}", self.CREATE, 0o600))
        self.assertNotIn(new, os.listdir(place))


@contextlib.contextmanager
def loop_device(caller, size=1 << 20, sector=None):
    """A loop device over a new file, and a node of it that belongs to the caller."""
    backing = os.path.join(stage.base, "rootfs", "loop.img")
    with open(backing, "wb") as file:
        file.truncate(size)
    words = ["losetup", "--find", "--show", backing]
    if sector:
        words[1:1] = ["--sector-size", str(sector)]
    device = system(*words).strip()
    node = os.path.join(stage.private, "devices", os.path.basename(device))
    try:
        os.mknod(node, 0o600 | stat.S_IFBLK, os.stat(device).st_rdev)
        os.chown(node, caller.uid, caller.gid)
        yield node
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(node)
        system("losetup", "--detach", device)
        os.unlink(backing)


class BlockDevices(Asking):
    """BDEV, and block sizes that are really set."""

    def setUp(self):
        super().setUp()
        if not os.path.exists("/dev/loop-control") or not shutil.which("losetup"):
            self.skipTest("no loop devices here")

    @callers()
    @parametrized(size=[0, 512, 1024, 4096])
    def test_a_block_device_is_opened_with_the_block_size_set(self, caller, size):
        def look(session):
            error, descriptor = session.open_block_device(node, size, os.O_RDWR | os.O_EXCL)
            if error:
                return os.strerror(error)
            return block_size(descriptor) if size else 0
        with loop_device(caller) as node:
            self.assertEqual(self.ask(caller, [look], source=node), [size])

    @callers()
    @parametrized(sector=[512, 4096], exclusive=[False, True])
    def test_every_block_size_is_taken_or_refused_as_the_kernel_does(
            self, caller, sector, exclusive):
        flags = os.O_RDWR | (os.O_EXCL if exclusive else 0)

        def ask(size):
            def request(session):
                for _ in range(200):
                    error, descriptor = session.open_block_device(node, size, flags)
                    if error != errno.EBUSY:
                        break
                    time.sleep(0.01)  # the helper is just closing the last one
                found = 0 if error else block_size(descriptor)
                session.close_received()
                return error, found
            return request
        with loop_device(caller, sector=sector) as node:
            expected = [set_block_size(node, size, flags) for size in SIZES]
            answers = self.ask(caller, [ask(size) for size in SIZES], source=node)
        self.assertEqual(dict(zip(SIZES, answers)), dict(zip(SIZES, expected)))
        # So that the table is one: what a device may have lies between its sectors and a page.
        for size, (error, found) in zip(SIZES, answers):
            if sector <= size <= 4096 and size & (size - 1) == 0:
                self.assertEqual((error, found), (0, size))
            elif size < sector or size & (size - 1) or size > 65536:
                self.assertEqual(error, errno.EINVAL, size)

    @callers()
    @parametrized(flags=[("shared", os.O_RDWR), ("exclusive", os.O_RDWR | os.O_EXCL)])
    def test_a_device_that_somebody_has_for_himself_keeps_its_block_size(self, caller, flags):
        with loop_device(caller) as node:
            with open(node, "rb", opener=lambda path, mode: os.open(path, mode | os.O_EXCL)
                      ) as held:
                before = block_size(held.fileno())
                expected = errno.EBUSY if flags & os.O_EXCL else set_block_size(node, 1024)[0]
                answers = self.ask(caller, [
                    lambda session: session.open_block_device(node, 1024, flags)[0]], source=node)
                self.assertEqual(answers, [expected])
                if expected:
                    self.assertEqual(block_size(held.fileno()), before)

    @callers()
    def test_open_passes_a_block_device_too(self, caller):
        with loop_device(caller) as node:
            found = self.open_one(caller, node, os.O_RDWR,
                                  look=lambda fd: stat.S_ISBLK(os.fstat(fd).st_mode))
            self.assertIs(found, True)

    @callers()
    @parametrized(size=[1, 3, 511, 513, 1 << 31, 0xFFFFFFFF])
    def test_a_bad_block_size_is_an_error_and_the_next_request_works(self, caller, size):
        with loop_device(caller) as node:
            bad, good = self.ask(caller, [
                lambda session: session.open_block_device(node, size, os.O_RDWR)[0],
                lambda session: session.open_block_device(node, 1024, os.O_RDWR)[0]],
                source=node)
        self.assertNotEqual(bad, 0)
        self.assertEqual(good, 0)

    @callers()
    def test_a_regular_file_is_no_block_device(self, caller):
        image = self.file(caller)
        answers = self.ask(caller, [
            lambda session: session.open_block_device(image, 0)[0],
            lambda session: session.open_block_device(image, 512, os.O_RDWR)[0],
            lambda session: session.open(image)[0]], source=image)
        self.assertEqual(answers, [errno.ENOTBLK, errno.ENOTBLK, 0])

    def test_a_device_that_is_not_the_users_is_refused(self):
        with loop_device(BOB) as node:
            answers = self.ask(ALICE, [lambda session: session.open_block_device(node)[0]],
                               source=node)
        self.assertEqual(answers, [errno.EACCES])

    @callers()
    def test_a_device_under_ro_opens_read_only(self, caller):
        with loop_device(caller) as node:
            answers = self.ask(caller, [
                lambda session: session.open_block_device(node, 512, os.O_RDWR)[0],
                lambda session: session.open_block_device(node)[0]],
                source=node, options="ro")
        self.assertEqual(answers, [errno.EACCES, 0])

    @callers()
    def test_a_device_that_is_only_read_keeps_its_block_size(self, caller):
        with loop_device(caller) as node:
            answers = self.ask(caller, [
                lambda session: session.open_block_device(node, 512)[0],
                lambda session: session.open_block_device(node)[0]], source=node)
        self.assertEqual(answers, [errno.EACCES, 0])

    @parametrized(engine=ENGINES, size=[None, 512, 1024, 2048, 4096])
    def test_root_mounts_fuseblk_with_its_block_size(self, engine, size):
        with loop_device(ROOT) as node:
            service, target, mount = self.mount(
                ROOT, source=node, name=node, kind=1, failing=engine,
                superblock=size and f"blksize={size}",
                before=size and (
                    lambda session: session.open_block_device(node, size, os.O_RDWR)[0]))
            self.assertEqual(mount.type, "fuseblk.demo")
            self.assertEqual(mount.source, node)
            self.assertTrue(eventually(lambda: service.session.fuse), "nobody serves")
            service.session.fuse.block_size = 0
            # What mountinfo shows is the page since Linux 6.18; stat(2) tells, where the server does not.
            self.assertEqual(os.stat(target + "/hello").st_blksize, size or 512)
            self.unmount(target)

    @parametrized(engine=ENGINES, row=[
        # The kernel refuses these, and what no device can have the helper already.
        ("smaller-than-a-sector", (4096, 512, 0)), ("half-a-sector", (4096, 2048, 0)),
        ("no-power-of-two", (512, 1000, errno.EINVAL)), ("none", (512, 0, errno.EINVAL)),
        ("a-byte", (512, 1, errno.EINVAL))])
    def test_a_block_size_that_the_device_cannot_have_is_no_fuseblk_mount(self, engine, row):
        sector, size, at_options = row

        def script(session):
            session.begin()
            assert session.type(1) == 0 and session.name(node) == 0
            assert session.mount_point(session.target) == 0
            replies = session.options(f"blksize={size}"), session.mount()
            session.goodbye(1)
            return replies
        with loop_device(ROOT, sector=sector) as node:
            outcome, replies = self.converse(script, ROOT, source=node, failing=engine)
        self.assertEqual(replies, (at_options, errno.EINVAL))
        self.assert_refused(outcome)

    @parametrized(engine=ENGINES)
    def test_a_device_with_larger_sectors_is_mounted_with_them(self, engine):
        with loop_device(ROOT, sector=4096) as node:
            _, target, mount = self.mount(
                ROOT, source=node, name=node, kind=1, failing=engine, superblock="blksize=4096",
                before=lambda session: session.open_block_device(node, 4096, os.O_RDWR)[0])
            self.assertIn("blksize=4096", mount.superblock)
            self.unmount(target)

    @parametrized(engine=ENGINES, options=[None, "blksize=1024"])
    def test_a_user_who_asks_for_fuseblk_gets_no_mount_even_of_his_own_device(
            self, engine, options):
        def script(session):
            session.begin()
            replies = [session.type(1), session.name(node), session.mount_point(session.target)]
            if options:
                replies.append(session.options(options))
            replies.append(session.mount())
            session.goodbye(0)
            session.wait_for_end()
            return replies
        with loop_device(ALICE) as node:
            outcome, replies = self.converse(script, ALICE, source=node, failing=engine)
        self.assertEqual(replies[0], errno.EPERM)
        self.assertNotIn(0, replies[-1:])
        self.assert_refused(outcome)

    @parametrized(case=[("dead", True), ("alive", False)])
    def test_a_failed_fuseblk_mount_whose_destroy_is_never_answered_ends_in_time(self, case):
        def script(session):
            session.begin()
            assert session.type(1) == 0 and session.name(node) == 0
            assert session.mount_point(session.target) == 0
            reply = session.mount()
            assert reply == 0, os.strerror(reply)
            server = session.serve(silent=[wire.DESTROY])
            # The kernel asks no file system to end that it has not seen begin.
            assert eventually(lambda: wire.INIT in server.seen), "no INIT"
            time.sleep(0.1)
            if case:
                session.goodbye(1)
                session.close()
            else:
                session.goodbye(1)
        with loop_device(ROOT) as node:
            outcome, _ = self.converse(script, ROOT, source=node,
                                       more=["--timeout", str(STALL)])
            self.assert_refused(outcome)
            self.assertLess(outcome.seconds, STALL + 6)
