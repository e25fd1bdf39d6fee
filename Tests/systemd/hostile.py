# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server that was taken over by its image: it serves one mount, and tries what it can.

Each attempt is a line of standard output, `attempt NAME: OUTCOME`; what failed is named by its errno.
"""

import ctypes
import errno
import os
import signal
import socket
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
SYSCALLS = {"mount": 165, "pivot_root": 155, "unshare": 272, "setns": 308, "fsopen": 430,
            "open_tree": 428, "ptrace": 101, "process_vm_readv": 310, "pidfd_getfd": 438,
            "bpf": 321, "keyctl": 250, "init_module": 175, "reboot": 169, "swapon": 167,
            "perf_event_open": 298, "userfaultfd": 323, "settimeofday": 164, "chroot": 161,
            "mknod": 133}
FILES = ("/etc/passwd", "/etc/shadow", "/etc/hostname", "/home/alice/secret", "/root/.bashrc",
         "/run/systemd/private", "/var/log/journal", "/proc/1/environ", "/proc/1/mem", "/proc/kcore",
         "/proc/kallsyms", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger",
         "/proc/acpi/wakeup", "/sys/kernel/debug", "/sys/firmware/dmi/tables/DMI", "/proc/mounts", "/sys/kernel/uevent_seqnum", "/dev/mem", "/dev/console",
         "/opt/test/guest.py")
PLACES = ("/", "/usr", "/usr/bin", "/etc", "/var", "/run", "/home", "/dev", "/dev/shm", "/dev/mqueue", "/tmp", "/var/tmp",
          "/mnt", "/opt", "/srv",
          "/sys", "/sys/fs/cgroup", "/sys/kernel", "/proc/sys/kernel", "/proc/self/attr")


def tell(name, outcome):
    """One line."""
    print(f"attempt {name}: {outcome}", flush=True)


def attempt(name, action):
    """Tells how an action went."""
    try:
        action()
    except (OSError, MemoryError) as error:
        code = getattr(error, "errno", None)
        tell(name, errno.errorcode.get(code, "MemoryError"))
    else:
        tell(name, "done")


def raw(number, *words):
    """A system call without the C library, which the shim does not see."""
    ctypes.set_errno(0)
    if libc.syscall(number, *words) < 0:
        raise OSError(ctypes.get_errno(), "")


def write_in(place):
    """Makes a file in a directory."""
    with open(os.path.join(place, "hostile"), "w", encoding="ascii"):
        pass


def fork_without_end():
    """Forks until that fails; what came of it is gone afterwards."""
    children = []
    try:
        while len(children) < 10000:
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    finally:
        tell("fork_count", "few" if len(children) < 100 else "many")
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def allocate_without_end():
    """Allocates until that fails."""
    kept = []
    while True:
        kept.append(bytearray(64 << 20))


def another_mount():
    """Asks the adapter for one more."""
    if libc.mount(b"x", b"/mnt", b"fuse", 0, b"fd=9") != 0:
        raise OSError(ctypes.get_errno(), "")


def open_sockets():
    """One of each family that means something."""
    for name in ("AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_ALG", "AF_VSOCK"):
        attempt(f"socket_{name}", lambda name=name: socket.socket(
            getattr(socket, name), socket.SOCK_STREAM if name in ("AF_UNIX", "AF_INET", "AF_INET6",
                                                                   "AF_VSOCK") else socket.SOCK_RAW))


def try_everything():
    """All attempts."""
    for path in FILES:
        attempt(f"read {path}", lambda path=path: open(path, "rb").close())
    for place in PLACES:
        attempt(f"write {place}", lambda place=place: write_in(place))
    open_sockets()
    parent = os.getppid()
    room = ctypes.create_string_buffer(8)
    for name, number in SYSCALLS.items():
        one = struct.pack("QQ", ctypes.addressof(room), 8)
        words = {"process_vm_readv": (parent, one, 1, one, 1, 0), "mount": (b"x", b"/tmp", b"tmpfs", 0, None), "unshare": (0x10020000,),
                 "ptrace": (16, parent, 0, 0), "fsopen": (b"tmpfs", 0),
                 "pidfd_getfd": (0, 3, 0), "mknod": (b"/tmp/n", 0o020666, 0x101),
                 "open_tree": (-100, b"/", 1), "setns": (0, 0)}.get(name, (0, 0, 0, 0, 0))
        attempt(name, lambda number=number, words=words: raw(number, *words))
    attempt("memory of the adapter", lambda: open(f"/proc/{parent}/mem", "r+b", 0).close())
    attempt("descriptors of the adapter", lambda: os.listdir(f"/proc/{parent}/fd"))
    attempt("another mount", another_mount)
    attempt("set-id program", lambda: os.chmod("/proc/self/exe", 0o4755))
    attempt("executable memory", lambda: raw(9, 0, 4096, 7, 0x22, -1, 0))
    attempt("fork without end", fork_without_end)
    attempt("allocate without end", allocate_without_end)
    tell("all", "over")


def main():
    """Asks for its mount, answers the kernel, and goes on from there."""
    image = libc.open(sys.argv[1].encode(), os.O_RDONLY)
    device = libc.open(b"/dev/fuse", os.O_RDWR)
    if image < 0 or device < 0 or libc.mount(
            b"x", sys.argv[2].encode(), b"fuse", 0, b"fd=%d" % device) != 0:
        sys.exit("hostile: no mount")
    request = os.read(device, 1 << 16)
    unique, = struct.unpack_from("<Q", request, 8)
    answer = struct.pack("<IIIIHHIIHHI7I", 7, 31, 0, 0, 1, 1, 4096, 1, 1, 0, 0, *[0] * 7)
    buffer = struct.pack("<IiQ", 16 + len(answer), 0, unique) + answer
    # Through the C library, as a server does it, so that the shim sees it.
    assert libc.write(device, buffer, len(buffer)) == len(buffer)
    try_everything()
    while True:
        try:
            request = os.read(device, 1 << 16)
        except OSError:
            break
        unique, = struct.unpack_from("<Q", request, 8)
        if struct.unpack_from("<I", request, 4)[0] not in (2, 42):  # FORGET and BATCH_FORGET
            os.write(device, struct.pack("<IiQ", 16, -errno.ENOSYS, unique))


main()
