# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mounts whose server is started for the connection: the whole cycle of a mount of an image."""

import os
import statistics
import subprocess
import time

from rows import Row
from stage import SOCKETS, USER, call, spawned

OWN_SERVER = "singlefilefs"
IMAGE_BYTES = 256 << 20
MNT_DETACH = 2


def prepare(base, stack, servers):
    """An image in memory; the services, by the name of their server."""
    image = f"{base}/image"
    with open(image, "wb") as file:
        file.truncate(IMAGE_BYTES)
    os.chown(image, USER, USER)
    return {name: stack.enter_context(spawned(base, name)) for name in servers}


def minimal(base, program, server):
    """The words of the minimal program for a server."""
    return [f"{base}/{program}.bin", f"{SOCKETS}/{server}", server, f"{base}/image", f"{base}/mnt"]


def plan(base, helpers, servers):
    """A user's mount with each helper and the server that belongs to it, which for others' helpers is
    the first other server; and with the servers swapped, to tell what is the helper's and what is the
    server's."""
    mount_point = f"{base}/mnt"
    other = next((name for name in servers if name != OWN_SERVER), OWN_SERVER)
    kinds = {"mount, spawned": (OWN_SERVER, other), "spawned, swapped": (other, OWN_SERVER)}
    if other == OWN_SERVER:
        del kinds["spawned, swapped"]
    for what, (ours, theirs) in kinds.items():
        yield Row(what, "minimal C", USER, mount_point, 0, minimal(base, "minimal", ours))
        for name in helpers:
            server = ours if name == "own" else theirs
            yield Row(what, name, USER, mount_point, 0, [
                f"{base}/{name}.helper", f"{base}/image", mount_point, "-t", f"fuse.{server}"])


def conversations(base, servers, rounds):
    """The median time in microseconds from connecting to each server to its goodbye: how long it takes
    to start, and all that it says, where the other side loses no time. As root; nobody else mounts."""
    times = {name: [] for name in servers}
    for number in range(rounds + 1):
        for name, values in times.items():
            done = subprocess.run(minimal(base, "timed", name), stdout=subprocess.PIPE, check=True)
            call("umount2", f"{base}/mnt", MNT_DETACH)
            time.sleep(0.005)
            if number:  # not the first, for which pages come into the cache
                values.append(int(done.stdout) / 1000)
    return {name: round(statistics.median(values), 1) for name, values in times.items()}


def show(times):
    """A line about each server."""
    for name, value in times.items():
        print(f"{name}: {value:.0f} µs from the connection to its goodbye")
