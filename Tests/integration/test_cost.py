# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a check and a mount may cost: system calls and page faults, never times.

The limits are what was counted when they were last changed, and some more for what differs from run
to run and from one C library to the next. Lower them when the program makes less; packaging/build has
those of its size and of the libraries that it needs.
"""

import contextlib
import os

import faults
import fuse_service as wire
import tracer
from support import ALICE, ROOT, HelperTest, parametrized, stage

# Of all processes of a mount without the loader's (root records something, which calls libmount); of
# a check with them.
MOST_CALLS = {"user": 274, "root": 443}
MOST_CALLS_OF_CHECK = {ROOT: 88, ALICE: 92}
MOST_FAULTS_OF_CHECK = 20
MOST_FAULTS_OF_MOUNT = 42


def count_of_mount(benches, scenario):
    """How many calls a mount makes that asks for a file."""
    return len(faults.sites_of(benches[scenario]))


def count_of_check(_, question):
    """The status of a check and how many calls it makes. The namespace has no other service."""
    caller, exists = question
    calls = []
    with wire.Service("counted", None) if exists else contextlib.nullcontext():
        run = tracer.trace([stage.helper, "--check", "-t", "counted"], caller, calls.append)
    return run.status, len(calls)


def page_faults(words):
    """The status of a program, and the page faults of it and of those that it has waited for."""
    process = os.posix_spawn(words[0], words, {"PATH": "/usr/sbin:/usr/bin"})
    _, status, usage = os.wait4(process, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_minflt


class CostTest(HelperTest):
    """Each is at most what is written down."""

    @parametrized(scenario=list(MOST_CALLS))
    def test_a_mount_makes_no_more_system_calls_than_it_did(self, scenario):
        count, = faults.Pool(count_of_mount, 1).map([scenario])
        self.assertLessEqual(count, MOST_CALLS[scenario])
        # Fewer than a tenth of that is not a mount that was counted.
        self.assertGreater(count, MOST_CALLS[scenario] // 10)

    @parametrized(caller=[("root", ROOT), ("user", ALICE)], answer=[("yes", 0), ("no", 1)])
    def test_a_check_makes_no_more_system_calls_than_it_did(self, caller, answer):
        (status, count), = faults.Pool(count_of_check, 1).map([(caller, answer == 0)])
        self.assertEqual(status, answer)
        self.assertLessEqual(count, MOST_CALLS_OF_CHECK[caller])
        self.assertGreater(count, 20)

    def test_a_check_takes_no_more_page_faults_than_it_did(self):
        status, count = page_faults([stage.helper, "--check", "-t", "nothing"])
        self.assertEqual(status, 1)
        self.assertLessEqual(count, MOST_FAULTS_OF_CHECK)

    def test_a_mount_takes_no_more_page_faults_than_it_did(self):
        target = self.target(ROOT)
        service = self.service(wire.mounting(target))
        status, count = page_faults([stage.helper, *self.words("demo", target)])
        self.assertEqual(status, 0)
        self.assertLessEqual(count, MOST_FAULTS_OF_MOUNT)
        self.unmount(target)
        service.result()
