# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a program for which some system calls fail: an older kernel, or a broken one.

    seccomp_errno.py UID:GID NAME=ERRNO... -- PROGRAM ARGUMENT...

NAME is a system call, or what a newer kernel takes as an argument of one (ARGUMENTS).

Root installs the filter with CAP_SYS_ADMIN and without no_new_privs, so that a set-id program
still gets its privilege; then the ids change and the program starts.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

# The numbers since 5.x are the same everywhere; the older ones by machine.
NUMBERS = {
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432,
    "close_range": 436, "openat2": 437, "faccessat2": 439, "mount_setattr": 442, "statmount": 457,
    "listmount": 458,
}
NUMBERS.update({
    "x86_64": {"mount": 165, "umount2": 166, "memfd_create": 319, "setsockopt": 54,
               "name_to_handle_at": 303, "ioctl": 16},
    "aarch64": {"mount": 40, "umount2": 39, "memfd_create": 279, "setsockopt": 208,
                "name_to_handle_at": 264, "ioctl": 29},
}.get(platform.machine(), {}))

PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
EQUAL, HAS_BITS = 0x15, 0x45
# The call, which of its arguments (from 0), and what that is or has among its bits.
ARGUMENTS = {
    "SO_PASSRIGHTS": ("setsockopt", 2, EQUAL, 83),
    "FSCONFIG_CMD_CREATE_EXCL": ("fsconfig", 1, EQUAL, 8),
    "MOUNT_ATTR_NOSYMFOLLOW": ("fsmount", 2, HAS_BITS, 0x200000),
    "AT_HANDLE_MNT_ID_UNIQUE": ("name_to_handle_at", 4, HAS_BITS, 1),
    "FUSE_DEV_IOC_SYNC_INIT": ("ioctl", 1, EQUAL, 0xE503),
    "NS_MNT_GET_INFO": ("ioctl", 1, EQUAL, 0x8010B70A),
}
LOAD_NUMBER = struct.pack("HBBI", 0x20, 0, 0, 0)
RETURN_ALLOW = struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000)


def install(failing):
    """Makes the named system calls fail in this process and all that it becomes."""
    program = LOAD_NUMBER
    for name, code in failing.items():
        answer = struct.pack("HBBI", 0x06, 0, 0, 0x00050000 | code)
        if name in ARGUMENTS:
            call, position, comparison, value = ARGUMENTS[name]
            program += struct.pack("HBBI", EQUAL, 0, 4, NUMBERS[call])
            program += struct.pack("HBBI", 0x20, 0, 0, 16 + 8 * position)
            program += struct.pack("HBBI", comparison, 0, 1, value) + answer + LOAD_NUMBER
        else:
            program += struct.pack("HBBI", EQUAL, 0, 1, NUMBERS[name]) + answer
    program += RETURN_ALLOW
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def main(arguments):
    """Filter, ids, program."""
    split = arguments.index("--")
    uid, gid = (int(word) for word in arguments[0].split(":"))
    failing = dict(word.split("=") for word in arguments[1:split])
    install({name: getattr(errno, code) for name, code in failing.items()})
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    os.execvp(arguments[split + 1], arguments[split + 1:])


if __name__ == "__main__":
    main(sys.argv[1:])
