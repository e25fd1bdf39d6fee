# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long each step of a mount takes, as --verbose of the own helper tells it."""

import re
import statistics
import subprocess
import time

from stage import USER, call

MNT_DETACH = 2
TIME = re.compile(r"(.*?) \((\d+(?:\.\d+)?) (ms|s)( in all)?\)(?:, )?")
WHOLE = "in all"


def of_line(line, mount_point):
    """The steps of a line and their milliseconds. Steps are told without names, so that they stay the
    same."""
    words = line.removeprefix("fuservicemount3: ").replace(mount_point, "MOUNTPOINT")
    for step, number, unit, whole in TIME.findall(words):
        step = re.sub(r"^the service asks for the mount: .*", "the service asks for the mount", step)
        yield WHOLE if whole else step, float(number) * (1000 if unit == "s" else 1)


def steps(base, rounds):
    """The median and mean of the milliseconds of each step of a user's mount. They are told in tenths,
    and telling them takes time of its own."""
    mount_point, found = f"{base}/mnt", {}
    for number in range(rounds + 1):
        done = subprocess.run(
            [f"{base}/own.helper", "--verbose", "bench", mount_point, "-t", "fuse.bench"],
            user=USER, group=USER, extra_groups=[], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, check=True)
        call("umount2", mount_point, MNT_DETACH)
        time.sleep(0.005)
        for line in done.stderr.splitlines() if number else ():
            for step, value in of_line(line, mount_point):
                found.setdefault(step, []).append(value)
    return {step: {"median": round(statistics.median(values), 1),
                   "mean": round(statistics.mean(values), 2)} for step, values in found.items()}


def show(result):
    """Prints the table."""
    print(f"\n{'ms of each step of a mount as a user':86} {'median':>6} {'mean':>6}")
    for step, values in result.items():
        print(f"{step:86.86} {values['median']:6.1f} {values['mean']:6.2f}")
