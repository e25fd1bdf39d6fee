# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unmodified servers of file systems, run by fuse-service-adapter, with images that the file systems'
own tools made."""

import contextlib
import errno
import fcntl
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import time
import unittest

from support import ALICE, HERE, PYTHON, ROOT, callers, eventually, mount_at, parametrized, system
from test_servers import BUILT, NOBODY, START, Servers

ADAPTER = os.path.join(BUILT, "embedded/release/fuse-service-adapter")
SERVICES = os.path.join(os.path.dirname(BUILT), "packaging/services")
MIB = 1 << 20


def description(name):
    """The words of the adapter for a file system, and its type's names."""
    with open(os.path.join(SERVICES, name), encoding="utf-8") as file:
        lines = dict(line.strip().split(": ", 1) for line in file if not line.startswith("#"))
    return shlex.split(lines["adapter"]), lines["types"].split()


def is_installed(words):
    """Whether the server of a description is here."""
    return os.access(words[words.index("--") + 1], os.X_OK)


def waits_for_init():
    """Whether a mount of this kernel can wait for the answer to FUSE_INIT."""
    with open("/dev/fuse", "r+b", 0) as device:
        try:
            fcntl.ioctl(device, 0xE503)
        except OSError:
            return False
        return True


def hashes(tree):
    """The content of each file of a tree, by its name."""
    found = {}
    for folder, folders, names in os.walk(tree):
        folders[:] = [name for name in folders if name != "lost+found"]
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, tree)] = hashlib.sha256(file.read()).hexdigest()
    return found


def ext4(image, tree):
    """An ext4 file system with a tree in it."""
    system("truncate", "--size=16M", image)
    system("mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, image)


def empty(size, *maker):
    """A maker of an image with nothing in it."""
    def make(image, _tree):
        system("truncate", f"--size={size}", image)
        system(*maker, image)
    return make


# How an image of each is made, with the tree in it where its tool can.
IMAGES = {
    "squashfs": lambda image, tree: system("mksquashfs", tree, image, "-quiet", "-no-progress"),
    "ext4": ext4,
    "iso9660": lambda image, tree: system(
        "genisoimage", "-quiet", "-R", "-o", image, tree),
    "exfat": empty("8M", "mkfs.exfat"),
    "vfat": empty("8M", "mkfs.vfat"),
    "zip": lambda image, tree: system(
        "sh", "-c", 'rm -f "$1" && cd "$2" && zip -qr "$1" .', "sh", image, tree),
    "archive": lambda image, tree: system("tar", "-C", tree, "-cf", image, "."),
    "ntfs": empty("8M", "mkntfs", "-q", "-F", "-f"),
}
# A mount waits for the server's answer to FUSE_INIT, or the shim reports it.
KERNELS = [("sync_init", ()), ("report", ("FUSE_DEV_IOC_SYNC_INIT=ENOTTY",))]
FILLED = ("squashfs", "ext4", "iso9660", "zip", "archive")
WRITABLE = ("ext4", "exfat", "vfat", "ntfs")
CHECKS = {"ext4": ("e2fsck", "-f", "-n"), "exfat": ("fsck.exfat", "-n"),
          "vfat": ("fsck.vfat", "-n"), "ntfs": ("ntfsfix", "-n")}


class Adapted(Servers):
    """What the file systems' tests have in common."""

    failing = ()

    def launch(self, path, connection, *words):
        """Starts an adapter on a kernel that lacks what `failing` has."""
        if not self.failing:
            return super().launch(path, connection, *words)
        number = connection.fileno()
        process = subprocess.Popen(
            [PYTHON, "-I", "-S", os.path.join(HERE, "seccomp_errno.py"), f"{NOBODY}:{NOBODY}",
             *self.failing, "--", "/bin/sh", "-c", START, path, *words], env={},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            pass_fds=(3,), preexec_fn=lambda: os.dup2(number, 3))
        connection.close()
        self.addCleanup(self.kill, process)
        return process

    def kill(self, process):
        """Ends a process that may have ended."""
        process.kill()
        process.wait()
        process.stderr.close()

    def serve(self, name, *words):
        """A service by the description of a file system; what it has started."""
        adapter, types = description(name)
        if not is_installed(adapter):
            self.skipTest(f"no server for {name} here")
        self.type = types[-1]
        return self.program(ADAPTER, *words, *adapter)

    def image(self, name, caller, mode=0o600):
        """A new image, that only its owner may read, and the tree in it."""
        tree = self.directory(ROOT)
        os.makedirs(os.path.join(tree, "some", "folder"))
        for file, size in (("empty", 0), ("some/short", 100), ("some/folder/long", 3 * MIB // 2)):
            with open(os.path.join(tree, file), "wb") as opened:
                opened.write(os.urandom(size))
        image = os.path.join(self.directory(caller), f"an image.{name}")
        IMAGES[name](image, tree)
        os.chmod(image, mode)
        os.chown(image, caller.uid, caller.gid)
        return image, tree

    def seen_by(self, caller, target):
        """What a caller sees of a mount: hashes by names."""
        command = ('cd "$1" && find . -type f ! -path "./lost+found/*" -print0 '
                   '| xargs -0 -r sha256sum')
        outcome = self.run_as(
            caller, "bash", "-o", "pipefail", "-c", command, "bash", target, timeout=60)
        self.assertEqual((outcome.status, outcome.err), (0, ""))
        return {line[66:].removeprefix("./"): line[:64] for line in outcome.out.splitlines()}

    def mounted(self, image, caller, options=None):
        """Mounts an image, which has to succeed."""
        target = self.target(caller)
        outcome = self.helper(self.words(image, target, options), caller, timeout=30)
        self.assertEqual((outcome.status, outcome.out, outcome.err), (0, "", ""))
        return target

    def ended(self, started):
        """Waits for the end of the last adapter that was started; its status and its log."""
        eventually(lambda: started)
        _, log = started[-1].communicate(timeout=20)
        return started[-1].returncode, log.decode(errors="replace")


class Images(Adapted):
    """Every file system."""

    @callers()
    @parametrized(name=FILLED, kernel=KERNELS)
    def test_a_tree_is_read_as_it_was_put_in(self, name, kernel, caller):
        self.failing = kernel
        started = self.serve(name)
        image, tree = self.image(name, caller)
        target = self.mounted(image, caller)
        mount = mount_at(target)
        self.assertEqual((mount.type, mount.source), ("fuse." + self.type, image))
        self.assertLessEqual({"nosuid", "nodev"}, mount.attributes)
        self.assertEqual(self.seen_by(caller, target), hashes(tree))
        self.unmount(target, caller)
        status, log = self.ended(started)
        self.assertEqual(status, 0, log)

    @callers()
    @parametrized(name=WRITABLE)
    def test_what_is_written_is_there_after_another_mount(self, name, caller):
        started = self.serve(name)
        image, _ = self.image(name, caller)
        content = self.file(caller, os.urandom(MIB))
        target = self.mounted(image, caller)
        done = self.run_as(caller, "cp", content, os.path.join(target, "new"))
        self.assertEqual((done.status, done.err), (0, ""))
        self.unmount(target, caller)
        status, log = self.ended(started)
        self.assertEqual(status, 0, log)
        check = subprocess.run([*CHECKS[name], image], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, check=False)
        self.assertEqual(check.returncode, 0, check.stdout)
        target = self.mounted(image, caller, "ro")
        self.assertIn("ro", mount_at(target).attributes)
        self.assertEqual(
            self.run_as(caller, "cmp", content, os.path.join(target, "new")).status, 0)
        refused = self.run_as(caller, "touch", os.path.join(target, "more"))
        self.assertIn("Read-only file system", refused.err)
        self.unmount(target, caller)
        # Where it may not write fusefat ends with an error, because it tries to all the same.
        status, log = self.ended(started)
        self.assertEqual(status, 1 if name == "vfat" else 0, log)

    @parametrized(name=[name for name in IMAGES if name not in WRITABLE])
    def test_a_server_for_reading_never_gets_a_file_to_write(self, name):
        started = self.serve(name)
        image, _ = self.image(name, ALICE)
        target = self.mounted(image, ALICE, "rw")
        self.assertIn("ro", mount_at(target).attributes)
        self.assertEqual(self.modes(started[-1].pid, image), {os.O_RDONLY})
        self.unmount(target, ALICE)
        self.ended(started)

    def modes(self, adapter, image):
        """How the server of an adapter has an image open."""
        with open(f"/proc/{adapter}/task/{adapter}/children", encoding="ascii") as file:
            server, = file.read().split()
        found = set()
        for number in os.listdir(f"/proc/{server}/fd"):
            if os.path.samefile(f"/proc/{server}/fd/{number}", image):
                with open(f"/proc/{server}/fdinfo/{number}", encoding="ascii") as file:
                    flags = next(line for line in file if line.startswith("flags:"))
                found.add(int(flags.split()[1], 8) & os.O_ACCMODE)
        return found

    # To archivemount, zeros are an archive with nothing in it.
    @parametrized(name=[name for name in IMAGES if name != "archive"])
    def test_a_source_of_zeros_is_refused_in_the_servers_own_words(self, name):
        started = self.serve(name)
        image, target = self.file(ALICE, bytes(MIB)), self.target(ALICE)
        outcome = self.helper(self.words(image, target), ALICE, timeout=30)
        self.assert_refused(outcome)
        self.assert_one_line(outcome)
        self.assertNotIn("fuse-service", outcome.err)
        self.assertEqual(self.ended(started)[0], 1)


class Rules(Adapted):
    """What the adapter itself decides."""

    def refused(self, image, caller=ALICE, options=None):
        """The line of a mount that is refused."""
        target = self.target(caller)
        outcome = self.helper(self.words(image, target, options), caller, timeout=30)
        self.assertEqual((outcome.status, outcome.out), (1, ""), outcome.err)
        self.assertIsNone(mount_at(target))
        self.assert_one_line(outcome)
        return outcome.err

    def test_a_second_writer_is_refused(self):
        started = self.serve("ext4")
        image, _ = self.image("ext4", ALICE)
        target = self.mounted(image, ALICE)
        self.assertIn("in use by another", self.refused(image))
        self.assertIn("writes to it", self.refused(image, options="ro"))
        self.unmount(target, ALICE)
        self.ended([started[0]])

    @parametrized(kernel=KERNELS, options=[
        ("rw", ("rw", "the server ended without a word")), ("ro", ("ro", "Journal needs recovery"))])
    def test_a_journal_that_the_server_cannot_replay_is_no_mount(self, kernel, options):
        # fuse2fs 1.47.0 says so where it only reads, and crashes after its mount where it writes.
        self.failing = kernel
        words, reason = options
        started = self.serve("ext4")
        image, _ = self.image("ext4", ALICE)
        system("debugfs", "-w", "-R", "feature needs_recovery", image)
        self.assertIn(reason, self.refused(image, options=words))
        self.assertEqual(self.ended(started)[0], 1)

    def test_readers_share_an_image(self):
        started = self.serve("ext4")
        image, tree = self.image("ext4", ALICE)
        targets = [self.mounted(image, ALICE, "ro") for _ in range(3)]
        for target in targets:
            self.assertEqual(self.seen_by(ALICE, target), hashes(tree))
        for target in targets:
            self.unmount(target, ALICE)
        for process in started:
            self.ended([process])

    def test_the_next_mount_waits_for_the_last_one_to_end(self):
        self.serve("ext4")
        image, _ = self.image("ext4", ALICE)
        with open(image, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            running = self.start_helper(self.words(image, target := self.target(ALICE)), ALICE)
            time.sleep(1)
            self.assertIsNone(running.process.poll())
        outcome = running.finish()
        self.assertEqual((outcome.status, outcome.err), (0, ""))
        self.unmount(target, ALICE)

    def test_an_image_that_may_not_be_written_is_mounted_read_only(self):
        started = self.serve("ext4")
        image, tree = self.image("ext4", ALICE, 0o400)
        target = self.mounted(image, ALICE)
        self.assertIn("ro", mount_at(target).attributes)
        self.assertEqual(self.seen_by(ALICE, target), hashes(tree))
        self.unmount(target, ALICE)
        self.assertIn("may not be written to", self.ended(started)[1])

    def test_an_unknown_option_is_refused_with_those_that_there_are(self):
        self.serve("exfat")
        image, _ = self.image("exfat", ALICE)
        line = self.refused(image, options="bogus")
        self.assertIn("unknown option 'bogus'; there are: ro, rw, uid=, ", line)

    @parametrized(word=["uid=1\\,allow_root", "uid=1\\\\"])
    def test_a_value_cannot_bring_in_another_option_of_the_server(self, word):
        self.serve("exfat")
        image, _ = self.image("exfat", ALICE)
        self.assertIn("a value that it cannot have", self.refused(image, options=word))

    def test_an_option_reaches_the_server(self):
        started = self.serve("exfat")
        image, _ = self.image("exfat", ALICE)
        target = self.mounted(image, ALICE, f"uid={ALICE.uid},umask=077")
        outcome = self.run_as(ALICE, "stat", "-c", "%u %a", target)
        self.assertEqual(outcome.out, f"{ALICE.uid} 700\n")
        self.unmount(target, ALICE)
        self.ended(started)

    def test_others_are_let_in_only_where_the_administrator_permits_it(self):
        self.serve("squashfs")
        image, _ = self.image("squashfs", ALICE)
        self.assertIn("allow_other", self.refused(image, options="allow_other"))
        self.fuse_conf("user_allow_other\n")
        target = self.mounted(image, ALICE, "allow_other")
        # And then only as far as owners and modes permit.
        self.assertLessEqual({"allow_other", "default_permissions"},
                             mount_at(target).superblock)
        self.unmount(target, ALICE)

    def test_a_server_that_asks_for_others_does_not_let_them_in(self):
        # As ntfs-3g does.
        started = self.serve("ntfs")
        image, _ = self.image("ntfs", ROOT)
        target = self.mounted(image, ROOT)
        self.assertNotIn("allow_other", mount_at(target).superblock)
        self.unmount(target, ROOT)
        self.ended(started)


class Endings(Adapted):
    """Servers that end or hang."""

    def server_of(self, adapter):
        """The process that an adapter runs."""
        with open(f"/proc/{adapter.pid}/task/{adapter.pid}/children", encoding="ascii") as file:
            server, = file.read().split()
        return int(server)

    def shell(self, script, *words):
        """A service by a script in the place of a server; the adapter's processes."""
        return self.program(ADAPTER, *words, "--", "/bin/sh", "-c", script, "sh", "{source}",
                            "{mountpoint}")

    def refused(self, *more):
        """The line of a mount that is refused, and how long that took."""
        image = self.file(ALICE)
        outcome = self.helper(self.words(image, self.target(ALICE), *more), ALICE, timeout=30)
        self.assert_refused(outcome)
        self.assert_one_line(outcome)
        return outcome.err.replace(image, "IMAGE"), outcome.seconds

    @parametrized(ending=[("by_a_signal", "kill -9 $$"), ("with_0", "exit 0"),
                          ("with_1", "exit 1")])
    def test_a_server_that_ends_at_once_is_no_mount(self, ending):
        started = self.shell(ending)
        line, _ = self.refused()
        self.assertIn("ended without a word", line)
        self.assertEqual(self.ended(started)[0], 1)

    def test_the_servers_words_have_the_callers_names(self):
        self.shell('printf "Banner 1.0\\n\\n $1 is \\033[31mno image\\n" >&2; echo try fsck; exit 1',
                   "--banner=Banner")
        line, _ = self.refused()
        self.assertIn("IMAGE is \\x1b[31mno image; try fsck", line)
        self.assertNotIn("Banner", line)

    def test_a_server_that_hangs_is_killed_after_its_time(self):
        started = self.shell("echo still looking; exec sleep 1000", "--start-timeout=1")
        line, seconds = self.refused()
        self.assertIn("was not ready after 1 seconds: still looking", line)
        self.assertLess(seconds, 10)
        self.assertEqual(self.ended(started)[0], 1)

    def test_a_server_that_never_stops_writing_is_killed_after_its_time(self):
        self.shell("exec yes", "--start-timeout=1")
        self.assertLess(self.refused()[1], 10)

    @parametrized(kernel=KERNELS, ending=["os._exit(3)", "time.sleep(1000)", "os.kill(0, 9)", "os.kill(os.getpid(), 11)"])
    def test_a_server_that_fails_after_it_asked_for_its_mount_is_no_mount(self, kernel, ending):
        self.failing = kernel
        script = self.file(ROOT, b"import ctypes, os, sys, time\n"
                           b"print('giving up', flush=True)\n"
                           b"libc = ctypes.CDLL(None)\n"
                           b"device = libc.open(b'/dev/fuse', os.O_RDWR)\n"
                           b"done = libc.mount(b'x', b'/mnt', b'fuse', 0, b'fd=%d' % device)\n"
                           b"assert done == 0\n" + ending.encode())
        os.chmod(os.path.dirname(script), 0o755)
        started = self.program(ADAPTER, "--start-timeout=2", "--", "/usr/bin/python3", script,
                               "{source}", "{mountpoint}")
        outcome = self.helper(
            self.words(self.file(ALICE), self.target(ALICE)), ALICE, timeout=30)
        self.assert_refused(outcome)
        self.assert_one_line(outcome)
        self.assertIn("giving up", outcome.err)
        self.assertLess(outcome.seconds, 10)
        self.assertEqual(self.ended(started)[0], 1)

    def test_a_file_that_an_option_names_is_opened_for_the_server_and_no_other(self):
        script = self.file(ROOT, b"import ctypes, os, sys\n"
                           b"libc = ctypes.CDLL(None)\n"
                           b"for path in (*sys.argv[1].split(',')[1:], 'x=/fuse-service-file-2'):\n"
                           b"    number = libc.open(path.partition('=')[2].encode(), os.O_RDONLY)\n"
                           b"    print(path, os.read(number, 9) if number >= 0 else None)\n")
        os.chmod(os.path.dirname(script), 0o755)
        self.program(ADAPTER, "--file-option=journal=", "--", "/usr/bin/python3", script,
                     "{options}", "{source}", "{mountpoint}")
        journal = self.file(ALICE, b"the other", mode=0o600)
        line, _ = self.refused(f"journal={journal}")
        self.assertIn(f"journal={journal} b'the other'; x=/fuse-service-file-2 None", line)

    def test_a_server_that_floods_the_adapter_is_killed_after_its_time(self):
        script = self.file(ROOT, b"import ctypes, os\n"
                           b"libc = ctypes.CDLL(None)\n"
                           b"device = libc.open(b'/dev/fuse', os.O_RDWR)\n"
                           b"libc.mount(b'x', b'/mnt', b'fuse', 0, b'fd=%d' % device)\n"
                           b"while True: os.write(3, bytes(4))\n")
        os.chmod(os.path.dirname(script), 0o755)
        started = self.program(ADAPTER, "--start-timeout=2", "--", "/usr/bin/python3", script,
                               "{source}", "{mountpoint}")
        if not waits_for_init():
            self.skipTest("the kernel is older than 6.18")
        outcome = self.helper(
            self.words(self.file(ALICE), self.target(ALICE)), ALICE, timeout=30)
        self.assert_refused(outcome)
        self.assertLess(outcome.seconds, 10)
        self.assertEqual(self.ended(started)[0], 1)

    def test_a_program_that_is_not_there_is_named(self):
        self.program(ADAPTER, "--", "/nonexistent/server", "{source}", "{mountpoint}")
        line, _ = self.refused()
        self.assertIn("/nonexistent/server", line)

    def test_a_server_gets_nothing_but_what_it_is_given(self):
        self.shell("ls /proc/self/fd | tr '\\n' ' '; env; exit 1")
        line, _ = self.refused()
        # Standard input, the pipe twice, the shim's socket, /dev/fuse and the source are close-on-exec
        # for what the server runs; ls has its own directory open.
        self.assertIn(": 0 1 2 3", line)
        self.assertNotIn("LISTEN", line)
        self.assertNotIn("LD_PRELOAD", line)

    def test_a_caller_that_goes_away_ends_the_server(self):
        started = self.shell("exec sleep 1000")
        running = self.start_helper(self.words(self.file(ALICE), self.target(ALICE)), ALICE)
        eventually(lambda: started and os.path.exists(f"/proc/{started[0].pid}/exe")
                   and os.readlink(f"/proc/{started[0].pid}/exe") == ADAPTER)
        time.sleep(0.3)
        os.kill(running.process.pid, signal.SIGTERM)
        running.finish()
        self.assertEqual(self.ended(started)[0], 1)

    @parametrized(victim=["server", "adapter"])
    def test_a_mount_whose_server_is_killed_answers_at_once_and_is_unmounted(self, victim):
        started = self.serve("squashfs")
        image, _ = self.image("squashfs", ALICE)
        target = self.mounted(image, ALICE)
        server = self.server_of(started[0])
        os.kill(server if victim == "server" else started[0].pid, signal.SIGKILL)
        self.ended(started)
        eventually(lambda: not os.path.exists(f"/proc/{server}"))
        with self.assertRaises(OSError) as caught:
            os.listdir(target)
        self.assertIn(caught.exception.errno, (errno.ENOTCONN, errno.EACCES))
        self.assertIn("Transport endpoint", self.run_as(ALICE, "ls", target).err)
        self.unmount(target, ALICE)

    def test_a_request_to_end_reaches_the_server(self):
        started = self.serve("squashfs")
        image, _ = self.image("squashfs", ALICE)
        target = self.mounted(image, ALICE)
        started[0].send_signal(signal.SIGTERM)
        self.ended(started)
        self.unmount(target, ALICE)

    def test_the_directory_that_stood_for_the_mount_point_is_removed(self):
        before = {name for name in os.listdir("/tmp") if name.startswith("fuse-service-")}
        started = self.serve("squashfs")
        image, _ = self.image("squashfs", ALICE)
        target = self.mounted(image, ALICE)
        self.unmount(target, ALICE)
        self.ended(started)
        after = {name for name in os.listdir("/tmp") if name.startswith("fuse-service-")}
        self.assertEqual(after, before)


class ByHand(unittest.TestCase):
    """The program itself."""

    def run_it(self, *words):
        """Its status and what it says."""
        done = subprocess.run([ADAPTER, *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, env={}, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_help_and_version_are_told(self):
        status, out, _ = self.run_it("--help")
        self.assertEqual(status, 0)
        self.assertIn("{mountpoint}", out)
        self.assertRegex(self.run_it("--version")[1], r"\Afuse-service-adapter \d")

    def test_a_description_that_is_none_is_refused_in_words(self):
        for words, reason in (
                ((), "no server"), (("--bogus", "--"), "--bogus"),
                (("--", "squashfuse"), "absolute path"),
                (("--", "/bin/true", "{source}"), "no {mountpoint}"),
                (("--start-timeout=0", "--"), "from 1 to 300"),
                (("--", "/bin/true", "{source}", "{mountpoint}"), "no LISTEN_FDS")):
            with self.subTest(words=words):
                status, _, err = self.run_it(*words)
                self.assertEqual(status, 1)
                self.assertIn(reason, err)

    def test_it_is_not_started_without_its_shim(self):
        with subprocess.Popen(["mktemp", "-d"], stdout=subprocess.PIPE, text=True) as made:
            folder = made.stdout.read().strip()
        self.addCleanup(shutil.rmtree, folder)
        copy = shutil.copy(ADAPTER, folder)
        done = subprocess.run([copy, "--", "/bin/true", "{source}", "{mountpoint}"],
                              capture_output=True, text=True, env={}, check=False)
        self.assertIn("libfuse-service-shim.so", done.stderr)
