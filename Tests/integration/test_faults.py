# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every system call of a mount fails in turn, as its manual page says that it can.

A call is made to fail by the tracer (tracer.py), so the helper under test is the one that ships. By
default each call fails in the two ways that its line in fault_table.py begins with, and what several
kinds of mount have in common is tried in one of them; with FSM_DEEP=1 in the environment of the
tests, every call of every kind in every way.
"""

import errno
import functools
import os
import signal

import faults
import fault_table
import fuse_service as wire
import loops
import tracer
from faults import SCENARIOS, Case, Verdict
from support import ROOT, HelperTest, parametrized

DEEP = os.environ.get("FSM_DEEP") == "1"
# In this order: what an earlier one has in common with a later one is tried in the earlier.
ORDER = ["recorded", "mount-call", "one-step", "root", "device", "user", "loop", "crowded",
         "gives-up", "gives-up-one-step", "gives-up-device"]
POSSIBLE = [name for name in ORDER if not (SCENARIOS[name].loop and loops.MISSING)]
SHOWN = 25

# prctl(2)
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_READ, PR_CAPBSET_DROP = 1, 4, 23, 24
PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS = 28, 38
SHEDDING_OPTIONS = {str(option) for option in (
    PR_SET_DUMPABLE, PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS)}
SHEDDING = {"setresuid", "setresgid", "getresuid", "getresgid", "seccomp"}
RAISED = ("200000", "200000")  # capset: CAP_SYS_ADMIN becomes effective

# Calls that are made again when they say this: nothing has failed then.
REPEATED = {
    "poll": {errno.EINTR}, "recvmsg": {errno.EINTR, errno.EAGAIN},
    "sendmsg": {errno.EINTR, errno.EAGAIN}, "wait4": {errno.EINTR},
    "connect": {errno.EINTR, errno.EAGAIN}, "read": {errno.EINTR}, "write": {errno.EINTR},
}
# Calls that the kernel or a sandbox may not know, and without which the mount is made all the same.
UNKNOWN = {"close_range", "statmount", "listmount", "fsopen", "fsmount", "move_mount", "open_tree",
           "mount_setattr"}
# What says that fuse.conf is not there, or not for the caller to read.
FILE_ERRORS = {errno.ENOENT, errno.EACCES, errno.ELOOP, errno.ENOTDIR, errno.EOVERFLOW}
# With CAP_SYS_ADMIN effective only these are made: the calls that need it, those that raise and
# lower it, and memory for the latter.
PRIVILEGED = {"fsopen", "fsconfig", "fsmount", "move_mount", "open_tree", "mount_setattr", "mount",
              "umount2", "unshare", "ioctl", "capget", "capset", "brk", "mmap", "munmap"}
# With root's ids for files only these are made: what opens or makes a file, and what gives them back.
ROOTS_FILES = {"open", "openat", "mkdir", "mkdirat", "setfsuid", "setfsgid", "geteuid", "getegid"}
# What a process does that could not give its privilege up: it says so, or aborts.
# How a program ends itself that must not go on; which one depends on the processor.
TRAPS = {signal.SIGILL, signal.SIGTRAP}
LAST_WORDS = {"poll", "write", "fcntl", "readlink", "openat", "sendto", "close", "munmap", "exit_group", "rt_sigprocmask", "getpid", "gettid",
              "tgkill"}


def is_shedding(site):
    """Whether a call gives privilege up for good, or looks whether it is given up."""
    if site.name == "prctl":
        return site.words[0] in SHEDDING_OPTIONS
    if site.name in ("setfsuid", "setfsgid"):
        return site.words != ("0",)
    return site.name in SHEDDING or (site.name == "capset" and site.words != RAISED)


def is_voice(site):
    """Whether a call is how the helper speaks: nothing can be said when it fails."""
    return (site.role == "0" and site.name in ("poll", "write", "sendto")
            and site.words == ("pipe",))


def is_log(site):
    """Whether a call is on the way to the system log, which then need not hear anything."""
    return (site.name in ("socket", "connect", "sendto", "sendmsg", "poll")
            and site.process in ("monitor", "mounter", "finisher"))


def is_answer(case):
    """Whether the call gives this error by itself: so the helper learns which capability is the last."""
    return case.site.words in (("23", "none"), ("24", "none")) and case.action == tracer.Fail(errno.EINVAL)


def is_tidying(site):
    """Whether a call takes away the directory in which libmount's own lock lies, and the table as it
    was."""
    return site.name in ("unlink", "rmdir") and "/.fuservicemount3" in site.words[0]


def is_missing_service(case):
    """Whether a failure says that there is no service, which only the administrator brings about."""
    return (case.site.name == "connect" and case.action.code == errno.ENOENT
            and case.site.words == (os.path.join(wire.SOCKET_DIRECTORY, case.site.scenario),))


def is_repeated(case):
    """Whether nothing has failed that is not tried again."""
    if not isinstance(case.action, tracer.Fail) or case.site.process in ("recorder", "name lookup"):
        return False
    return case.action.code in REPEATED.get(case.site.name, ())


def has_substitute(case):
    """Whether the mount is made without the call."""
    site = case.site
    # Before Linux 6.16; a mount point can be opened without openat2 (5.6), a file cannot.
    if site.name == "setsockopt":
        return case.action.code == errno.ENOPROTOOPT
    if site.name == "openat2" and site.words[0].endswith("/mnt"):
        return case.action.code == errno.ENOSYS
    if not isinstance(case.action, tracer.Fail) or case.action.code != errno.ENOSYS:
        return False
    # Once these are known there is no way back.
    if (site.name, site.process) in (("open_tree", "creator"),) or (
            site.name == "move_mount" and site.process == "mounter"
            and site.ordinal > (site.scenario == "mount-call")):
        return False
    return site.name in UNKNOWN and not (site.name == "fsmount" and site.ordinal > 0)


def judge(bench, case, run):
    """What is wrong with the end of a run in which one call failed."""
    found = judge_strictly(bench, case, run)
    if is_tidying(case.site):
        found = [fault for fault in found if "left in /run/mount: ['.fuse" not in fault]
    return found


def judge_strictly(bench, case, run):
    """The same without exceptions for libmount."""
    scenario, found = bench.scenario, []
    if run.late:
        found.append(f"still running: {run.late}")
    if run.seconds > faults.PATIENCE + 6:
        found.append(f"took {run.seconds:.1f} s")
    if run.status == 0:
        if scenario.crowded and case.site.words == ("/etc/fuse.conf",) \
                and case.action.code in FILE_ERRORS:
            return found  # without the file there is no limit
        if not scenario.succeeds:
            found.append("claims to have mounted")
        found += bench.faults_of_mount(bench.mounted())
        if run.reached and is_shedding(case.site) and not is_answer(case):
            found.append("went on with privilege that it could not give up")
        if not is_log(case.site):
            found += bench.faults_of_log(True)
        return found
    found += bench.faults_of_nothing()
    if is_missing_service(case):
        return found + ([] if run.status == 2 else ["not exit status 2"])
    if -run.status in TRAPS and case.site.name in ("capset", "capget"):
        return found  # on purpose, and at once
    if not is_log(case.site):
        found += bench.faults_of_log(False)
    if run.status != 1:
        found.append("ended with another status than 0 or 1")
    if scenario.succeeds and (is_repeated(case) or has_substitute(case)):
        found.append("failed, but need not")
    if not is_voice(case.site):
        found += bench.faults_of_speech(run)
    return found


def work(benches, case):
    """Runs one case and judges it; now and then, sees that the next mount works."""
    bench = benches[case.site.scenario]
    try:
        run = faults.run_case(bench, case)
        found = judge(bench, case, run)
    finally:
        bench.clear()
    found += bench.faults_of_devices()
    if run.status != 0:
        benches.failed += 1
        if found or benches.failed % 4 == 0:
            found += bench.faults_of_next()
    return Verdict(case, run, found)


def select(sites, seen):
    """The sites of one kind of mount that are tried; `seen` holds what others have tried."""
    if DEEP:
        return sites
    groups = {}
    for site in sites:
        groups.setdefault((site.role, site.name, site.words), []).append(site)
    chosen = []
    for group in groups.values():
        # Loops: over descriptors, capabilities, signals, packets.
        for number in sorted({0, len(group) // 2, len(group) - 1}):
            site = group[number]
            key = (SCENARIOS[site.scenario].caller, site.process, site.name, site.words, number)
            if key not in seen:
                chosen.append(site)
                seen.add(key)
    return chosen


@functools.cache
def all_sites():
    """The calls of all kinds of mounts."""
    return faults.record(POSSIBLE)


@functools.cache
def chosen_sites():
    """Those that are tried."""
    seen = set()
    return {name: select(all_sites()[name], seen) for name in POSSIBLE}


def check(test, verdicts):
    """Fails with the first few faults."""
    bad = [str(verdict) for verdict in verdicts if verdict.faults]
    if bad:
        test.fail(f"{len(bad)} of {len(verdicts)} cases:\n" + "\n".join(bad[:SHOWN]))
    missed = [verdict for verdict in verdicts if not verdict.run.reached]
    test.assertLess(len(missed), 3 + len(verdicts) // 50, "calls that were not made again: "
                    + ", ".join(str(verdict.case) for verdict in missed[:SHOWN]))


class KindsTest(HelperTest):
    """Tests of kinds of mounts, of those that this kernel makes."""

    def need(self, scenario):
        """Skips a kind of mount that there is none of here."""
        if scenario not in POSSIBLE:
            self.skipTest(loops.MISSING)


class Faults(KindsTest):
    """One call fails."""

    @parametrized(scenario=ORDER)
    def test_whichever_call_fails_there_is_a_message_or_the_whole_mount(self, scenario):
        self.need(scenario)
        check(self, faults.Pool.of(work, scenario).map(
            Case(site, action) for site in chosen_sites()[scenario]
            for action in fault_table.failures(site.name, None if DEEP else 2)))


class Privilege(KindsTest):
    """When a process has privilege, and what it does then."""

    @parametrized(scenario=ORDER)
    def test_privilege_is_effective_only_in_the_calls_that_need_it(self, scenario):
        self.need(scenario)
        found = faults.Pool(watch_privilege).map([(scenario, None)])[0]
        self.assertEqual(found, [])

    @parametrized(scenario=["recorded", "one-step", "root", "device", "loop"])
    def test_a_process_that_cannot_give_privilege_up_does_nothing_more_with_it(self, scenario):
        self.need(scenario)
        actions = {site: [tracer.Fail(code) for code in codes] for site, codes in (
            (site, {errno.EPERM, errno.EAGAIN} if DEEP else {errno.EPERM})
            for site in all_sites()[scenario] if touches_privilege(site))}
        cases = [(scenario, Case(site, action)) for site, some in actions.items()
                 for action in some]
        self.assertGreater(len(cases), 30)
        found = faults.Pool.of(watch_privilege, scenario).map(cases)
        bad = [f"{case}: {'; '.join(faults)}" for (_, case), faults in zip(cases, found) if faults]
        if bad:
            self.fail(f"{len(bad)} of {len(cases)} cases:\n" + "\n".join(bad[:SHOWN]))


# What somebody would try who has taken a process over.
FORBIDDEN = ["execve", "execveat", "ptrace", "process_vm_writev", "pidfd_getfd", "setns",
             "pivot_root", "chroot", "init_module", "finit_module", "kexec_load", "bpf", "keyctl",
             "io_uring_setup", "userfaultfd", "perf_event_open", "open_by_handle_at", "mknodat"]

# What reaches somebody else than the service and the monitor.
REACHING = ["socket", "socketpair", "connect", "bind", "listen", "accept4", "sendto", "sendmmsg",
            "setsockopt", "shutdown", "kill", "tgkill", "pidfd_send_signal"]


class Filters(KindsTest):
    """What a process that was taken over cannot do."""

    @parametrized(scenario=["recorded", "root", "loop", "mount-call"])
    def test_whichever_process_would_run_a_program_or_gain_more_is_killed_by_its_filter(
            self, scenario):
        self.need(scenario)
        # A process's last call is made under its filter; the worker's last in which nobody ends it.
        last = {site.role: site for site in all_sites()[scenario]
                if site.process != "worker" or site.name == "sendmsg"}
        self.assertLessEqual({"monitor", "worker", "mounter"},
                             {site.process for site in last.values()})
        found = faults.Pool.of(execute, scenario).map(
            Case(site, tracer.Become(name)) for site in last.values()
            for name in FORBIDDEN)
        self.assertEqual([f"{case}: {ending}" for case, ending in found
                          if ending != -signal.SIGSYS], [])

    @parametrized(scenario=["recorded", "root", "loop"])
    def test_a_worker_that_has_called_the_service_reaches_nobody_else(self, scenario):
        self.need(scenario)
        calls = [site for site in all_sites()[scenario] if site.process == "worker"]
        found = faults.Pool.of(execute, scenario).map(
            Case([site for site in calls if site.name == "sendmsg"][-1], tracer.Become(name))
            for name in REACHING)
        self.assertEqual([f"{case}: {ending}" for case, ending in found
                          if ending != -signal.SIGSYS], [])

    @parametrized(scenario=["recorded", "root", "loop", "mount-call"])
    def test_the_worker_reads_nothing_of_the_services_before_it_is_under_its_filter(self, scenario):
        self.need(scenario)
        names = [site.name for site in all_sites()[scenario] if site.process == "worker"]
        self.assertEqual(names.count("seccomp"), 1, names)
        # What is read before there is a connection is the monitor's.
        connected, confined = names.index("connect"), names.index("seccomp")
        self.assertLess(connected, confined)
        self.assertIn("recvmsg", names[confined:])
        for name in ("recvmsg", "recvfrom", "read", "poll", "ppoll"):
            self.assertNotIn(name, names[connected:confined])


def execute(benches, case):
    """Runs a case; how the process ended whose call it is."""
    bench = benches[case.site.scenario]
    try:
        run = faults.run_case(bench, case)
        return case, run.endings.get(case.site.role)
    finally:
        bench.clear()


def touches_privilege(site):
    """Whether a call raises privilege, gives it up or looks at it; of each loop, two calls."""
    if site.name == "prctl" and site.words[0] in map(str, (PR_CAPBSET_READ, PR_CAPBSET_DROP)):
        return site.ordinal % 40 == 7
    return is_shedding(site) or site.name == "capset" or (
        site.name == "capget" and site.words == ("read",))


def asks_whether_it_is_bound(call):
    """PR_CAPBSET_READ, after a capability could not be dropped: perhaps there is none to drop."""
    return call.name == "prctl" and call.words[:1] == ("23",)


def watch_privilege(benches, item):
    """Runs a scenario, or a case of it, looking at each call's privilege; what is wrong."""
    name, case = item
    bench = benches[name]
    found = []
    recorders = {site.role for site in all_sites()[name] if site.process == "recorder"}
    starting = {"0"}  # processes that have not given up what they began with

    def decide(call):
        is_administrator, user, files = call.effective()
        if files == 0 != user and call.role not in starting and call.name not in ROOTS_FILES \
                and call.process != decide.failed:
            found.append(f"{call.role} makes {call.name} with root's files")
        if call.role in starting:
            if not is_administrator and (user != 0 or bench.scenario.caller == ROOT):
                starting.discard(call.role)
        elif is_administrator and call.name not in PRIVILEGED and not (
                call.process == decide.failed and call.name in LAST_WORDS):
            found.append(f"{call.role} makes {call.name} with CAP_SYS_ADMIN")
        elif user == 0 and not case and bench.scenario.caller != ROOT \
                and call.role not in recorders:
            found.append(f"{call.role} makes {call.name} as root")
        if call.process == decide.failed and call.role in starting \
                and call.name not in LAST_WORDS and not asks_whether_it_is_bound(call):
            found.append(f"{call.role} goes on with {call.name}")
        if case and (call.role, call.name, call.ordinal) == (
                case.site.role, case.site.name, case.site.ordinal):
            decide.failed = call.process
            return case.action
        return None
    decide.failed = None
    try:
        run = bench.run(decide)
        if case and is_shedding(case.site):
            found += bench.faults_of_nothing()
            if run.status == 0:
                found.append("mounted")
        return found
    finally:
        bench.clear()
