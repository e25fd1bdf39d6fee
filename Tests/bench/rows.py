# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table: commands that run in turn, and what each takes."""

import re
import shutil
import socket
import statistics
import subprocess
from typing import NamedTuple

from stage import SOCKETS, USER

# Does a mount of its own, and hands its caller the device; there is no service.
FUSERMOUNT = "fusermount3"


class Row(NamedTuple):
    """A command: what it does, whose program, who runs it, what is taken away afterwards, the status
    it has to end with, and its words."""
    what: str
    program: str
    user: int
    taken: str
    status: int
    words: list


def plan(base, helpers):
    """The commands whose service answers in its own process."""
    mount_point = f"{base}/mnt"
    yield Row("floor", "/bin/true", 0, "-", 0, ["/bin/true"])
    yield Row("check", "minimal C", USER, "-", 0, [f"{base}/check.bin", f"{SOCKETS}/bench"])
    yield Row("absent", "minimal C", USER, "-", 1, [f"{base}/check.bin", f"{SOCKETS}/none"])
    words = [f"{base}/minimal.bin", f"{SOCKETS}/bench", "bench", "bench", mount_point]
    yield Row("mount, root", "minimal C", 0, mount_point, 0, words)
    yield Row("mount, user", "minimal C", USER, mount_point, 0, words)
    if FUSERMOUNT in helpers:
        words = [f"{base}/{FUSERMOUNT}.helper", "-o", "fsname=bench,subtype=bench", "--", mount_point]
        yield Row("mount, root", FUSERMOUNT, 0, mount_point, 0, words)
        yield Row("mount, user", FUSERMOUNT, USER, mount_point, 0, words)
    for name in (name for name in helpers if name != FUSERMOUNT):
        helper = f"{base}/{name}.helper"
        # libfuse's takes the long form only.
        yield Row("check", name, USER, "-", 0, [helper, "--check", "-t", "fuse.bench"])
        if name == "own":
            yield Row("absent", name, USER, "-", 1, [helper, "--check", "-t", "fuse.none"])
        words = [helper, "bench", mount_point, "-t", "fuse.bench"]
        yield Row("mount, root", name, 0, mount_point, 0, words)
        yield Row("mount, user", name, USER, mount_point, 0, words)
        yield Row("mount, root, utab", name, 0, mount_point, 0, [*words[:-1], "fuse.benchtab"])


def calls(base, row):
    """How many system calls a command makes, with its children; None without strace."""
    program = shutil.which("strace")
    if not program or row.what == "floor":
        return None
    counted = f"{base}/calls"
    # As root throughout: a tracer takes the set-user-ID bit away from others' programs.
    how = ["-u", "nobody"] if row.user else []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        if row.program == FUSERMOUNT:
            how += ["-E", f"_FUSE_COMMFD={theirs.fileno()}"]
        subprocess.run([program, "-f", "-c", *how, "-o", counted, *row.words], check=False,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       pass_fds=(theirs.fileno(),) if row.program == FUSERMOUNT else ())
    if row.taken != "-":
        subprocess.run(["umount", "-l", row.taken], check=True)
    with open(counted, encoding="ascii") as file:
        found = re.search(r"^100\.00 +\S+ +\S+ +(\d+)(?: +\d+)? +total$", file.read(), re.MULTILINE)
    return int(found[1]) if found else None


def measure(base, rows, rounds):
    """The samples of each row: microseconds, page faults, kB."""
    lines = ["\t".join((f"{row.what}/{row.program}", str(row.user), row.taken, str(row.status),
                        *row.words)) + "\n" for row in rows]
    done = subprocess.run([f"{base}/rounds.bin", str(rounds), "1"], input="".join(lines),
                          stdout=subprocess.PIPE, text=True, check=True)
    samples = {}
    for line in done.stdout.splitlines():
        label, time, faults, peak = line.split("\t")
        samples.setdefault(tuple(label.split("/", 1)), []).append(
            (int(time) / 1000, int(faults), int(peak)))
    return samples


def middle(values):
    """The median of the times among samples."""
    return statistics.median(time for time, _, _ in values)


def figures(rows, samples, counts, reference):
    """A row of the table for each command, those that do the same one below the other."""
    order = list(dict.fromkeys(row.what for row in rows))
    for what, name, *_ in sorted(rows, key=lambda row: order.index(row.what)):
        values = samples[what, name]
        times = sorted(time for time, _, _ in values)
        ratios = {other: round(middle(values) / middle(samples[what, other]), 2)
                  for other in (reference, "minimal C") if (what, other) in samples}
        yield {
            "what": what, "program": name, "microseconds": round(middle(values), 1),
            "middle half": [round(times[len(times) // 4], 1), round(times[len(times) * 3 // 4], 1)],
            "ratio": ratios.get(reference), "to minimal C": ratios.get("minimal C"),
            "page faults": round(statistics.median(faults for _, faults, _ in values)),
            "peak kB": max(peak for _, _, peak in values),
            "system calls": counts[what, name],
        }


def show(result, reference):
    """Prints the table, with the ratio to another helper if there is one."""
    ratios = [("minimal C", "to minimal C")]
    if reference:
        ratios.insert(0, (reference, "ratio"))
    print(f"{'':18} {'':11} {'µs':>6} {'middle half':>13}"
          + "".join(f" {'/' + name:>10}" for name, _ in ratios) + f" {'faults':>6} {'kB':>6} {'calls':>5}")
    for row in result:
        low, high = row["middle half"]
        print(f"{row['what']:18} {row['program']:11} {row['microseconds']:6.0f} "
              f"{f'{low:.0f}–{high:.0f}':>13}" + "".join(f" {row[key] or '':>10}" for _, key in ratios)
              + f" {row['page faults']:6} {row['peak kB']:6} {row['system calls'] or '':>5}")
