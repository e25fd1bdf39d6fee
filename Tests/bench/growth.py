# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a mount takes beside more and more others."""

import os

from rows import measure, middle
from stage import call

# How many mounts there are already, and how often each command runs then.
EXISTING, ROUNDS = (0, 100, 1000, 5000, 20000), 40
MS_BIND = 4096


def add_mounts(base, first, last):
    """Mounts that are there already, of no file system that counts for anybody."""
    for number in range(first, last):
        place = f"{base}/others/{number}"
        os.makedirs(place)
        call("mount", f"{base}/libexec", place, None, MS_BIND, None)


def growth(base, rows):
    """The median time of a user's mount beside more and more other mounts, in microseconds."""
    rows = [row for row in rows if row.what == "mount, user"]
    result = {row.program: [] for row in rows}
    before = 0
    for existing in EXISTING:
        add_mounts(base, before, existing)
        before = existing
        for (_, name), values in measure(base, rows, ROUNDS).items():
            result[name].append(middle(values))
    return result


def show(times):
    """A line for each program; what a mount costs that is there already."""
    print("\nmount, user, beside " + "".join(f"{count:9,}" for count in EXISTING) + "   µs each")
    for name, values in times.items():
        each = (values[-1] - values[0]) / EXISTING[-1]
        print(f"{name:20}" + "".join(f"{value:9.0f}" for value in values) + f"{each:10.3f}")
