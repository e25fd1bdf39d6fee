# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the kernel says of loop devices (loop(4))."""

import contextlib
import fcntl
import os
import shutil
import struct
import typing

LOOP_CLR_FD, LOOP_SET_STATUS64, LOOP_GET_STATUS64 = 0x4C01, 0x4C04, 0x4C05
READ_ONLY, AUTOCLEAR, DIRECT_IO = 1, 4, 16
BLKROSET, BLKROGET = 0x125D, 0x125E
STATUS = struct.Struct("=5Q4I64s64s32s2Q")  # struct loop_info64


def reason_for_none():
    """Why no server gets a loop device on this machine; None where it does."""
    if not os.path.exists("/dev/loop-control") or not shutil.which("losetup"):
        return "no loop devices here"
    if tuple(int(word) for word in os.uname().release.split(".")[:2]) < (6, 11):
        return "no loop devices before Linux 6.11"
    return None


MISSING = reason_for_none()


class Status(typing.NamedTuple):
    """What LOOP_GET_STATUS64 tells."""

    device: int
    inode: int
    number: int
    flags: int


def status_of(descriptor):
    """The file behind an attached loop device, and its flags."""
    words = STATUS.unpack(fcntl.ioctl(descriptor, LOOP_GET_STATUS64, bytes(STATUS.size)))
    return Status(words[0], words[1], words[5], words[8])


def set_flags(descriptor, flags):
    """Gives an attached device other flags, as its owner may."""
    words = list(STATUS.unpack(fcntl.ioctl(descriptor, LOOP_GET_STATUS64, bytes(STATUS.size))))
    words[8] = flags
    fcntl.ioctl(descriptor, LOOP_SET_STATUS64, STATUS.pack(*words))


def devices_of(path):
    """The loop devices that have a file behind them."""
    found = []
    file = os.stat(path)
    for name in os.listdir("/sys/block"):
        if name.startswith("loop") and os.path.isdir(f"/sys/block/{name}/loop"):
            with contextlib.suppress(OSError):
                descriptor = os.open("/dev/" + name, os.O_RDONLY | os.O_NONBLOCK)
                try:
                    status = status_of(descriptor)
                finally:
                    os.close(descriptor)
                if (status.device, status.inode) == (file.st_dev, file.st_ino):
                    found.append(name)
    return found
