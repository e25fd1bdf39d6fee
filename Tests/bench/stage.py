# SPDX-License-Identifier: LGPL-2.1-or-later
"""The place where everything is measured: a mount namespace with the programs and their services."""

import contextlib
import ctypes
import os
import platform
import shutil
import subprocess
import tempfile

SOURCES = os.path.dirname(os.path.abspath(__file__))
BUILT = os.path.join(os.path.dirname(os.path.dirname(SOURCES)), ".build", "embedded", "release")
SOCKETS = "/run/filesystems"
# Who mounts, and as whom the servers run.
USER, SERVER = 65534, 65533
# The limit of mount_max, which nobody comes near, however many mounts there are.
MOUNT_MAX = 40000
LIBC = ctypes.CDLL(None, use_errno=True)


def call(name, *words):
    """Calls a function of the C library that has to succeed."""
    words = [word.encode() if isinstance(word, str) else word for word in words]
    if getattr(LIBC, name)(*words) < 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


def run(*words):
    """Runs a command that has to succeed."""
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def stage(helpers, servers):
    """The directory of a stage, which is gone afterwards."""
    base = tempfile.mkdtemp(prefix="bench.")
    try:
        furnish(base, helpers, servers)
        yield base
    finally:
        # What is mounted below goes as well, and the servers end with their mounts.
        subprocess.run(["umount", "-l", base], stderr=subprocess.DEVNULL, check=False)
        os.rmdir(base)


def furnish(base, helpers, servers):
    """A namespace with set-user-ID copies, the device as everywhere, and no other services."""
    call("unshare", 0x20000)  # CLONE_NEWNS
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", base)
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    os.makedirs(SOCKETS)
    os.mkdir("/run/mount")
    os.mknod(f"{base}/fuse", 0o666 | 0o020000, os.makedev(10, 229))
    os.chmod(f"{base}/fuse", 0o666)
    run("mount", "--bind", f"{base}/fuse", "/dev/fuse")
    os.mkdir(f"{base}/mnt")
    os.chown(f"{base}/mnt", USER, USER)
    for name, path in helpers.items():
        shutil.copyfile(path, f"{base}/{name}.helper")
        os.chmod(f"{base}/{name}.helper", 0o4755)
    for name, path in servers.items():
        shutil.copyfile(path, f"{base}/{name}.server")
        os.chmod(f"{base}/{name}.server", 0o755)
    os.makedirs(f"{base}/libexec")
    shutil.copy(f"{BUILT}/fuservicemount3-companion", f"{base}/libexec/fuservicemount3-companion")
    run("mount", "-t", "overlay", "-o", f"ro,lowerdir={base}/libexec:/usr/libexec", "overlay",
        "/usr/libexec")
    os.makedirs(f"{base}/etc")
    with open(f"{base}/etc/fuse.conf", "w", encoding="ascii") as file:
        file.write(f"mount_max = {MOUNT_MAX}\n")
    run("mount", "-t", "overlay", "-o", f"ro,lowerdir={base}/etc:/etc", "overlay", "/etc")
    for name in ("rounds", "together", "service", "spawner", "check"):
        build(base, name)
    small = static()
    build(base, "minimal", options=small)
    build(base, "minimal", made="timed", options=["-DTIMED", *small])
    for name in ("check", "minimal"):
        os.chmod(f"{base}/{name}.bin", 0o4755)


def build(base, name, made=None, options=()):
    """Compiles a program of this directory."""
    compiler = next(filter(shutil.which, ("cc", "clang", "/opt/swift/usr/bin/clang")), "cc")
    # A library in the options follows what needs it.
    run(compiler, "-O2", "-o", f"{base}/{made or name}.bin", f"{SOURCES}/{name}.c", *options)


def static():
    """How a program is linked that starts as fast as one can: as the own one is, with musl, where it is
    found in Debian's place. What a loader takes, or the start of a larger library, is nothing that a
    mount needs."""
    machine = platform.machine()
    library, headers = f"/usr/lib/{machine}-linux-musl", f"/usr/include/{machine}-linux-musl"
    if not os.path.isfile(f"{library}/libc.a"):
        print("the minimal C mount has glibc, which starts more slowly: no musl (musl-dev)")
        return ["-static"]
    return ["-static", "-fno-stack-protector", "-nostdinc", "-isystem", headers,
            "-idirafter", "/usr/include", "-idirafter", f"/usr/include/{machine}-linux-gnu",
            "-nostdlib", f"{library}/crt1.o", f"{library}/libc.a"]


@contextlib.contextmanager
def listening(*words):
    """A program that listens when it has said so; it is ended afterwards."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        try:
            process.stdout.readline()
            yield process
        finally:
            process.kill()


def service(base, name, *table):
    """A service that answers in its own process."""
    return listening(f"{base}/service.bin", f"{SOCKETS}/{name}", f"{base}/mnt", *table)


def spawned(base, name):
    """A service whose server is started for each connection."""
    return listening(f"{base}/spawner.bin", f"{SOCKETS}/{name}", str(SERVER),
                     f"{base}/{name}.server")
