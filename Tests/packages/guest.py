# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a machine lives through with the Debian packages: Tests/packages/run starts it, as root, in a
clean Debian with systemd, once for the first boot and once for the second.

The tests go on from one another, in the order in which they stand; none is left out after a failure.
"""

import grp
import hashlib
import os
import pathlib
import pwd
import re
import stat
import subprocess
import sys
import time
import unittest

PAYLOAD = pathlib.Path("/opt/test")
HELPER = "/usr/sbin/fuservicemount3"
HOME = pathlib.Path("/home/alice")
IMAGE, SQUASHFS, TARGET = HOME / "disk.img", HOME / "tree.squashfs", HOME / "mnt"
AT_BOOT = pathlib.Path("/srv/at-boot")
CONTENT = b"the same file as before\n" * 1000
# Has singlefilefs's library; elsewhere its package has to be built anew.
HAS_LIBFUSE = any(pathlib.Path("/usr/lib").glob("*/libfuse3.so.3"))
# What a package manager and a service manager keep of their own.
KEPT = re.compile(
    r"/(proc|sys|dev|run|tmp|opt/test|home/alice|srv|var/kept|var/log|var/tmp|var/cache"
    r"|var/lib/(apt|dpkg|systemd|private)|etc/(passwd|group|shadow|gshadow|subuid|subgid|\.pwd\.lock)-?$"
    r"|etc/systemd/system)(/|$)")


def run(*words, user=None, check=True, timeout=60):
    """Runs a program, as root or as a user."""
    who = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
        timeout=timeout, check=False, **who)
    if check and done.returncode != 0:
        raise AssertionError(f"{words}: {done.returncode}: {done.stdout}{done.stderr}")
    return done


def install(*packages):
    """dpkg(1) asks nothing about files of configuration, of which there are none."""
    return run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--install", *packages)


def packages(directory):
    """Our packages that can be installed here."""
    return [path for path in sorted((PAYLOAD / directory).glob("*.deb"))
            if HAS_LIBFUSE or not path.name.startswith("singlefilefs")]


def names():
    """How they are called."""
    return [path.name.split("_")[0] for path in packages("debs")]


def listening(kind):
    """Whether the helper finds a service."""
    return run(HELPER, "--check", "-t", f"fuse.{kind}", check=False).returncode == 0


def is_active(unit):
    """Whether the service manager has it running."""
    return run("systemctl", "is-active", "--quiet", unit, check=False).returncode == 0


def is_mounted(target):
    """Whether the mount table has it."""
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        return any(line.split(" ")[4] == str(target) for line in table)


def eventually(condition, timeout=10.0):
    """Whether a condition comes true in time."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def files():
    """All that is on the machine but what others keep."""
    found = set()
    for top, directories, names_here in os.walk("/"):
        directories[:] = [name for name in directories if not KEPT.match(os.path.join(top, name))]
        found.update(path for path in (os.path.join(top, name) for name in names_here + directories)
                     if not KEPT.match(path) and "__pycache__" not in path)
    return found


def links():
    """What the service manager is to start."""
    return {str(path) for path in pathlib.Path("/etc/systemd/system").rglob("*")}


class Machine(unittest.TestCase):
    """A user, her images and her mount point."""

    def setUp(self):
        self.alice = pwd.getpwnam("alice")

    def tearDown(self):
        for target in (TARGET, AT_BOOT):
            if is_mounted(target):
                run("umount", "-l", target)

    def use(self, kind, image, user, words=None):
        """Mounts, reads, and unmounts as the one who mounted."""
        run(*(words or ("mount", "-t", f"fuse.{kind}", image, TARGET)), user=user)
        self.assertEqual((TARGET / "file").read_bytes() if user is None else
                         run("cat", TARGET / "file", user=user).stdout.encode(), CONTENT)
        row = run("findmnt", "-n", "-o", "FSTYPE,SOURCE", TARGET).stdout.split()
        self.assertEqual(row, [f"fuse.{kind}", str(image)])
        run("umount", TARGET, user=user)
        self.assertFalse(is_mounted(TARGET))


class First(Machine):
    """From the first installation to the end of the first boot."""

    before = ()

    @classmethod
    def setUpClass(cls):
        run("useradd", "--create-home", "--shell", "/bin/bash", "alice")
        tree = pathlib.Path("/srv/tree")
        tree.mkdir(parents=True)
        (tree / "file").write_bytes(CONTENT)
        run("truncate", "--size=8M", IMAGE)
        run("mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, IMAGE)
        run("mksquashfs", tree, SQUASHFS, "-quiet")
        TARGET.mkdir()
        AT_BOOT.mkdir()
        alice = pwd.getpwnam("alice")
        for path in (IMAGE, SQUASHFS, TARGET):
            os.chown(path, alice.pw_uid, alice.pw_gid)
        First.before = files(), links()

    def test_01_the_packages_can_be_installed(self):
        # As the README has it; the servers are there.
        run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "install", *packages("debs"),
            "squashfuse", "fuse2fs")
        mode = os.stat(HELPER)
        self.assertEqual((stat.S_IMODE(mode.st_mode), mode.st_uid), (0o4755, 0))

    def test_02_a_socket_listens_for_each_server_that_is_there(self):
        for kind in ("squashfs", "ext2", "ext3", "ext4", *(["singlefilefs"] if HAS_LIBFUSE else [])):
            self.assertTrue(listening(kind), kind)
        for kind in ("zip", "ntfs", "exfat"):
            self.assertFalse(listening(kind), kind)
        listed = run(HELPER, "--list", user=self.alice).stdout
        self.assertIn("ext4", listed)
        self.assertNotIn("zip", listed)

    def test_03_root_and_a_user_mount_and_unmount(self):
        for user in (None, self.alice):
            for kind, image in (("ext4", IMAGE), ("squashfs", SQUASHFS)):
                self.use(kind, image, user)

    def test_04_what_a_user_writes_is_there_afterwards(self):
        run("mount", "-t", "fuse.ext4", IMAGE, TARGET, user=self.alice)
        run("sh", "-c", f"echo kept >{TARGET}/new", user=self.alice)
        run("umount", TARGET, user=self.alice)
        self.assertTrue(eventually(lambda: not run(
            "systemctl", "list-units", "--plain", "--no-legend", "fuse-service-ext4@*").stdout))
        run("e2fsck", "-f", "-n", IMAGE)
        self.assertEqual(run("debugfs", "-R", "cat /new", IMAGE).stdout, "kept\n")

    def test_05_a_user_mounts_what_fstab_allows(self):
        pathlib.Path("/etc/fstab").write_text(
            f"{IMAGE} {TARGET} fuse.ext4 user,noauto 0 0\n", encoding="utf-8")
        run("systemctl", "daemon-reload")
        self.use("ext4", IMAGE, self.alice, ("mount", TARGET))
        pathlib.Path("/etc/fstab").write_text("", encoding="utf-8")
        run("systemctl", "daemon-reload")

    def test_06_systemd_mounts_by_a_unit_and_on_demand(self):
        units = pathlib.Path("/etc/systemd/system")
        name = run("systemd-escape", "--path", AT_BOOT).stdout.strip()
        mount, automount = units / f"{name}.mount", units / f"{name}.automount"
        mount.write_text(f"[Mount]\nWhat={SQUASHFS}\nWhere={AT_BOOT}\nType=fuse.squashfs\n"
                         "Options=ro,allow_other\n", encoding="utf-8")
        automount.write_text(f"[Automount]\nWhere={AT_BOOT}\n", encoding="utf-8")
        run("systemctl", "daemon-reload")
        run("systemctl", "start", mount.name)
        self.assertEqual(run("cat", AT_BOOT / "file", user=self.alice).stdout.encode(), CONTENT)
        run("systemctl", "stop", mount.name)
        self.assertFalse(is_mounted(AT_BOOT))
        run("systemctl", "start", automount.name)
        self.assertFalse(is_active(mount.name))
        self.assertEqual(run("cat", AT_BOOT / "file", user=self.alice).stdout.encode(), CONTENT)
        self.assertTrue(is_active(mount.name))
        run("systemctl", "stop", automount.name, mount.name)
        mount.unlink()
        automount.unlink()
        run("systemctl", "daemon-reload")
        self.assertFalse(is_mounted(AT_BOOT))

    def test_07_one_user_cannot_hold_all_places_where_systemd_tells_users_apart(self):
        version = int(run("systemctl", "--version").stdout.split()[1])
        script = ("import socket\nheld = []\nfor _ in range(300):\n"
                  "    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
                  "    s.connect('/run/filesystems/squashfs')\n    held.append(s)\n"
                  "print('held', flush=True)\ninput()\n")
        with subprocess.Popen(
                ["python3", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                user=self.alice.pw_uid, group=self.alice.pw_gid, extra_groups=[]) as holder:
            self.assertEqual(holder.stdout.readline(), "held\n")
            time.sleep(1)
            count = int(run("systemctl", "show", "--value", "-p", "NConnections",
                            "fuse-service-squashfs.socket").stdout)
            if version >= 256:
                self.assertLessEqual(count, 256)
            else:
                self.assertEqual(count, 300)
            self.use("squashfs", SQUASHFS, None)
            holder.kill()
        self.assertTrue(eventually(lambda: run(
            "systemctl", "show", "--value", "-p", "NConnections",
            "fuse-service-squashfs.socket").stdout == "0\n", 60))

    def test_08_an_administrators_mode_has_the_last_word(self):
        run("groupadd", "mounters")
        run("dpkg-statoverride", "--update", "--add", "root", "mounters", "4750", HELPER)
        install(*packages("debs"))
        mode = os.stat(HELPER)
        self.assertEqual((stat.S_IMODE(mode.st_mode), mode.st_gid),
                         (0o4750, grp.getgrnam("mounters").gr_gid))
        self.assertEqual(run("sh", "-c", HELPER, user=self.alice, check=False).returncode, 126)
        run("dpkg-statoverride", "--remove", HELPER)
        run("groupdel", "mounters")
        install(*packages("debs"))
        self.assertEqual(stat.S_IMODE(os.stat(HELPER).st_mode), 0o4755)

    def test_09_a_server_that_goes_takes_its_socket_along_and_brings_it_back(self):
        run("dpkg", "--remove", "--force-depends", "squashfuse")
        self.assertFalse(listening("squashfs"))
        self.assertNotIn("squashfs", run(HELPER, "--list").stdout)
        self.assertTrue(listening("ext4"))
        install(*pathlib.Path("/var/kept").glob("squashfuse_*.deb"))
        self.use("squashfs", SQUASHFS, self.alice)
        run("systemctl", "disable", "--now", "fuse-service-squashfs.socket")
        run("dpkg", "--remove", "--force-depends", "squashfuse")
        install(*pathlib.Path("/var/kept").glob("squashfuse_*.deb"))
        self.assertFalse(is_active("fuse-service-squashfs.socket"))
        run("systemctl", "enable", "--now", "fuse-service-squashfs.socket")

    def test_10_it_lives_beside_a_fuse3_that_has_a_program_of_its_name(self):
        install(PAYLOAD / "peer.deb")
        self.use("ext4", IMAGE, self.alice)
        self.assertEqual(run(f"{HELPER}.libfuse").stdout, "libfuse\n")
        run("dpkg", "--remove", *names())
        self.assertEqual(run(HELPER).stdout, "libfuse\n")
        install(*packages("debs"))
        self.use("ext4", IMAGE, self.alice)
        run("dpkg", "--purge", "fuse3")
        self.assertFalse(os.path.exists(f"{HELPER}.libfuse"))
        self.use("ext4", IMAGE, self.alice)

    def test_11_an_upgrade_leaves_mounts_and_sockets_as_they_are(self):
        run("mount", "-t", "fuse.squashfs", SQUASHFS, TARGET, user=self.alice)
        install(*packages("later"))
        self.assertEqual(run("cat", TARGET / "file", user=self.alice).stdout.encode(), CONTENT)
        run("umount", TARGET, user=self.alice)
        self.assertTrue(listening("squashfs"))
        self.use("squashfs", SQUASHFS, self.alice)

    def test_12_fstab_is_ready_for_the_next_boot(self):
        pathlib.Path("/etc/fstab").write_text(
            f"{SQUASHFS} {AT_BOOT} fuse.squashfs ro,allow_other,nofail 0 0\n"
            "/srv/none.img /srv/none fuse.squashfs nofail 0 0\n", encoding="utf-8")
        pathlib.Path("/srv/before").write_text(
            "\n".join(sorted(self.before[0])), encoding="utf-8")
        pathlib.Path("/srv/links").write_text(
            "\n".join(sorted(self.before[1])), encoding="utf-8")


class Second(Machine):
    """After a boot with a file system in fstab, to the end of the packages."""

    def test_01_what_fstab_names_was_mounted_at_boot(self):
        self.assertTrue(eventually(lambda: is_mounted(AT_BOOT)), run("journalctl", "-q").stdout)
        self.assertEqual(run("cat", AT_BOOT / "file", user=self.alice).stdout.encode(), CONTENT)
        run("umount", AT_BOOT)

    def test_02_sockets_listen_after_a_boot(self):
        for kind in ("squashfs", "ext4"):
            self.assertTrue(listening(kind), kind)
        self.use("ext4", IMAGE, self.alice)

    def test_03_a_removal_leaves_what_is_mounted_to_its_owner(self):
        digest = hashlib.sha256(CONTENT).hexdigest()
        run("mount", "-t", "fuse.squashfs", SQUASHFS, TARGET, user=self.alice)
        run("dpkg", "--remove", *names())
        self.assertEqual(
            run("sha256sum", TARGET / "file", user=self.alice).stdout.split()[0], digest)
        run("umount", TARGET, user=self.alice)
        self.assertFalse(is_mounted(TARGET))
        self.assertFalse(pathlib.Path(HELPER).exists())

    def test_04_a_purge_leaves_nothing(self):
        run("dpkg", "--purge", *names())
        self.assertTrue(eventually(lambda: not run(
            "systemctl", "list-units", "--all", "--plain", "--no-legend", "fuse-service-*").stdout))
        before = set(pathlib.Path("/srv/before").read_text(encoding="utf-8").split("\n"))
        self.assertEqual(sorted(files() - before), [])
        before = set(pathlib.Path("/srv/links").read_text(encoding="utf-8").split("\n"))
        self.assertEqual(sorted(path for path in links() - before if "fuse" in path), [])
        for directory in ("/run/filesystems", "/run/fuse-service-root"):
            self.assertFalse(os.path.exists(directory), directory)
        self.assertEqual(run("dpkg-divert", "--list", "fuservicemount").stdout, "")


class Result(unittest.TestResult):
    """One line for each failure."""

    def addFailure(self, test, err):
        super().addFailure(test, err)
        print(f"FAIL {test.id()}\n{self._exc_info_to_string(err, test)}", flush=True)

    def addError(self, test, err):
        super().addError(test, err)
        print(f"FAIL {test.id()}\n{self._exc_info_to_string(err, test)}", flush=True)


def main():
    """Runs the tests of this boot, prints the sum."""
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(
        {"first": First, "second": Second}[sys.argv[1]])
    result = Result()
    suite.run(result)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed", flush=True)
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
