# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a mount takes beside more and more of others, and more and more at once."""

import contextlib
import fcntl
import os
import resource
import statistics
import subprocess

from rows import measure, middle
from stage import USER, call, run

# How many there are already, and how often each command runs then.
BINDS, FUSES, ENTRIES = (0, 100, 1000, 5000, 20000), (0, 100, 1000, 5000), (0, 5000)
ROUNDS = 40
# How many begin at the same time, and how often.
TOGETHER, TIMES = (1, 10, 100), 10
MS_NOSUID, MS_NODEV, MS_BIND = 2, 4, 4096
STRANGER = 65532  # whose mounts count for nobody here
UTAB = "/run/mount/utab"


def bind(base, place):
    """A mount of no file system that counts for anybody."""
    call("mount", f"{base}/libexec", place, None, MS_BIND, None)


@contextlib.contextmanager
def strangers(count):
    """What makes a FUSE mount of somebody else's, with a device that is held; up to so many of them.
    The descriptors are out of the way of those that commands are started with."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * count, max(hard, 2 * count)))
    held = []

    def stranger(place):
        low = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        held.append(fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, count))
        os.close(low)
        options = f"fd={held[-1]},rootmode=40000,user_id={STRANGER},group_id={STRANGER}"
        call("mount", "stranger", place, "fuse.stranger", MS_NOSUID | MS_NODEV, options)
    try:
        yield stranger
    finally:
        for each in held:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def others(base):
    """A directory for mounts, which are gone afterwards, all at once."""
    place = f"{base}/others"
    os.makedirs(place, exist_ok=True)
    run("mount", "-t", "tmpfs", "tmpfs", place)
    try:
        yield place
    finally:
        run("umount", "-l", place)


def beside(base, rows, counts, add):
    """The median times of the rows beside so many mounts of a kind, in microseconds, by program."""
    result = {row.program: [] for row in rows}
    with others(base) as directory:
        before = 0
        for count in counts:
            for number in range(before, count):
                place = f"{directory}/{number}"
                os.mkdir(place)
                add(place)
            before = count
            note(result, measure(base, rows, ROUNDS))
    return {"counts": counts, "microseconds": result}


def note(result, samples):
    """Adds the medians of one more count."""
    for (_, name), values in samples.items():
        result[name].append(round(middle(values), 1))


def recorded(base, rows):
    """The same beside so many entries in utab."""
    result = {row.program: [] for row in rows}
    for count in ENTRIES:
        with open(UTAB, "w", encoding="ascii") as file:
            file.writelines(f"SRC=other TARGET=/others/{number} ROOT=/ OPTS=x-bench={number}\n"
                            for number in range(count))
        note(result, measure(base, rows, ROUNDS))
    os.unlink(UTAB)
    return {"counts": ENTRIES, "microseconds": result}


def together(base, rows):
    """The median time until the last of so many mounts is there that begin at once."""
    result = {row.program: [] for row in rows}
    with others(base) as directory:
        for number in range(TOGETHER[-1]):
            os.mkdir(f"{directory}/{number}")
            os.chown(f"{directory}/{number}", USER, USER)
        for count in TOGETHER:
            times = {row.program: [] for row in rows}
            for _ in range(TIMES):
                for row in rows:
                    words = ["%" if word == row.taken else word for word in row.words]
                    done = subprocess.run(
                        [f"{base}/together.bin", str(count), str(row.user), directory, *words],
                        stdout=subprocess.PIPE, check=True)
                    times[row.program].append(int(done.stdout) / 1000)
            for name, values in times.items():
                result[name].append(round(statistics.median(values), 1))
    return {"counts": TOGETHER, "microseconds": result}


def growth(base, rows):
    """All of it, by what there are more and more of."""
    def of(what):
        return [row for row in rows if row.what == what]
    # What is there the longest while it is taken down comes last.
    result = {
        "mount, spawned, at once": together(base, of("mount, spawned")),
        "mount, root, utab entries": recorded(base, of("mount, root, utab")),
        "mount, user, bind mounts": beside(
            base, of("mount, user"), BINDS, lambda place: bind(base, place)),
    }
    with strangers(FUSES[-1]) as stranger:
        result["mount, user, FUSE mounts"] = beside(base, of("mount, user"), FUSES, stranger)
    return result


def show(result):
    """A table for each kind, with a line for each program: what each one costs."""
    for what, table in result.items():
        counts = table["counts"]
        print(f"\n{what:28}" + "".join(f"{count:9,}" for count in counts) + "   µs each")
        for name, values in table["microseconds"].items():
            each = (values[-1] - values[0]) / (counts[-1] - counts[0])
            print(f"{name:28}" + "".join(f"{value:9.0f}" for value in values) + f"{each:10.3f}")
