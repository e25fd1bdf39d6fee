# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mounts whose server is started for the connection: the whole cycle of a mount of an image."""

import os

from rows import Row
from stage import SOCKETS, USER, spawned

OWN_SERVER = "singlefilefs"
IMAGE_BYTES = 256 << 20


def prepare(base, stack, servers):
    """An image in memory, and the services."""
    image = f"{base}/image"
    with open(image, "wb") as file:
        file.truncate(IMAGE_BYTES)
    os.chown(image, USER, USER)
    for name in servers:
        stack.enter_context(spawned(base, name))


def server_of(helper, servers):
    """The server that belongs to a helper: another helper's is the first other server, if there is one."""
    others = [name for name in servers if name != OWN_SERVER]
    return others[0] if others and helper != "own" else OWN_SERVER


def plan(base, helpers, servers):
    """A user's mount with each helper, with the server that belongs to it."""
    mount_point = f"{base}/mnt"
    for name in helpers:
        server = server_of(name, servers)
        yield Row("mount, spawned", name, USER, mount_point, 0,
                  [f"{base}/{name}.helper", f"{base}/image", mount_point, "-t", f"fuse.{server}"])
