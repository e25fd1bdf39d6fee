# SPDX-License-Identifier: LGPL-2.1-or-later
"""The run that packaging/picture draws: types COMMANDS into a shell of a user without rights.

packaging/picture has Tests/systemd/run start it inside, as root, in the place of that test's
measurement. What the terminal got stands behind RECORDING on one line of what this prints. The
machine is thrown away afterwards.
"""

import base64
import os
import pathlib
import pty
import pwd
import select
import signal
import sys
import termios
import time

import guest
from guest import run

RECORDING = "recording: "
PROMPT = b"alice:~$ "
LINES, COLUMNS = 40, 84
LIMIT = 60  # seconds for one command
MODIFIED = 1735689600  # the image: in 2025, so that ls(1) shows the year, whatever today is
COMMANDS = (
    "ls -lh disk.img",
    "mount -t fuse.ext4 disk.img ~/mnt",
    "ls ~/mnt",
    "cat ~/mnt/hello.txt",
    "findmnt -o SOURCE,FSTYPE,OPTIONS ~/mnt",
    "# Its server: no capability, no way to one, a filter of system calls.",
    "grep -E 'CapBnd|NoNewPrivs|Seccomp:' /proc/$(pgrep fuse2fs)/status",
    "umount ~/mnt",
)


def forget_users():
    """Takes the machine's users away, so that the new one gets the same number everywhere."""
    for name in ("passwd", "group"):
        path = pathlib.Path("/etc") / name
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(line for line in lines
                                if not 1000 <= int(line.split(":")[2]) < 60000), encoding="utf-8")


def furnish(alice):
    """An ext4 image with a few files in it, and an empty directory, of the user's."""
    home = pathlib.Path(alice.pw_dir)
    for entry in home.iterdir():
        entry.unlink()
    (home / "mnt").mkdir()
    content = pathlib.Path("/tmp/content")
    (content / "photos").mkdir(parents=True)
    (content / "hello.txt").write_text("Hello from inside the image.\n", encoding="utf-8")
    image = home / "disk.img"
    run("truncate", "--size=16M", image)
    run("mke2fs", "-q", "-t", "ext4", "-E", f"root_owner={alice.pw_uid}:{alice.pw_gid}",
        "-d", content, image)
    image.chmod(0o600)
    os.utime(image, (MODIFIED, MODIFIED))
    for path in (image, home / "mnt"):
        os.chown(path, alice.pw_uid, alice.pw_gid)


def shell():
    """A shell of the user's on a terminal of its own: its process and the terminal's other end."""
    child, terminal = pty.fork()
    if child == 0:
        termios.tcsetwinsize(0, (LINES, COLUMNS))
        os.execv("/usr/sbin/runuser", [
            "runuser", "-u", "alice", "--", "env", "-i", "-C", "/home/alice", "HOME=/home/alice",
            "USER=alice", "TERM=dumb", "LC_ALL=C.UTF-8", "TZ=UTC", "HISTFILE=", "INPUTRC=/dev/null",
            "PATH=/usr/local/bin:/usr/bin:/bin", f"PS1={PROMPT.decode()}",
            "bash", "--noprofile", "--norc", "-i"])
    return child, terminal


def until_prompt(terminal, seen):
    """Reads what the terminal gets until the shell asks for the next command."""
    end = time.monotonic() + LIMIT
    while not seen.endswith(PROMPT):
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        if not ready:
            raise TimeoutError(f"no prompt: {seen!r}")
        seen += os.read(terminal, 4096)
    return seen


def record():
    """Types one command after the other; what was on the terminal in the end."""
    child, terminal = shell()
    seen = until_prompt(terminal, b"")
    for command in COMMANDS:
        os.write(terminal, command.encode() + b"\n")
        # What is typed comes back, and the prompt for the next one on a line of its own.
        seen = until_prompt(terminal, seen + b"\0").replace(b"\0", b"")
    os.kill(child, signal.SIGHUP)
    os.close(terminal)
    os.waitpid(child, 0)
    return seen


def main():
    """Installs, records, prints."""
    forget_users()
    guest.install()
    furnish(pwd.getpwnam("alice"))
    print(RECORDING + base64.b64encode(record()).decode(), flush=True)
    print("1 passed, 0 failed", flush=True)


if __name__ == "__main__":
    sys.exit(main())
