# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long a mount of a service takes, and what each directive of its sandbox costs.

Tests/systemd/run --measure [DIRECTIVE...] starts it inside, as root. A user mounts and unmounts a squashfs image by
squashfuse, and the same image by singlefilefs, a server of this project that does nothing but the
conversation, under the same directives. Then the second again and again, each time with one line of
the sandbox less. Everything is measured in turn, so that whatever else the machine does meets all of
it; the figures are medians. With directives only these are measured, twice as often.
"""

import pathlib
import random
import statistics
import sys
import time

import guest
from guest import run

ROUNDS = 60
SHORT_ROUNDS = 50
DIRECTIVES = (guest.PAYLOAD / "arguments").read_text(encoding="utf-8").split()[1:]
UNIT = pathlib.Path("/etc/systemd/system/fuse-service-singlefilefs@.service")


def uncertainty(values):
    """Twice the standard error of the median, by the middle half of the values."""
    low, _, high = statistics.quantiles(values, n=4)
    return 2 * 1.25 * (high - low) / 1.35 / len(values) ** 0.5


class Measured(guest.Services):
    """Mounts with a watch."""

    def runTest(self):  # pylint: disable=invalid-name
        """Both tables."""
        image, _ = self.image("squashfs", self.alice)
        target = self.target(self.alice)

        def once(kind):
            begun = time.monotonic()
            run("mount", "-t", f"fuse.{kind}", "-o", "ro", image, target, user=self.alice)
            took = time.monotonic() - begun
            self.unmount(target, self.alice)
            self.wait_for_no_service()
            return took * 1000

        def medians(kinds, rounds):
            times = {kind: [] for kind in kinds}
            for _ in range(rounds):
                for kind in kinds:
                    times[kind].append(once(kind))
            return {kind: statistics.median(found) for kind, found in times.items()}
        once("squashfs")
        if DIRECTIVES:
            self.directives(once)
            return
        both = medians(("squashfs", "singlefilefs"), ROUNDS)
        print(f"squashfs by squashfuse: {both['squashfs']:.1f} ms", flush=True)
        print(f"the same conversation by singlefilefs: {both['singlefilefs']:.1f} ms", flush=True)
        print(f"the adapter and its server: {both['squashfs'] - both['singlefilefs']:.1f} ms",
              flush=True)
        self.directives(once)

    def directives(self, once):
        """The cost of each line, against the whole unit measured beside it."""
        text = UNIT.read_text(encoding="utf-8")
        lines = [line for line in text[text.index("ExecStart="):].splitlines()[1:]
                 if line and not line.startswith("#")]
        measured = [line for line in lines if not DIRECTIVES or line.split("=")[0] in DIRECTIVES]
        kinds = {}
        for number, line in enumerate([None, *measured, "all"]):
            kept = "\n".join(other for other in text.splitlines()
                             if other != line and not (line == "all" and other in lines))
            name = f"m{number}"
            UNIT.with_name(f"fuse-service-{name}@.service").write_text(kept + "\n", encoding="utf-8")
            socket = UNIT.with_name("fuse-service-singlefilefs.socket").read_text(encoding="utf-8")
            UNIT.with_name(f"fuse-service-{name}.socket").write_text(
                socket.replace("filesystems/singlefilefs", f"filesystems/{name}"),
                encoding="utf-8")
            pathlib.Path(f"/usr/sbin/mount.fuse.{name}").symlink_to(guest.HELPER)
            kinds[name] = line or "the whole unit"
        run("systemctl", "daemon-reload")
        run("systemctl", "start", *(f"fuse-service-{name}.socket" for name in kinds))
        for name in kinds:
            guest.TYPES.setdefault(name, None)
        times = {name: [] for name in kinds}
        needed = set()
        for _ in range(SHORT_ROUNDS * (2 if DIRECTIVES else 1)):
            for name in random.sample(sorted(set(kinds) - needed), len(kinds) - len(needed)):
                try:
                    times[name].append(once(name))
                except AssertionError:
                    needed.add(name)
        for name in needed:
            print(f"   none    {kinds.pop(name)}: without it there is no mount", flush=True)
        whole = statistics.median(times["m0"])
        print(f"the whole unit: {whole:.1f} ms; without one line, how much less, and what that is sure to:",
              flush=True)
        less = {name: [one - other for one, other in zip(times["m0"], times[name])] for name in kinds}
        for name in sorted(kinds, key=lambda name: -statistics.median(less[name])):
            print(f"{statistics.median(less[name]):6.1f} ± {uncertainty(less[name]):.1f} ms  {kinds[name]}",
                  flush=True)


def main():
    """Installs, measures."""
    guest.install()
    result = guest.Result()
    Measured().run(result)
    failed = len(result.failures) + len(result.errors)
    print(f"{1 - failed} passed, {failed} failed", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
