# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs of libfuse 3.19 that the environment names, for the tests with two sides.

FUSERVICEMOUNT3_PEER is libfuse's prefix, or the directory that it was built in. A program is
looked for in each folder of FOLDERS below it: `fuservicemount3`, `mount.fuse3`, and the example
servers `service_ll`, `service_hl` and `null`, which libfuse builds and does not install. Its
version is what `fuse3.pc` says, and its commit that of the source tree, where it is a build
directory and the source a clone. The programs have to work from any place and with the
set-user-ID bit, so libfuse is best built with `-Ddefault_library=static`; its sockets have to be
in /run/filesystems, and with `--prefix=/usr` it reads the same fuse.conf.
"""

import json
import os
import re
import subprocess

FOLDERS = ("util", "example", "sbin", "bin", "libexec", "libexec/libfuse", "lib/fuse3/example")
SERVERS = ("service_ll", "service_hl", "null")
PREFIX = os.environ.get("FUSERVICEMOUNT3_PEER") or None


def program(name):
    """A program's path, or None."""
    for folder in FOLDERS if PREFIX else ():
        path = os.path.join(PREFIX, folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


HELPER = program("fuservicemount3")
CALLER = program("mount.fuse3")


def missing():
    """The programs that are not there."""
    return [name for name in ("fuservicemount3", "mount.fuse3", *SERVERS) if not program(name)]


def version():
    """What its pkg-config file says."""
    for folder, folders, names in os.walk(PREFIX):
        folders[:] = [name for name in folders if not name.endswith(".p")]
        if "fuse3.pc" in names:
            with open(os.path.join(folder, "fuse3.pc"), encoding="utf-8") as file:
                found = re.search(r"^Version: *(\S+)$", file.read(), re.MULTILINE)
            if found:
                return found[1]
    return None


def commit():
    """The commit that it was built from, where that can be told."""
    try:
        with open(os.path.join(PREFIX, "meson-info", "meson-info.json"), encoding="utf-8") as file:
            source = json.load(file)["directories"]["source"]
    except (OSError, ValueError, KeyError):
        return None
    done = subprocess.run(["git", "-c", "safe.directory=*", "-C", source, "rev-parse", "HEAD"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def called_helper():
    """The path that mount.fuse3 starts its helper by, which is compiled into it."""
    with open(CALLER, "rb") as file:
        found = re.search(rb"\0(/[^\0]+/fuservicemount3)\0", file.read())
    return os.fsdecode(found[1]) if found else None
