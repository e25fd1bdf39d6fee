# SPDX-License-Identifier: LGPL-2.1-or-later
"""Signals at every system call of a mount: SIGKILL to the process that makes it; SIGKILL and SIGTERM
to the helper itself, the process that the caller started.

The tracer (tracer.py) stops a process where it is about to make a call and sends the signal. By default what several kinds of mount have in common is tried in one
of them; with FSM_DEEP=1 in the environment of the tests, everything in each.
"""

import re
import signal

import faults
import tracer
from faults import Case, Verdict
from support import parametrized
from test_faults import DEEP, ORDER, POSSIBLE, KindsTest, all_sites, check, select

# Seconds in which everything must have ended; a finisher that is cut off from its monitor puts away.
BOUND = 20


def judge(bench, case, run):
    """What is wrong with the end of a run in which a process was killed."""
    scenario, found = bench.scenario, []
    if run.late:
        found.append(f"still running: {run.late}")
    if run.all_seconds > BOUND:
        found.append(f"took {run.all_seconds:.1f} s")
    mounted = bench.mounted()
    if run.status == -case.action.number:
        # Nobody is left to report; what is there is whole, or, by the engine that cannot do better,
        # not recorded yet.
        if not (case.action.first or case.site.role == "0"):
            found.append("the helper died of a signal that another process got")
        if not mounted:
            return found + nothing(bench, case)
        if scenario.is_one_step:
            return found + bench.faults_of_attributes(mounted)
        if not scenario.succeeds:
            found.append("a mount that nobody wanted")
        return found + bench.faults_of_mount(mounted)
    # The helper ends with the mounter's word, and the mounter takes the recorder's; neither waits for the
    # other to end.
    has_said_all = (case.site.name in ("close", "exit_group") and case.site.process == "mounter"
                    or case.site.process == "recorder" and (
                        case.site.name == "exit_group" or case.site.name == "close"
                        and "socket" in case.site.words))
    if (case.action.number == signal.SIGKILL and run.reached and not has_said_all
            and (case.action.first or case.site.role == "0")):
        found.append("outlived SIGKILL")
    if run.status == 0:
        if not scenario.succeeds:
            found.append("claims to have mounted")
        return found + bench.faults_of_mount(mounted)
    if run.status != 1:
        found.append("ended with another status than 0 or 1")
    return found + nothing(bench, case) + bench.faults_of_speech(run)


# What a recorder or finisher leaves that root or the kernel kills (the caller cannot): libmount's
# temporary file and the directory of its lock, and an entry that was already to stand (SECURITY.md,
# known gaps).
LEFT = re.compile(r"left in /run/mount: \[('(utab\.\w{6}|\.fuservicemount3)'(, )?)+\]"
                  r"|1 entries in utab instead of 0")


def nothing(bench, case):
    """What is there although nothing may be."""
    found = bench.faults_of_nothing()
    if case.site.process in ("recorder", "mounter", "finisher") and not case.action.first:
        found = [fault for fault in found if not LEFT.fullmatch(fault)]
    return found


def work(benches, case):
    """Runs one case, judges it, and sees that the next mount works."""
    bench = benches[case.site.scenario]
    try:
        run = faults.run_case(bench, case)
        found = judge(bench, case, run)
    finally:
        bench.clear()
    return Verdict(case, run, found + bench.faults_of_devices() + bench.faults_of_next())


def sites():
    """Those at which somebody is killed."""
    seen = set()
    return {name: select(all_sites()[name], seen) for name in POSSIBLE}


VICTIMS = [("KILL", tracer.Send(signal.SIGKILL)), ("KILL-helper", tracer.Send(signal.SIGKILL, True)),
           ("TERM-helper", tracer.Send(signal.SIGTERM, True))]
if DEEP:
    VICTIMS += [("ALRM", tracer.Send(signal.SIGALRM)), ("SEGV", tracer.Send(signal.SIGSEGV))]


class Kills(KindsTest):
    """One process gets a signal."""

    @parametrized(scenario=ORDER, victim=VICTIMS)
    def test_whenever_a_signal_comes_nothing_half_is_left(self, scenario, victim):
        self.need(scenario)
        cases = [Case(site, victim) for site in sites()[scenario]
                 if not (victim == VICTIMS[1][1] and site.role == "0")]
        check(self, faults.Pool.of(work, scenario).map(cases))
