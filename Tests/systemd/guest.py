# SPDX-License-Identifier: LGPL-2.1-or-later
"""The services of packaging/services under systemd, used as users use them: by mount(8).

Tests/systemd/run starts it inside, as root. The machine is thrown away afterwards.
"""

import errno
import hashlib
import http.server
import os
import pathlib
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PAYLOAD = pathlib.Path("/opt/test")
LIBEXEC = pathlib.Path("/usr/libexec")
HELPER = "/usr/sbin/fuservicemount3"
DEEP = (PAYLOAD / "deep").read_text(encoding="ascii").strip() != ""
MIB = 1 << 20
# Of each image, how many are damaged in each way.
DAMAGED = 200 if DEEP else 3
CONTENT = {"empty": 0, "some/short": 100, "some/folder/long": 3 * MIB // 2}


def run(*words, user=None, check=True, timeout=60):
    """Runs a program, as root or as a user."""
    who = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
        timeout=timeout, check=False, **who)
    if check and done.returncode != 0:
        raise AssertionError(f"{words}: {done.returncode}: {done.stdout}{done.stderr}")
    return done


def empty(size, *maker):
    """A maker of an image with nothing in it."""
    def make(image, _tree):
        run("truncate", f"--size={size}", image)
        run(*maker, image)
    return make


def ext(kind):
    """A maker of an image of ext2, ext3 or ext4."""
    def make(image, tree):
        run("truncate", "--size=8M", image)
        run("mke2fs", "-q", "-F", "-t", kind, "-d", tree, image)
    return make


def zipped(image, tree):
    """zip(1) makes its archive where it stands."""
    run("sh", "-c", 'cd "$1" && zip -qr "$2" .', "sh", tree, image)


# How an image of each type is made, with the tree in it where its tool can, and what checks it where
# it can be written.
TYPES = {
    "squashfs": (lambda image, tree: run("mksquashfs", tree, image, "-quiet"), None),
    "ext2": (ext("ext2"), ("e2fsck", "-f", "-n")),
    "ext3": (ext("ext3"), ("e2fsck", "-f", "-n")),
    "ext4": (ext("ext4"), ("e2fsck", "-f", "-n")),
    "iso9660": (lambda image, tree: run("genisoimage", "-quiet", "-R", "-o", image, tree), None),
    "exfat": (empty("8M", "mkfs.exfat"), ("fsck.exfat", "-n")),
    "vfat": (empty("8M", "mkfs.vfat"), ("fsck.vfat", "-n")),
    "msdos": (empty("1440K", "mkfs.vfat"), ("fsck.vfat", "-n")),
    "fat": (empty("64M", "mkfs.vfat", "-F", "32"), ("fsck.vfat", "-n")),
    "zip": (zipped, None),
    "archive": (lambda image, tree: run("tar", "-C", tree, "-cf", image, "."), None),
    "ntfs": (empty("8M", "mkntfs", "-q", "-F", "-f"), ("ntfsfix", "-n")),
}
EMPTY = ("exfat", "vfat", "msdos", "fat", "ntfs")
# Of those with one server, the images of one are damaged.
ALIKE = ("ext2", "ext3", "msdos", "fat")


class Services(unittest.TestCase):
    """A user, his images and his mount points."""

    def setUp(self):
        self.root = pwd.getpwuid(0)
        self.alice = pwd.getpwnam("alice")
        self.base = pathlib.Path(tempfile.mkdtemp(dir="/home/alice"))
        os.chmod(self.base, 0o755)
        self.addCleanup(shutil.rmtree, self.base)
        self.targets = []
        self.addCleanup(self.leave_nothing)

    def leave_nothing(self):
        """Nothing is mounted and no service runs when a test ends."""
        for target in self.targets:
            if os.path.ismount(target) or self.is_mounted(target):
                run("umount", "-l", target, check=False)
        self.wait_for_no_service()

    def is_mounted(self, target):
        """Whether the mount table has it; its server need not live."""
        with open("/proc/self/mountinfo", encoding="utf-8") as table:
            return any(line.split(" ")[4] == str(target) for line in table)

    def services(self):
        """The instances that the service manager knows of."""
        done = run("systemctl", "list-units", "--all", "--plain", "--no-legend", "--type=service",
                   "fuse-service-*")
        return [line.split()[0] for line in done.stdout.splitlines() if line.strip()]

    def wait_for_no_service(self):
        """Each ends with its mount, and is forgotten, failed or not."""
        end = time.monotonic() + 15
        while self.services():
            if time.monotonic() > end:
                raise AssertionError(f"left: {self.services()}")
            time.sleep(0.05)

    def image(self, kind, user):
        """A new image, that only its owner may read, and the tree in it."""
        tree = self.base / f"tree.{kind}"
        for name, size in CONTENT.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes(os.urandom(size))
        image = self.base / f"disk image.{kind}"
        TYPES[kind][0](image, tree)
        os.chown(image, user.pw_uid, user.pw_gid)
        os.chmod(image, 0o600)
        return image, tree

    def target(self, user):
        """A new mount point."""
        target = pathlib.Path(tempfile.mkdtemp(dir=self.base))
        os.chown(target, user.pw_uid, user.pw_gid)
        self.targets.append(target)
        return target

    def mount(self, kind, image, user, options=None, check=True):
        """Mounts an image as users do."""
        target = self.target(user)
        done = run("mount", "-t", f"fuse.{kind}", *(["-o", options] if options else []), image,
                   target, user=user, check=False)
        if check:
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        return target, done

    def unmount(self, target, user):
        """And unmounts it."""
        run("umount", target, user=user)
        self.assertFalse(self.is_mounted(target))

    def seen(self, target, user):
        """The hash of each file that a user sees."""
        done = run("bash", "-o", "pipefail", "-c",
                   'cd "$1" && find . -type f ! -path "./lost+found/*" -print0 '
                   '| xargs -0 -r sha256sum', "bash", target, user=user)
        return {line[66:].removeprefix("./"): line[:64] for line in done.stdout.splitlines()}

    def server(self, kind):
        """The processes of the only service of a type."""
        unit, = [name for name in self.services() if name.startswith(f"fuse-service-{kind}@")]
        group = run("systemctl", "show", "--value", "-p", "ControlGroup", unit).stdout.strip()
        with open(f"/sys/fs/cgroup{group}/cgroup.procs", encoding="ascii") as file:
            return [int(line) for line in file]


def hashes(tree):
    """The hash of each file of a tree."""
    return {str(path.relative_to(tree)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in tree.rglob("*") if path.is_file()}


class Mounts(Services):
    """Each type, for a user without rights and for root."""

    def read(self, kind, user):
        """A tree is read as it was put in, and a service is gone after its mount."""
        image, tree = self.image(kind, user)
        target, _ = self.mount(kind, image, user)
        self.assertEqual(self.seen(target, user), hashes(tree))
        self.unmount(target, user)
        self.wait_for_no_service()

    def write(self, kind, user):
        """What is written is there after another mount, and the image is sound."""
        image, tree = self.image(kind, user)
        (tree / "some/folder/long").write_bytes(os.urandom(MIB))
        target, _ = self.mount(kind, image, user)
        run("cp", "-r", tree, target / "new", user=user)
        self.unmount(target, user)
        self.wait_for_no_service()
        run(*TYPES[kind][1], image)
        target, _ = self.mount(kind, image, user, "ro")
        self.assertEqual(self.seen(target / "new", user), hashes(tree))
        refused = run("touch", target / "more", user=user, check=False)
        self.assertIn("Read-only file system", refused.stderr)
        self.unmount(target, user)
        self.wait_for_no_service()

    def test_the_reference_server_shows_an_image(self):
        for user in (self.alice, self.root):
            image = self.base / "image"
            image.write_bytes(os.urandom(MIB))
            os.chown(image, user.pw_uid, user.pw_gid)
            target, _ = self.mount("singlefilefs", image, user)
            run("cmp", image, target / "image", user=user)
            self.unmount(target, user)
            self.wait_for_no_service()


class Ranges(http.server.SimpleHTTPRequestHandler):
    """A web server that sends parts of files, which http.server does not."""

    def do_GET(self):
        """One part, or what http.server sends."""
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        path = self.translate_path(self.path)
        if not found or not os.path.isfile(path):
            super().do_GET()
            return
        with open(path, "rb") as file:
            data = file.read()
        first, last = int(found[1]), min(int(found[2]), len(data) - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(last + 1 - first))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        self.wfile.write(data[first:last + 1])

    def log_message(self, *_):
        """Nothing is logged."""


class Web(Services):
    """A directory of a web server."""

    def serve(self):
        """A web server for a tree; its address and the tree."""
        _, tree = self.image("archive", self.alice)
        (tree / "empty").unlink()  # has no part to send
        web = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0),
            lambda *words: Ranges(*words, directory=str(tree)))
        threading.Thread(target=web.serve_forever, daemon=True).start()
        self.addCleanup(web.server_close)
        self.addCleanup(web.shutdown)
        return f"http://127.0.0.1:{web.server_port}/", tree

    def test_a_tree_is_read_as_it_is_on_the_server(self):
        address, tree = self.serve()
        for user in (self.alice, self.root):
            target, _ = self.mount("http", address, user)
            self.assertEqual(self.seen(target, user), hashes(tree))
            self.unmount(target, user)
            self.wait_for_no_service()

    def test_an_address_where_nobody_answers_is_refused(self):
        _, done = self.mount("http", "http://127.0.0.1:9/", self.alice, check=False)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)

    def test_what_is_no_address_is_refused(self):
        _, done = self.mount("http", "/etc/passwd", self.alice, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is no http:// or https:// address", done.stderr)


class Contained(Services):
    """What a server is behind its unit."""

    def test_a_server_has_no_right_and_no_view(self):
        image, _ = self.image("ext4", self.alice)
        target, _ = self.mount("ext4", image, self.alice)
        processes = self.server("ext4")
        self.assertEqual(len(processes), 2)  # adapter and server
        for process in processes:
            status = pathlib.Path(f"/proc/{process}/status").read_text(encoding="ascii")
            fields = dict(re.findall(r"^(\w+):\s*(.*)$", status, re.MULTILINE))
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(int(fields[name], 16), 0, name)
            self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"))
            self.assertGreaterEqual(int(fields["Uid"].split()[0]), 61184)  # a dynamic user
            for space in ("net", "mnt", "user", "ipc"):
                self.assertNotEqual(os.readlink(f"/proc/{process}/ns/{space}"),
                                    os.readlink(f"/proc/self/ns/{space}"), space)
            # Nothing of the machine but its programs and libraries.
            self.assertLessEqual(
                set(os.listdir(f"/proc/{process}/root")),
                {"bin", "dev", "etc", "home", "lib", "lib32", "lib64", "mnt", "proc", "root", "run", "sbin",
                 "sys", "tmp", "usr", "var"})
            # The root is all services'; those with more to see leave empty places in it.
            for path in pathlib.Path(f"/proc/{process}/root/etc").rglob("*"):
                self.assertTrue(path.is_dir() or path.stat().st_size == 0, path)
        self.unmount(target, self.alice)

    def test_each_unit_is_as_tight_as_upstreams(self):
        for unit in sorted((PAYLOAD / "made").glob("*@.service")):
            # In tenths; the one with a network cannot be as tight.
            limit = 13 if unit.name == "fuse-service-http@.service" else 5
            done = run("systemd-analyze", "security", "--no-pager", f"--threshold={limit}",
                       unit.name.replace("@", "@x"), check=False)
            self.assertEqual(done.returncode, 0, done.stdout[-200:])

    def test_a_mount_whose_server_is_killed_under_load_answers_at_once(self):
        image, _ = self.image("ext4", self.alice)
        target, _ = self.mount("ext4", image, self.alice)
        load = [subprocess.Popen(
            ["sh", "-c", 'while cat "$1"/some/folder/long >"$1"/copy; do :; done', "sh", target],
            user=self.alice.pw_uid, group=self.alice.pw_gid, extra_groups=[],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(4)]
        time.sleep(0.3)
        os.kill(max(self.server("ext4")), signal.SIGKILL)
        for process in load:
            process.wait(10)
        self.wait_for_no_service()
        done = run("ls", target, user=self.alice, check=False, timeout=5)
        self.assertIn(os.strerror(errno.ENOTCONN), done.stderr)
        self.unmount(target, self.alice)

    def test_stopping_the_service_ends_the_mount_in_order(self):
        image, _ = self.image("ext4", self.alice)
        target, _ = self.mount("ext4", image, self.alice)
        run("cp", "/etc/services", target / "new", user=self.alice)
        unit, = self.services()
        run("systemctl", "stop", unit)
        self.wait_for_no_service()
        if self.is_mounted(target):
            self.unmount(target, self.alice)
        run("e2fsck", "-f", "-n", image)

    def test_a_server_that_does_not_want_to_stop_is_stopped_in_its_time(self):
        units = pathlib.Path("/etc/systemd/system")
        for suffix in (".socket", "@.service"):
            text = (units / f"fuse-service-singlefilefs{suffix}").read_text(encoding="utf-8")
            text = text.replace("filesystems/singlefilefs", "filesystems/stubborn")
            (units / f"fuse-service-stubborn{suffix}").write_text(
                re.sub("(?m)^ExecStart=.*", "ExecStart=sh -c \"trap '' TERM; read word\"\n"
                       "StandardInput=socket", text), encoding="utf-8")
        run("systemctl", "daemon-reload")
        run("systemctl", "start", "fuse-service-stubborn.socket")
        self.addCleanup(run, "systemctl", "stop", "fuse-service-stubborn.socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.connect("/run/filesystems/stubborn")
            time.sleep(1)
            begun = time.monotonic()
            run("systemctl", "stop", "fuse-service-stubborn@*")
            took = time.monotonic() - begun
        self.assertGreater(took, 5, "it did not ignore SIGTERM")
        self.assertLess(took, 20)

    def test_more_connections_than_a_trigger_limit_leave_the_socket_there(self):
        image, _ = self.image("squashfs", self.alice)
        bad = self.base / "bad"
        bad.write_bytes(bytes(4096))
        os.chmod(bad, 0o644)
        for _ in range(25):
            _, done = self.mount("squashfs", bad, self.alice, check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
        target, _ = self.mount("squashfs", image, self.alice)
        self.unmount(target, self.alice)

    def test_silent_connections_of_a_user_leave_room_for_others(self):
        image, tree = self.image("squashfs", self.root)
        script = ("import socket, time\nheld = []\nfor _ in range(80):\n"
                  "    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
                  "    s.connect('/run/filesystems/squashfs')\n    held.append(s)\n"
                  "print('held', flush=True)\ntime.sleep(1000)\n")
        with subprocess.Popen(
                ["python3", "-c", script], stdout=subprocess.PIPE, text=True,
                user=self.alice.pw_uid, group=self.alice.pw_gid, extra_groups=[]) as holder:
            self.addCleanup(holder.kill)
            self.assertEqual(holder.stdout.readline(), "held\n")
            target, _ = self.mount("squashfs", image, self.root)
            self.assertEqual(self.seen(target, self.root), hashes(tree))
            self.unmount(target, self.root)
            holder.kill()

    def test_a_type_can_be_for_a_group(self):
        image, tree = self.image("zip", self.alice)
        made = self.base / "made"
        run("python3", "-B", PAYLOAD / "units.py", "--group", "disk", made, "zip")
        unit = pathlib.Path("/etc/systemd/system/fuse-service-zip.socket")
        before = unit.read_bytes()
        self.addCleanup(run, "systemctl", "restart", "fuse-service-zip.socket")
        self.addCleanup(run, "systemctl", "daemon-reload")
        self.addCleanup(unit.write_bytes, before)
        shutil.copy(made / "fuse-service-zip.socket", unit)
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", "fuse-service-zip.socket")
        _, done = self.mount("zip", image, self.alice, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Permission denied", done.stderr)
        run("usermod", "-aG", "disk", "alice")
        self.addCleanup(run, "gpasswd", "-d", "alice", "disk")
        target = self.target(self.alice)
        run("su", "alice", "-s", "/bin/sh", "-c",
            f"mount -t fuse.zip '{image}' {target}")
        self.assertEqual(self.seen(target, self.alice), hashes(tree))
        self.unmount(target, self.alice)


REFUSALS = ("EPERM", "EACCES", "ENOENT", "EROFS", "EAFNOSUPPORT", "ENOSPC", "EBUSY", "EAGAIN",
            "EMFILE", "MemoryError", "few", "over")


class Hostile(Services):
    """A server that was taken over."""

    def outcomes(self):
        """What came of each attempt, by its name."""
        description = "types: hostile\nadapter: -- /usr/bin/python3 -I -S /usr/libexec/hostile.py " \
                      "{source} {mountpoint}\n"
        (PAYLOAD / "services/hostile").write_text(description, encoding="utf-8")
        shutil.copy(PAYLOAD / "hostile.py", LIBEXEC)
        made = self.base / "made"
        run("python3", "-B", PAYLOAD / "units.py", made, "hostile")
        for unit in made.glob("fuse-service-hostile*"):
            shutil.copy(unit, "/etc/systemd/system")
        run("systemctl", "daemon-reload")
        run("systemctl", "start", "fuse-service-hostile.socket")
        secret = pathlib.Path("/home/alice/secret")
        secret.write_text("secret", encoding="ascii")
        secret.chmod(0o644)
        image = self.base / "image"
        image.write_bytes(bytes(4096))
        os.chown(image, self.alice.pw_uid, self.alice.pw_gid)
        target = self.target(self.alice)
        done = run(HELPER, image, target, "-t", "fuse.hostile", user=self.alice, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        end = time.monotonic() + 60
        while True:
            log = run("journalctl", "-q", "-o", "cat", "-u", "fuse-service-hostile@*").stdout
            if "attempt all: over" in log:
                break
            self.assertLess(time.monotonic(), end, log)
            time.sleep(0.2)
        self.unmount(target, self.alice)
        return dict(re.findall(r"^attempt (.*): (.*)$", log, re.MULTILINE))

    def test_nothing_that_a_server_tries_succeeds(self):
        outcomes = self.outcomes()
        self.assertGreater(len(outcomes), 60)
        # Refused, or not there; not that it was asked for in a wrong way.
        self.assertEqual({name: outcome for name, outcome in outcomes.items()
                          if outcome not in REFUSALS}, {}, outcomes)


class Added(Services):
    """A service that somebody adds."""

    def test_the_one_of_the_readme_works(self):
        text = (PAYLOAD / "services/README.md").read_text(encoding="utf-8")
        example, = re.findall(r"^```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        (PAYLOAD / "services/wim").write_text(example, encoding="utf-8")
        made = self.base / "made"
        run("python3", "-B", PAYLOAD / "units.py", made, "wim")
        for unit in made.glob("fuse-service-wim*"):
            shutil.copy(unit, "/etc/systemd/system")
        os.symlink(os.readlink(made / "sbin/mount.fuse.wim"), "/usr/sbin/mount.fuse.wim")
        run("systemctl", "daemon-reload")
        run("systemctl", "start", "fuse-service-wim.socket")
        _, tree = self.image("archive", self.alice)
        image = self.base / "install.wim"
        run("wimcapture", tree, image)
        os.chown(image, self.alice.pw_uid, self.alice.pw_gid)
        os.chmod(image, 0o600)
        target, _ = self.mount("wim", image, self.alice)
        self.assertEqual(self.seen(target, self.alice), hashes(tree))
        self.unmount(target, self.alice)


class Damaged(Services):
    """Images that something went wrong with."""

    def damage(self, kind):
        """No damaged image hangs the user, or leaves a mount or a service."""
        whole, _ = self.image(kind, self.alice)
        content = whole.read_bytes()
        chance = random.Random(kind)
        broken = self.base / "broken"
        for number in range(3 * DAMAGED):
            data = bytearray(content)
            if number % 3 == 0:
                del data[chance.randrange(len(data)):]
            elif number % 3 == 1:
                for _ in range(chance.randrange(1, 64)):
                    place = chance.randrange(min(len(data), 64 * 1024))
                    data[place] ^= 1 << chance.randrange(8)
            else:
                place = chance.randrange(4096)
                data[place:place + 512] = bytes(512)
            broken.write_bytes(data)
            os.chown(broken, self.alice.pw_uid, self.alice.pw_gid)
            target, done = self.mount(kind, broken, self.alice, "ro", check=False)
            if done.returncode == 0:
                # Whatever it shows, it answers.
                run("sh", "-c", 'find "$1" -type f -print0 | xargs -0 -r cat >/dev/null', "sh",
                    target, user=self.alice, check=False, timeout=60)
                self.unmount(target, self.alice)
            else:
                self.assertFalse(self.is_mounted(target))
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            target.rmdir()
            self.targets.remove(target)


def expand():
    """One test for each type and user."""
    def add(cls, name, body):
        body.__name__ = name
        setattr(cls, name, body)
    for kind, (_, check) in TYPES.items():
        for user in ("alice", "root"):
            if kind not in EMPTY:
                add(Mounts, f"test_{kind}_is_read_by_{user}",
                    lambda self, kind=kind, user=user: self.read(kind, getattr(self, user)))
            if check:
                add(Mounts, f"test_{kind}_is_written_by_{user}",
                    lambda self, kind=kind, user=user: self.write(kind, getattr(self, user)))
        if kind not in ALIKE:
            add(Damaged, f"test_damaged_{kind}", lambda self, kind=kind: self.damage(kind))


def install():
    """Puts everything where the README puts it."""
    run("ip", "link", "set", "lo", "up")
    run("useradd", "--create-home", "alice")
    os.chmod("/home/alice", 0o755)
    shutil.copy(PAYLOAD / "fuservicemount3", HELPER)
    os.chmod(HELPER, 0o4755)
    LIBEXEC.mkdir(exist_ok=True)
    run("systemd-tmpfiles", "--create", PAYLOAD / "tmpfiles.conf")
    for name in ("fuservicemount3-companion", "singlefilefs", "fuse-service-adapter",
                 "libfuse-service-shim.so"):
        shutil.copy(PAYLOAD / name, LIBEXEC / name)
        os.chmod(LIBEXEC / name, 0o755)
    made = PAYLOAD / "made"
    for unit in made.glob("*.s*"):
        shutil.copy(unit, "/etc/systemd/system")
    for link in (made / "sbin").iterdir():
        os.symlink(os.readlink(link), f"/usr/sbin/{link.name}")
    # In a namespace of processes nobody may protect himself from the machine's want of memory.
    drop_in = pathlib.Path("/etc/systemd/system/service.d")
    drop_in.mkdir()
    (drop_in / "test.conf").write_text("[Service]\nOOMScoreAdjust=0\n", encoding="ascii")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", *(unit.name for unit in made.glob("*.socket")))


class Result(unittest.TestResult):
    """One line for each failure."""

    def addFailure(self, test, err):
        super().addFailure(test, err)
        print(f"FAIL {test.id()}\n{self._exc_info_to_string(err, test)}", flush=True)

    def addError(self, test, err):
        super().addError(test, err)
        print(f"FAIL {test.id()}\n{self._exc_info_to_string(err, test)}", flush=True)


def main():
    """Installs, runs the tests, prints the sum."""
    install()
    expand()
    words = (PAYLOAD / "arguments").read_text(encoding="utf-8").split()
    wanted = [word for word in words if word != "-k"]
    tests = [test for cls in (Mounts, Web, Contained, Hostile, Added, Damaged)
             for test in unittest.defaultTestLoader.loadTestsFromTestCase(cls)
             if not wanted or any(word in test.id() for word in wanted)]
    result = Result()
    for test in tests:
        begun = time.monotonic()
        test.run(result)
        print(f"{test.id()} ({time.monotonic() - begun:.1f} s)", flush=True)
    failed = len({test for test, _ in result.failures + result.errors})
    print(f"{len(tests) - failed} passed, {failed} failed", flush=True)
    return 1 if failed or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
