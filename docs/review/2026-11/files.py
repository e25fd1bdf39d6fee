# SPDX-License-Identifier: LGPL-2.1-or-later
"""What files a server gets."""

import fcntl
import os
import socket
import stat
import struct
import subprocess
import threading
import time

import fuse_service as wire
from review import *

NAMES = ("/etc/shadow", "/etc/passwd", "/home/root/secret", "/proc/self/mem", "/proc/self/environ",
         "/proc/self/fd/0", "/proc/1/root/etc/shadow", "/dev/mem", "/dev/tty", "/dev/fuse", ".", "..",
         "/", "", "image/../image", "./image", "image ", "image\n", " image", "image/", "IMAGE",
         "/proc/self/cwd/image", "image\x00", "mnt", "/run/mount/utab", "/sys/kernel/uevent_helper",
         "fuse.demo", "demo", "-o", "ro", "a", "a=image", "\\image", "im\\141ge", "file:image")


class Names(Attempts):
    """Names that the caller did not write, and what the ones that it wrote lead to."""

    def ask(self, caller, operands, questions, options=None, **running):
        """Runs the helper on a server that asks for files; the answers."""
        target = self.target(caller)
        answers = []

        def script(session):
            session.begin()
            for path, flags, mode in questions:
                path = path if isinstance(path, bytes) else os.fsencode(path)
                session.send(wire.OPEN + struct.pack(">IIII", flags, mode, 0, 0) + path + b"\0")
                packet, descriptors = session.receive()
                number = struct.unpack(">I", packet[4:8])[0]
                content = None
                if descriptors:
                    session.received += descriptors
                    link = os.readlink(f"/proc/self/fd/{descriptors[0]}")
                    content = (link, fcntl.fcntl(descriptors[0], fcntl.F_GETFL) & 3)
                answers.append((path, number, content, descriptors[0] if descriptors else -1))
            keep = [(path, number, content, os.dup(fd) if fd >= 0 else -1)
                    for path, number, content, fd in answers]
            answers[:] = keep
            session.goodbye(1)
        words = [*operands, target, "-t", "fuse.demo", *(["-o", options] if options else [])]
        with self.service(script) as service:
            outcome = self.helper(words, caller, timeout=60, **running)
            service.result()
        self.answers = answers
        for answer in answers:
            if answer[3] >= 0:
                self.addCleanup(os.close, answer[3])
        self.expect(outcome.status == 1, f"exit {outcome.status}")
        return answers

    @support.callers()
    def test_01_names_that_nobody_wrote(self, caller):
        """attempt: ask for files by names and spellings that are not on the command line; expected:
        EACCES (or EINVAL for what is no name), no descriptor"""
        self.file(ROOT, b"secret", 0o600, "secret", "/home/root")
        directory = self.directory(caller)
        self.file(caller, b"image", 0o644, "image", directory)
        for path, number, content, _ in self.ask(
                caller, ["image"], [(name, os.O_RDONLY, 0) for name in NAMES if name != "image"
                                    and "\x00" not in name],
                options="a=x", cwd=directory):
            self.saw(f"{os.fsdecode(path)!r}: {os.strerror(number)} {content or ''}")
            self.expect(content is None, f"the server got {path!r}")

    def test_02_what_a_users_names_lead_to(self):
        """attempt: as a user, name files of root's and the kernel's, magic links, directories,
        sockets, FIFOs and links to them; expected: no descriptor but of what the user may read"""
        directory = self.directory(ALICE)
        os.symlink("/etc/shadow", os.path.join(directory, "shadow"))
        os.symlink("/proc/self/mem", os.path.join(directory, "mem"))
        os.symlink("/proc/self/fd/0", os.path.join(directory, "fd"))
        os.symlink("loop", os.path.join(directory, "loop"))
        os.mkfifo(os.path.join(directory, "fifo"))
        names = ["/etc/shadow", "shadow", "mem", "fd", "loop", "fifo", "/dev/stdin", "/dev/fd/0",
                 "/proc/self/fd/0", "/proc/self/exe", "/proc/self/maps", "/proc/self/cwd",
                 "/proc/cpuinfo", "/sys/power/state", "/dev/null", "/dev/zero", "/dev/fuse",
                 "/run/filesystems/demo", "/etc", "/dev/shm", ".", "/proc/self/ns/mnt",
                 "/dev/ptmx", "/proc/sys/kernel/hostname", "/sys/fs/cgroup", stage.helper]
        for path, number, content, _ in self.ask(
                ALICE, ["demo"], [(name, flags, 0) for name in names
                                  for flags in (os.O_RDONLY, os.O_RDWR)],
                options=",".join(f"k{index}={name}" for index, name in enumerate(names)),
                cwd=directory):
            self.saw(f"{os.fsdecode(path)!r}: {os.strerror(number)} {content or ''}")
            if content is not None:
                self.expect(os.fsdecode(path) == stage.helper and content[1] == os.O_RDONLY,
                            f"the server got {path!r}")

    def test_03_every_flag_under_ro(self):
        """attempt: under every spelling of `ro`, ask with each access mode, with and without CREAT,
        TRUNC, APPEND, EXCL, for a world-writable file and a missing one, and open what comes again
        for writing as root through /proc/self/fd; expected: nothing is written, created or can be"""
        directory = self.directory(ALICE)
        image = self.file(ALICE, b"image", 0o666, "image", directory)
        flags = [mode | extra for mode in (0, 1, 2, 3)
                 for extra in (0, os.O_CREAT, os.O_TRUNC, os.O_APPEND, os.O_EXCL,
                               os.O_CREAT | os.O_EXCL, os.O_TRUNC | os.O_CREAT, os.O_DIRECT,
                               os.O_NOATIME, os.O_TMPFILE, os.O_PATH, 1 << 31, 0o100)]
        for words in ("ro", "rw,ro", "ro,noatime", "a=\"b,c\",ro", "a=b\\,c,ro", "ro,", ",,ro",
                      "\"ro\",ro", "user,ro,x-a=1"):
            got = 0
            for path, number, content, descriptor in self.ask(
                    ALICE, ["image"], [(name, flag, 0o666) for name in ("image", "new")
                                       for flag in flags], options=words + ",k=new", cwd=directory):
                if content is None:
                    continue
                got += 1
                self.expect(content[1] == os.O_RDONLY, f"{path!r} open for writing")
                for mode in (os.O_WRONLY, os.O_RDWR | os.O_TRUNC, os.O_APPEND | os.O_WRONLY):
                    try:
                        os.close(os.open(f"/proc/self/fd/{descriptor}", mode))
                        self.expect(False, f"{path!r} opened again for writing")
                    except OSError as error:
                        reason = error.strerror
                with contextlib.suppress(OSError):
                    os.fchmod(descriptor, 0o777)
                    self.expect(False, "fchmod through the descriptor")
            with open(image, "rb") as file:
                self.expect(file.read() == b"image", "the image was written")
            self.expect(os.stat(image).st_mode & 0o777 == 0o666, "the image's mode was changed")
            self.expect(not os.path.exists(os.path.join(directory, "new")), "a file was created")
            self.saw(f"-o {words}: {got} read-only descriptors, opening again: {reason}")

    def test_04_ro_in_mount_commands_form(self):
        """attempt: `ro` to mount(8) in odd company, as root, which splits options in its own way;
        expected: wherever mount(8) hands the helper `ro`, the mount is read-only and so is the
        file"""
        link = self.link("mount.fuse.demo")
        image = self.file(ROOT, b"image", 0o666)
        for words in ("ro", "a=b\\,ro", "a=\"b\\\",ro", "a=\"b,ro\"", "ro,rw", "rw,ro", "a=\\,ro",
                      "a=\\\\,ro", "\"a,ro\",b", "ro\\", "a='b,ro'", "context=\"x,ro\"", "a=b\\054ro"):
            target = self.target(ROOT)
            seen = []

            def script(session, target=target, seen=seen):
                with contextlib.suppress(wire.SessionEnded):
                    session.begin()
                    seen.append(session.arguments)
                    seen.append(session.open(image, os.O_RDWR)[0])
                    session.prepare(target)
                    session.mount()
                    session.goodbye(0)
                    session.serve({})
            with self.service(script):
                outcome = self.run_as(ROOT, "mount", "-t", "fuse.demo", image, target, "-o", words)
                mount = mount_at(target)
                given = seen[0][-1].decode() if seen else "?"
                state = (sorted(mount.attributes & {"ro", "rw"}),
                         sorted(mount.superblock & {"ro", "rw"})) if mount else "not mounted"
                self.saw(f"mount -o {words}: helper and server heard {given!r}; RDWR:",
                         os.strerror(seen[1]) if len(seen) > 1 else "-", f"mount: {state}",
                         outcome.err.strip())
                if mount:
                    # mount(8) puts rw first where it does not take the list for ro.
                    if given.split(",")[0] == "ro":
                        self.expect("ro" in mount.attributes and seen[1] != 0,
                                    "mount(8) said ro and it is writable")
                support.detach(target)

    def test_05_files_swapped_between_requests(self):
        """attempt: while a server asks 1,000 times, swap the image of a user with links to root's
        file, a FIFO and a directory; expected: never a descriptor of another's file, no waiting"""
        directory = self.directory(ALICE)
        image = self.file(ALICE, b"image", 0o644, "image", directory)
        secret = self.file(ROOT, b"secret", 0o600, "secret", self.directory(ROOT))
        os.symlink(secret, os.path.join(directory, "l"))
        os.mkfifo(os.path.join(directory, "f"))
        os.mkdir(os.path.join(directory, "d"))
        stop = threading.Event()

        def swap():
            exchange = libc.renameat2
            while not stop.is_set():
                for name in ("l", "f", "d"):
                    exchange(-100, os.fsencode(image), -100,
                             os.fsencode(os.path.join(directory, name)), 2)
        swapper = threading.Thread(target=swap)
        swapper.start()
        try:
            answers = self.ask(ALICE, [image], [(image, os.O_RDONLY | (os.O_RDWR if n % 2 else 0), 0)
                                                for n in range(1000)])
        finally:
            stop.set()
            swapper.join()
        kinds = {}
        for _, number, content, descriptor in answers:
            if content is None:
                kinds[os.strerror(number)] = kinds.get(os.strerror(number), 0) + 1
                continue
            kinds["image"] = kinds.get("image", 0) + 1
            self.expect(os.pread(descriptor, 10, 0) == b"image", "another file came")
            self.expect(stat.S_ISREG(os.fstat(descriptor).st_mode), "not a regular file")
        self.saw(kinds)

    def test_06_a_lease_of_another_user(self):
        """attempt: another user holds a write lease (F_SETLEASE) on the image that the caller named
        and never gives it back; expected: the helper does not wait for it"""
        image = self.file(BOB, b"image", 0o666)

        def lease():
            signal_ignored = __import__("signal")
            signal_ignored.signal(signal_ignored.SIGIO, signal_ignored.SIG_IGN)
            file = os.open(image, os.O_RDONLY)
            os.close(file)
            file = os.open(image, os.O_RDWR)
            try:
                fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            except OSError as error:
                os.write(2, f"lease: {error}\n".encode())
                return 1
            time.sleep(20)
            return 0
        holder = as_caller(BOB, lease, wait=False)
        time.sleep(0.5)
        begun = time.monotonic()
        answers = self.ask(ALICE, [image], [(image, os.O_RDONLY, 0), (image, os.O_RDWR, 0)])
        spent = time.monotonic() - begun
        os.kill(holder, 9)
        os.waitpid(holder, 0)
        self.saw([(os.strerror(number), content) for _, number, content, _ in answers])
        self.expect(spent < 10, "the helper waited for another's lease")

    def test_07_roots_names_in_a_users_directory(self):
        """attempt: root names a file in a user's directory, and the user swaps it with a link to
        /etc/shadow after the start, before and after the first request; expected: the file of the
        start, or none"""
        directory = self.directory(ALICE)
        image = self.file(ALICE, b"image", 0o644, "image", directory)
        target = self.target(ROOT)
        seen = []

        def script(session):
            session.begin()
            os.rename(image, image + ".old")
            os.symlink("/etc/shadow", image)
            for flags in (os.O_RDONLY, os.O_RDWR, os.O_RDONLY | os.O_NOFOLLOW,
                          os.O_RDWR | os.O_CREAT, os.O_RDWR | os.O_TRUNC):
                number, descriptor = session.open(image, flags, 0o644)
                seen.append((number, os.pread(descriptor, 20, 0) if descriptor >= 0 else None))
            session.goodbye(1)
        with self.service(script) as service:
            self.ended(self.helper([image, target, "-t", "fuse.demo"]))
            service.result()
        self.saw([(os.strerror(number), content) for number, content in seen])
        self.expect(all(content in (None, b"image", b"") for _, content in seen), "another file")

    def test_08_creating(self):
        """attempt: ask to create a named missing file with modes 06777, 07777, in a set-group-id
        directory, through a dangling link, and under umask 0; expected: no set-id bit, not writable
        by others, nothing through the link"""
        directory = self.directory(ALICE)
        os.chmod(directory, 0o2777)
        os.symlink("/home/fsmalice/through", os.path.join(directory, "link"))
        names = ["one", "two", "link", "sub/none", "one/", "/home/root/new", "/etc/new", "/dev/shm/new"]
        answers = self.ask(ALICE, ["demo"], [
            (name, os.O_RDWR | os.O_CREAT | extra, mode) for name in names
            for extra, mode in ((os.O_EXCL, 0o6777), (0, 0o7777))],
            options=",".join(f"k{index}={name}" for index, name in enumerate(names)),
            cwd=directory, preexec_fn=lambda: os.umask(0))
        for path, number, content, descriptor in answers:
            mode = oct(os.fstat(descriptor).st_mode) if descriptor >= 0 else ""
            self.saw(f"{os.fsdecode(path)}: {os.strerror(number)} {content or ''} {mode}")
            if descriptor >= 0:
                status = os.fstat(descriptor)
                self.expect(status.st_mode & 0o7022 == 0 and status.st_uid == ALICE.uid,
                            "mode or owner")
        self.expect(not os.path.exists("/home/fsmalice/through"), "created through a link")
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/dev/shm/new")

    @support.callers()
    @finding(7)
    def test_12_where_a_relative_name_is_created(self, caller):
        """attempt: the caller names a missing file by a name without a slash, and the server
        creates it; expected: it is created in the working directory, where the name leads"""
        directory = self.directory(caller)
        name = "fsm-review-new"
        answers = self.ask(caller, ["demo"], [(name, os.O_RDWR | os.O_CREAT, 0o644)],
                           options="journal=" + name, cwd=directory)
        _, number, content, _ = answers[0]
        self.saw(f"{name}: {os.strerror(number)} {content or ''}")
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/" + name)
        self.expect(number == 0 and content[0] == os.path.join(directory, name),
                    "created in another directory, or not at all")

    def test_09_the_callers_own_command_line_for_root(self):
        """attempt: root writes `-o a=/etc/shadow,b,c=,d==x` and a server asks for the values, the
        keys, `=x` and pieces; expected: exactly the values"""
        answers = self.ask(ROOT, ["demo"], [(name, 0, 0) for name in (
            "/etc/shadow", "a", "b", "", "d", "=x", "x", "a=/etc/shadow", "/etc/shado",
            "/etc/shadow/", "/etc/../etc/shadow", "/etc/gshadow", "demo")],
            options="a=/etc/shadow,b,c=,d==x")
        for path, number, content, _ in answers:
            self.saw(f"{os.fsdecode(path)!r}: {os.strerror(number)} {content or ''}")
            self.expect((content is not None) == (path == b"/etc/shadow"), "another file")

    def test_10_the_arguments_file(self):
        """attempt: the server writes, grows and seals the memory file of the arguments while the
        session runs; expected: it changes nothing for the helper"""
        target = self.target(ALICE)

        def script(session):
            session.hello()
            _, descriptor = session.file_reply(b"argv")
            seals = fcntl.fcntl(descriptor, 1034)
            with contextlib.suppress(OSError):
                os.pwrite(descriptor, b"x" * 4096, 0)
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
            with contextlib.suppress(OSError):
                fcntl.fcntl(descriptor, 1033, 0xf)
            _, session.device = session.file_reply(b"fusedev")
            session.received.remove(session.device)
            error, _ = session.open("/etc/shadow")
            session.prepare(target)
            assert session.mount() == 0
            session.goodbye(0)
            session.serve({}, ALICE.uid, ALICE.gid)
            return seals, error
        with self.service(script) as service:
            outcome = self.helper(["demo", target, "-t", "fuse.demo"], ALICE)
            self.saw("seals, error for /etc/shadow:", service.result())
            self.expect_mounted(outcome, target)
        support.detach(target)


class Devices(Attempts):
    """Block devices that the caller may open."""

    @finding(6)
    def test_11_the_block_size_of_a_device_that_is_only_read(self):
        """attempt: a user who may read a block device and no more, with -o ro, lets the server set
        its block size while another process has it open; expected: no right beyond the caller's
        own, who may not use BLKBSZSET, so nothing changes for others"""
        import shutil
        if not os.path.exists("/dev/loop-control") or not shutil.which("losetup"):
            self.skipTest("no loop devices here")
        backing = os.path.join(stage.base, "rootfs", "review.img")
        with open(backing, "wb") as file:
            file.truncate(1 << 20)
        try:
            device = support.system("losetup", "--find", "--show", backing).strip()
        except RuntimeError as error:
            self.skipTest(str(error))
        self.addCleanup(support.system, "losetup", "-d", device)
        node = os.path.join(stage.private, "devices", "review")
        os.mknod(node, 0o444 | stat.S_IFBLK, os.stat(device).st_rdev)
        os.chmod(node, 0o444)
        self.addCleanup(os.unlink, node)
        target = self.target(ALICE)

        def size(file):
            return struct.unpack("Q", fcntl.ioctl(file, 0x80081270, b"\0" * 8))[0]

        def script(session):
            session.begin()
            answer = session.open_block_device(node, 512, os.O_RDONLY)
            kept = size(other)
            session.goodbye(1)
            return answer[0], kept
        other = os.open(device, os.O_RDONLY)
        self.addCleanup(os.close, other)
        before = size(other)
        with self.service(script) as service:
            self.ended(self.helper([node, target, "-t", "fuse.demo", "-o", "ro"], ALICE))
            number, during = service.result()
        after = size(other)
        again = os.open(device, os.O_RDONLY)
        fresh = size(again)
        os.close(again)
        self.saw(f"BDEV with block size 512: {os.strerror(number)}; block size for another process "
                 f"before {before}, during {during}, after {after}, opened anew {fresh}")
        self.expect(before == during == after == fresh,
                    "a reader changed a device's block size for everybody")
