# SPDX-License-Identifier: LGPL-2.1-or-later
"""What passes through a server: fio on the image itself and on the file that each server shows."""

import contextlib
import itertools
import json
import os
import shutil
import statistics
import subprocess

from spawned import OWN_SERVER
from stage import call, run

# Large enough that a second of reading does not end in the page cache.
IMAGE_BYTES = 1 << 30
ORDERS = {"read": "sequential", "randread": "random", "write": "sequential", "randwrite": "random"}
BLOCKS = {"4 KiB": 4 << 10, "128 KiB": 128 << 10, "1 MiB": 1 << 20}
JOBS = (1, 4, 8)
RAW = "image"
MNT_DETACH = 2


def reason_against():
    """Why nothing can be measured here, if so."""
    return None if shutil.which("fio") else "fio is not installed"


@contextlib.contextmanager
def mounted(base, servers):
    """The file of each, by name: the image, and in a mount of root's what each server shows of it."""
    image = f"{base}/disk"
    with open(image, "wb") as file:
        for _ in range(IMAGE_BYTES >> 20):
            file.write(b"\xa5" * (1 << 20))
    files, places = {RAW: image}, []
    try:
        for name in servers:
            place = f"{base}/throughput.{name}"
            os.mkdir(place)
            run(f"{base}/own.helper", image, place, "-t", f"fuse.{name}")
            places.append(place)
            files[name] = os.path.join(place, *os.listdir(place))
        yield files
    finally:
        for place in places:
            call("umount2", place, MNT_DETACH)
        os.unlink(image)


def transfer(path, how, direct, block, jobs, seconds):
    """MiB a second, of all jobs together; each has its part of the file."""
    part = IMAGE_BYTES // jobs
    done = subprocess.run(
        ["fio", "--name=bench", f"--filename={path}", "--allow_file_create=0", f"--rw={how}",
         f"--direct={direct}", f"--bs={block}", f"--numjobs={jobs}", f"--size={part}",
         f"--offset_increment={part}", f"--runtime={seconds}", "--time_based", "--ioengine=psync",
         "--thread", "--group_reporting", "--output-format=json"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    result = json.loads(done.stdout)["jobs"][0]
    return round(result["read" if "read" in how else "write"]["bw_bytes"] / (1 << 20), 1)


def peak(spawner):
    """The most memory in kB that the only server of a spawner had, by now."""
    for number in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{number}/status", encoding="utf-8") as file:
            status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
            if status["PPid"] == str(spawner.pid) and "VmHWM" in status:
                return int(status["VmHWM"].split()[0])
    return None


def throughput(base, spawners, seconds):
    """A row for each way to read or write, and each server's peak of memory in kB."""
    rows = []
    with mounted(base, spawners) as files:
        for how, direct, block, jobs in itertools.product(ORDERS, (0, 1), BLOCKS, JOBS):
            speeds = {name: transfer(path, how, direct, BLOCKS[block], jobs, seconds)
                      for name, path in files.items()}
            rows.append({
                "order": ORDERS[how], "does": how.removeprefix("rand"),
                "cache": "direct" if direct else "buffered", "block": block, "jobs": jobs,
                "MiB a second": speeds,
                "ratios": {name: round(speeds[OWN_SERVER] / speed, 2)
                           for name, speed in speeds.items() if name != OWN_SERVER and speed},
            })
        return {"rows": rows, "peak kB": {name: peak(one) for name, one in spawners.items()}}


def show(result):
    """Prints the table, and what the ratios have in the middle and at the lower end."""
    rows = result["rows"]
    names, others = list(rows[0]["MiB a second"]), list(rows[0]["ratios"])
    print(f"\n{'MiB a second':42}" + "".join(f"{name:>14}" for name in names)
          + "".join(f"{'/' + name:>14}" for name in others))
    for row in rows:
        print(f"{row['order']:11}{row['does']:6}{row['cache']:9}{row['block']:>8}{row['jobs']:3} jobs"
              + "".join(f"{row['MiB a second'][name]:14.0f}" for name in names)
              + "".join(f"{row['ratios'].get(name, ''):>14}" for name in others))
    for name in others:
        ratios = sorted(row["ratios"][name] for row in rows if name in row["ratios"])
        print(f"{OWN_SERVER}/{name}: {statistics.median(ratios):.2f} in the middle, "
              f"{ratios[0]:.2f} at least, {ratios[-1]:.2f} at most")
    for name, kilobytes in result["peak kB"].items():
        print(f"{name}: {kilobytes} kB of memory at its peak, with {max(JOBS)} jobs")
