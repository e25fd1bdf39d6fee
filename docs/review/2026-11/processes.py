# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the caller can do to the helper's processes while they run."""

import ctypes
import os
import resource
import signal
import subprocess
import threading
import time

import fuse_service as wire
from review import *

SYS = {"x86_64": {"ptrace": 101, "prlimit64": 302, "process_vm_readv": 310, "kcmp": 312,
                  "pidfd_open": 434, "pidfd_getfd": 438, "sched_setscheduler": 144,
                  "setpriority": 141, "ioprio_set": 251, "sched_setaffinity": 203,
                  "process_madvise": 440, "move_pages": 279, "migrate_pages": 256,
                  "process_mrelease": 448, "get_robust_list": 274, "perf_event_open": 298}
       }.get(os.uname().machine)
libc.syscall.restype = ctypes.c_long


def call(name, *words):
    """A system call; its error's name, or what it returned."""
    result = libc.syscall(SYS[name], *words)
    return result if result >= 0 else os.strerror(ctypes.get_errno())


class Touching(Attempts):
    """The helper stopped at each stage, and every way to another process's memory tried."""

    def stages(self):
        """Each process of a helper that waits for its server, with its ids, and at the goodbye the
        finisher and recorder too."""
        target = self.target(ALICE)
        gate, there = threading.Event(), threading.Event()

        def script(session):
            session.begin()
            session.prepare(target)
            assert session.mount() == 0
            there.set()
            gate.wait(30)
            session.goodbye(0)
            session.serve({}, ALICE.uid, ALICE.gid)
        self.service(script)
        running = self.start_helper(["demo", target, "-t", "fuse.demo", "-o", "x-a=1"], ALICE)
        self.expect(there.wait(10), "the server was not called")
        yield "waiting", helper_processes()
        lock = os.open("/run/mount/utab.lock", os.O_RDWR | os.O_CREAT, 0o644)
        import fcntl
        fcntl.flock(lock, fcntl.LOCK_EX)
        gate.set()
        self.expect(support.eventually(lambda: any(
            support.process_status(pid)["Uid"].split()[1] == "0" for pid in helper_processes()), 5),
            "no recorder")
        yield "recording", helper_processes()
        os.close(lock)
        self.expect_mounted(running.finish(), target)
        support.detach(target)
        os.unlink("/run/mount/utab")

    def describe(self, pid):
        """Ids and capabilities."""
        status = support.process_status(pid)
        return (f"uid {' '.join(status['Uid'].split())} permitted {status['CapPrm']} effective "
                f"{status['CapEff']} bounding {status['CapBnd']} nnp {status['NoNewPrivs']} "
                f"seccomp {status['Seccomp']}")

    def test_01_ids_and_capabilities(self):
        """attempt: look at every process at the goodbye and before; expected: what
        docs/architecture.md says, with nothing effective, nothing in the bounding set"""
        for stage_name, processes in self.stages():
            for pid in processes:
                line = self.describe(pid)
                self.saw(f"{stage_name}: {line}")
                self.expect("effective 0000000000000000 bounding 0000000000000000 nnp 1 seccomp 2"
                            in line, "privilege that is not in the table")
                groups = support.process_status(pid)["Groups"].strip()
                self.expect(groups == "", f"groups {groups}")

    def test_02_memory_descriptors_and_files_of_proc(self):
        """attempt: as the caller, PTRACE_ATTACH, PTRACE_SEIZE, process_vm_readv, pidfd_getfd, kcmp,
        process_madvise, move_pages, and the files of /proc/PID; expected: none is permitted on any
        process"""
        for stage_name, processes in self.stages():
            def touch(processes=processes, stage_name=stage_name):
                bad = 0
                for pid in processes:
                    handle = call("pidfd_open", pid, 0)
                    results = {
                        "attach": call("ptrace", 16, pid, 0, 0),
                        "seize": call("ptrace", 0x4206, pid, 0, 0),
                        "getfd": [call("pidfd_getfd", handle, number, 0) for number in range(12)],
                        "kcmp": call("kcmp", pid, os.getpid(), 1, 0, 0),
                        "vm": call("process_vm_readv", pid, None, 0, None, 0, 0),
                        "mrelease": call("process_mrelease", handle, 0),
                        "pages": call("move_pages", pid, 0, None, None, None, 0),
                        "perf": call("perf_event_open", None, pid, -1, -1, 0)}
                    names = ("mem", "maps", "environ", "auxv", "stack", "syscall", "fd/0", "cwd",
                             "root", "exe", "ns/mnt", "fdinfo/0", "clear_refs",
                             "oom_score_adj", "attr/current", "coredump_filter", "timers", "limits")
                    for name in names:
                        flags = os.O_RDWR if name in ("mem", "oom_score_adj", "clear_refs",
                                                      "coredump_filter") else os.O_RDONLY
                        try:
                            os.read(os.open(f"/proc/{pid}/{name}", flags), 4)
                            results[name] = 0
                        except OSError as error:
                            results[name] = error.strerror
                    good = {key: value for key, value in results.items()
                            if isinstance(value, int) and value >= 0
                            or isinstance(value, list)
                            and any(isinstance(one, int) for one in value)}
                    for key in ("vm", "limits"):
                        good.pop(key, None)  # nothing asked, and no secret
                    if good:
                        os.write(2, f"{stage_name} {pid}: {good}\n".encode())
                        bad = 1
                return bad
            status = as_caller(ALICE, touch)
            self.saw(f"{stage_name}: {len(processes)} processes, open to the caller: {status}")
            self.expect(status == 0, "a process is open to the caller")

    def test_03_limits_and_scheduling(self):
        """attempt: as the caller, prlimit, setpriority, SCHED_IDLE, affinity and ioprio on every
        process; expected: limits of monitor, finisher and recorder cannot be set; scheduling may be
        (known), and the mount is complete all the same"""
        for stage_name, processes in self.stages():
            uids = {pid: support.process_status(pid)["Uid"].split() for pid in processes}

            def touch(uids=uids):
                bad = 0
                for pid, ids in uids.items():
                    limit = (ctypes.c_ulong * 2)(0, 0)
                    results = [call("prlimit64", pid, kind, ctypes.byref(limit), None)
                               for kind in (0, 1, 2, 3, 6, 7, 9)]
                    parameter = ctypes.c_int(0)
                    other = [call("setpriority", 0, pid, 19),
                             call("sched_setscheduler", pid, 5, ctypes.byref(parameter)),
                             call("ioprio_set", 1, pid, 3 << 13)]
                    os.write(1, f"{stage_name} {ids}: prlimit {results[0]}; nice, idle, io "
                                f"{other}\n".encode())
                    if "0" in ids and any(isinstance(one, int) for one in results):
                        bad = 1
                return bad
            read, write = os.pipe()
            saved = os.dup(1)
            os.dup2(write, 1)
            status = as_caller(ALICE, touch)
            os.dup2(saved, 1)
            os.close(write)
            self.saw(os.read(read, 1 << 16).decode())
            os.close(read)
            os.close(saved)
            self.expect(status == 0, "a limit of a process with root's saved id was set")

    def parts(self):
        """The processes by what they are."""
        found = {}
        for pid in helper_processes():
            with contextlib.suppress(OSError, KeyError):
                ids = " ".join(support.process_status(pid)["Uid"].split()[:3])
                found[{"61001 61001 0": "monitor", "61001 61001 61001": "worker",
                       "0 61001 0": "finisher", "0 0 0": "recorder"}[ids]] = pid
        return found

    def test_04_signals_to_each_process(self):
        """attempt: as the caller, send each of SIGSTOP, SIGCONT, SIGKILL, SIGXCPU, SIGSEGV, SIGABRT,
        SIGTRAP, SIGUSR1, SIGALRM to one process of the helper at a time, while it waits and while it
        records; expected: mounted with exit 0, or not mounted, no entry, no process left"""
        import fcntl
        for which in ("monitor", "worker", "finisher", "recorder"):
            for number in (signal.SIGSTOP, signal.SIGKILL, signal.SIGXCPU, signal.SIGSEGV,
                           signal.SIGABRT, signal.SIGTRAP, signal.SIGUSR1, signal.SIGALRM,
                           signal.SIGCONT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
                target = self.target(ALICE)
                gate, there = threading.Event(), threading.Event()

                def script(session, target=target, gate=gate, there=there):
                    with contextlib.suppress(wire.SessionEnded):
                        session.begin()
                        session.prepare(target)
                        assert session.mount() == 0
                        there.set()
                        gate.wait(30)
                        session.goodbye(0)
                        session.serve({}, ALICE.uid, ALICE.gid)
                service = self.service(script, "sig")
                running = self.start_helper(
                    ["demo", target, "-t", "fuse.sig", "-o", "x-a=1", "--timeout", "3"], ALICE)
                self.expect(there.wait(10), "the server was not called")
                lock = os.open("/run/mount/utab.lock", os.O_RDWR | os.O_CREAT, 0o644)
                fcntl.flock(lock, fcntl.LOCK_EX)
                if which in ("finisher", "recorder"):
                    gate.set()
                    self.expect(support.eventually(lambda: "recorder" in self.parts(), 5),
                                "no recorder")
                found = self.parts()

                def strike(pid=found[which], number=number):
                    try:
                        os.kill(pid, number)
                    except OSError as error:
                        return error.errno
                    return 0
                status = as_caller(ALICE, strike)
                gate.set()
                os.close(lock)
                if number == signal.SIGSTOP and which == "monitor":
                    time.sleep(0.3)
                    os.kill(found[which], signal.SIGCONT)
                outcome = running.finish(30)
                self.clean()
                there = mount_at(target) is not None
                entry = any(target in line for line in utab() or [])
                self.saw(f"{signal.Signals(number).name} to {which}:",
                         os.strerror(status) if status else "sent", f"exit {outcome.status}",
                         "mounted" if there else "not mounted")
                self.expect(there == (outcome.status == 0) or outcome.status == -9
                            or outcome.status < 0, "exit status is not true")
                self.expect(there == entry, "entry and mount do not agree")
                if which in ("finisher", "recorder"):
                    self.expect(status != 0, "a process of root's took a signal of the caller's")
                support.detach(target)
                service.close()
                with open("/run/mount/utab", "w", encoding="ascii"):
                    pass


class Groups(Attempts):
    """Control groups that the caller owns."""

    def group(self):
        """A control group that is delegated to the caller."""
        for top in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
            if os.path.exists(os.path.join(top, "cgroup.procs")):
                path = os.path.join(top, f"fsm-review-{os.getpid()}-{time.monotonic_ns()}")
                try:
                    os.mkdir(path)
                except OSError as error:
                    self.skipTest(f"control group: {error}")
                self.addCleanup(self.remove, path)
                for name in ("", "cgroup.procs", "cgroup.kill", "cgroup.freeze"):
                    with contextlib.suppress(FileNotFoundError):
                        os.chown(os.path.join(path, name), ALICE.uid, ALICE.gid)
                return path
        self.skipTest("no cgroup2")

    def remove(self, path):
        """Removes an empty control group."""
        for _ in range(100):
            with contextlib.suppress(OSError):
                os.rmdir(path)
                return
            time.sleep(0.05)

    @finding(4)
    def test_05_mount_max_and_cgroup_kill(self):
        """attempt: mount_max 1, four helpers in control groups that are delegated to the caller,
        who kills each whole group (cgroup.kill) as soon as a mount appears; expected: never more
        than one mount"""
        group = self.group()
        if not os.path.exists(os.path.join(group, "cgroup.kill")):
            self.skipTest("no cgroup.kill")
        self.fuse_conf("mount_max = 1\n")
        import select
        most, tried = 0, 0
        for _ in range(25):
            gates, ready, running, targets = [], threading.Semaphore(0), [], []
            services = []
            for number in range(4):
                target, gate = self.target(ALICE), threading.Event()
                targets.append(target)
                gates.append(gate)

                def script(session, target=target, gate=gate):
                    session.begin()
                    session.prepare(target)
                    assert session.mount() == 0
                    session.serve(None, ALICE.uid, ALICE.gid)
                    ready.release()
                    gate.wait(30)
                    session.goodbye(0)
                services.append(self.service(script, f"m{number}"))
                own = os.path.join(group, str(number))
                os.mkdir(own)
                running.append((own, self.start_helper(
                    ["demo", target, "-t", f"fuse.m{number}"], ALICE,
                    preexec_fn=lambda own=own: None)))
                with open(os.path.join(own, "cgroup.procs"), "w", encoding="ascii") as file:
                    file.write(str(running[-1][1].process.pid))
            for _ in gates:
                self.expect(ready.acquire(timeout=10), "a helper did not come so far")
            # The workers were forked before the move in some cases; what counts is the finisher.
            for (own, one), gate in zip(running, gates):
                tried += 1
                with open("/proc/self/mounts", encoding="utf-8") as table, \
                        open(os.path.join(own, "cgroup.kill"), "w", encoding="ascii") as kill:
                    poll = select.poll()
                    poll.register(table, select.POLLPRI)
                    table.read()
                    gate.set()
                    if poll.poll(2000):
                        kill.write("1")
                        kill.flush()
                one.process.wait(10)
            self.clean()
            there = [mount.target for mount in mounts() if mount.target in targets]
            most = max(most, len(there))
            for target in there:
                support.detach(target)
            for own, _ in running:
                self.remove(own)
            for service in services:
                service.close()
            if most > 1:
                break
        self.saw(f"helpers killed: {tried}; most mounts with mount_max 1: {most}")
        self.expect(most <= 1, "mount_max does not hold")

    @finding(4)
    def test_06_an_entry_and_cgroup_kill(self):
        """attempt: a helper in the caller's control group that is killed as a whole as soon as its
        entry is in utab; expected: no entry without a mount"""
        group = self.group()
        if not os.path.exists(os.path.join(group, "cgroup.kill")):
            self.skipTest("no cgroup.kill")
        for attempt in range(40):
            target = self.target(ALICE)
            gate = threading.Event()
            there = threading.Event()

            def script(session, target=target, gate=gate, there=there):
                session.begin()
                session.prepare(target)
                assert session.mount() == 0
                there.set()
                gate.wait(30)
                session.goodbye(0)
                session.serve(None, ALICE.uid, ALICE.gid)
            service = self.service(script, "kill")
            own = os.path.join(group, f"e{attempt}")
            os.mkdir(own)
            running = self.start_helper(["demo", target, "-t", "fuse.kill", "-o", "x-a"], ALICE)
            with open(os.path.join(own, "cgroup.procs"), "w", encoding="ascii") as file:
                file.write(str(running.process.pid))
            self.expect(there.wait(10), "the helper did not come so far")
            gate.set()
            with open(os.path.join(own, "cgroup.kill"), "w", encoding="ascii") as kill:
                deadline = time.monotonic() + 2
                while time.monotonic() < deadline and running.process.poll() is None:
                    try:
                        with open("/run/mount/utab", encoding="ascii") as table:
                            if target in table.read():
                                kill.write("1")
                                kill.flush()
                                break
                    except FileNotFoundError:
                        pass
            running.finish()
            self.clean()
            entry = [line for line in utab() or [] if target in line]
            mounted = mount_at(target) is not None
            support.detach(target)
            service.close()
            self.remove(own)
            with contextlib.suppress(FileNotFoundError):
                os.unlink("/run/mount/utab")
            if entry and not mounted:
                self.saw(f"round {attempt + 1}: utab has {entry}, nothing is mounted")
                self.expect(False, "an entry without a mount")
        self.saw(f"rounds: {attempt + 1}")


class Inherited(Attempts):
    """What survives exec."""

    def mounted_or_refused(self, outcome, target, may_be_killed=False):
        """A whole mount and 0, or none and another status."""
        self.ended(outcome)
        self.clean()
        mount = mount_at(target)
        entry = any(target in line for line in utab() or [])
        self.expect((outcome.status == 0) == (mount is not None), "exit status is not true")
        self.expect(entry == (mount is not None), "entry and mount do not agree")
        self.expect(outcome.status >= 0 or may_be_killed, f"ended by signal {-outcome.status}")
        if mount:
            self.expect({"nosuid", "nodev"} <= mount.attributes, "flags lost")
            support.detach(target)
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/run/mount/utab")

    def run_with(self, prepare, what, may_be_killed=False):
        """Runs the helper after `prepare` in its process."""
        target = self.target(ALICE)
        with self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid)):
            self.saw(what)
            outcome = self.helper(["demo", target, "-t", "fuse.demo", "-o", "x-a=1"], ALICE,
                                  preexec_fn=prepare, timeout=30)
            self.mounted_or_refused(outcome, target, may_be_killed)

    def test_07_limits_at_the_floor(self):
        """attempt: each resource limit at 0, 1, at what the helper says it needs and one below, soft
        and hard; expected: a whole mount and 0, or none and 1"""
        kinds = {"NOFILE": 64, "FSIZE": 64 << 20, "AS": 512 << 20, "DATA": 128 << 20,
                 "STACK": 1 << 20, "CPU": 60, "NPROC": 1, "MEMLOCK": 1, "SIGPENDING": 1,
                 "MSGQUEUE": 1, "NICE": 0, "RTPRIO": 0, "RSS": 1, "CORE": 1}
        numbers = {"SIGPENDING": 11, "MSGQUEUE": 12, "NICE": 13, "RTPRIO": 14, "RSS": 5}
        for name, needed in kinds.items():
            kind = getattr(resource, "RLIMIT_" + name, numbers.get(name))
            for value in sorted({0, min(1, needed), max(0, needed - 1), needed}):
                if name in ("AS", "DATA", "STACK") and value < 1 << 20:
                    continue  # the kernel cannot even start a program
                self.run_with(lambda kind=kind, value=value:
                              resource.setrlimit(kind, (value, value)), f"{name} {value}",
                              may_be_killed=name == "CPU" and value == 0)

    def test_08_process_attributes(self):
        """attempt: PR_SET_TSC SIGSEGV, timer slack, MDWE, personality UNAME26 and others, child
        subreaper, PDEATHSIG, ignored and blocked signals, pending signals, keepcaps, IO priority,
        affinity; expected: a whole mount and 0, or none and 1, and no crash"""
        def prctl(*words):
            return lambda: libc.prctl(*words)

        def ignore_all():
            for number in range(1, 65):
                with contextlib.suppress(OSError, ValueError):
                    signal.signal(number, signal.SIG_IGN)

        def pending():
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            for number in (signal.SIGALRM, signal.SIGPROF, signal.SIGCHLD, signal.SIGPIPE,
                           signal.SIGCONT, signal.SIGWINCH):
                os.kill(os.getpid(), number)

        def children():
            for _ in range(20):
                if os.fork() == 0:
                    os._exit(0)
        for what, prepare in (
                ("timer slack of a million seconds", prctl(29, 10 ** 15)),
                ("MDWE", prctl(65, 1, 0, 0, 0)), ("subreaper", prctl(36, 1)),
                ("PDEATHSIG", prctl(1, 9)), ("KEEPCAPS", prctl(8, 1)),
                ("UNAME26", lambda: libc.personality(0x20000)),
                ("PER_LINUX32, 3GB, no randomization, exec reads, zero page",
                 lambda: libc.personality(0x8 | 0x8000000 | 0x40000 | 0x400000 | 0x100000)),
                ("all signals ignored", ignore_all),
                ("signals blocked and pending", pending),
                ("children of the caller's", children),
                ("THP off", prctl(41, 1, 0, 0, 0)), ("no_new_privs", prctl(38, 1, 0, 0, 0)),
                ("new session", os.setsid), ("umask 0777", lambda: os.umask(0o777)),
                ("umask 0", lambda: os.umask(0)),
                ("SCHED_IDLE", lambda: os.sched_setscheduler(0, os.SCHED_IDLE,
                                                             os.sched_param(0))),
                ("SCHED_BATCH nice 19", lambda: os.nice(19))):
            self.run_with(prepare, what, what.startswith("signals"))

    def test_09_no_time_stamp_counter(self):
        """attempt: prctl(PR_SET_TSC, PR_TSC_SIGSEGV) by the caller, which survives exec of a set-id
        program; expected: no crash of the monitor; the loader's, before main, like that of every
        program, does not count"""
        program = ("import ctypes, os, sys; os.environ.clear(); ctypes.CDLL(None).prctl(26, 2); "
                   "os.execv(sys.argv[1], sys.argv[1:])")
        other = self.run_as(ALICE, support.PYTHON, "-I", "-S", "-c", program, "/bin/true")
        self.ended(other, "/bin/true")
        target = self.target(ALICE)
        with self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid)):
            outcome = self.run_as(ALICE, support.PYTHON, "-I", "-S", "-c", program, stage.helper,
                                  "demo", target, "-t", "fuse.demo")
            self.ended(outcome)
            self.expect((outcome.status == 0) == (mount_at(target) is not None), "not true")
            self.expect(outcome.status == 0 or other.status == outcome.status == -11, "a crash")
            support.detach(target)

    def test_10_real_and_effective_ids(self):
        """attempt: callers whose real and effective ids differ: real root and effective user, real
        user and effective other, saved root; expected: the real id is the caller, and what is
        mounted is its own"""
        for real, effective, saved in ((ALICE.uid, BOB.uid, BOB.uid), (ALICE.uid, BOB.uid, 0),
                                       (BOB.uid, ALICE.uid, ALICE.uid), (0, ALICE.uid, 0),
                                       (ALICE.uid, 0, 0)):
            target = self.target(ALICE)
            with self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid)):
                running = support.Running(
                    [stage.helper, "demo", target, "-t", "fuse.demo"],
                    preexec_fn=lambda: (os.setgroups([]), os.setresgid(0, ALICE.gid, ALICE.gid)
                                        if real == 0 else os.setresgid(*[ALICE.gid] * 3),
                                        os.setresuid(real, effective, saved)), env={})
                outcome = running.finish()
                mount = mount_at(target)
                owner = [word for word in mount.superblock if word.startswith("user_id")] \
                    if mount else None
                self.saw(f"real {real} effective {effective} saved {saved}: exit {outcome.status}",
                         outcome.err.strip().replace(target, "MNT"), owner)
                if mount:
                    self.expect(owner == [f"user_id={real}"], "the mount is another's")
                self.expect((real == BOB.uid) <= (outcome.status == 1),
                            "mounted on a directory of another user's")
                support.detach(target)

    def test_11_callers_with_some_capabilities(self):
        """attempt: an unprivileged caller with CAP_DAC_OVERRIDE, CAP_SYS_ADMIN, CAP_SYS_PTRACE in
        its inheritable and ambient sets, with an empty bounding set, and with securebits NOROOT,
        KEEP_CAPS and NO_SETUID_FIXUP; expected: no process of the helper has more than
        docs/architecture.md says, or it refuses to run"""
        cases = (["--inh-caps=+dac_override,+sys_ptrace", "--ambient-caps=+dac_override,+sys_ptrace"],
                 ["--inh-caps=+sys_admin", "--ambient-caps=+sys_admin"],
                 ["--bounding-set=-all"], ["--bounding-set=-sys_admin"],
                 ["--bounding-set=-setpcap"], ["--bounding-set=-setuid"],
                 ["--bounding-set=-setgid"], ["--bounding-set=-sys_resource"],
                 ["--securebits=+noroot,+noroot_locked"],
                 ["--securebits=+no_setuid_fixup,+no_setuid_fixup_locked"],
                 ["--securebits=+keep_caps_locked"])
        for words in cases:
            target = self.target(ALICE)
            seen = []

            def script(session, target=target, seen=seen):
                with contextlib.suppress(wire.SessionEnded):
                    session.begin()
                    for pid in helper_processes():
                        status = support.process_status(pid)
                        seen.append((status["Uid"].split()[2], status["CapInh"].strip("0") or "0",
                                     status["CapPrm"].lstrip("0") or "0",
                                     status["CapEff"].strip("0") or "0",
                                     status["CapAmb"].strip("0") or "0"))
                    session.prepare(target)
                    session.mount()
                    session.goodbye(0)
                    session.serve({}, ALICE.uid, ALICE.gid)
            with self.service(script):
                outcome = support.Running(
                    ["setpriv", f"--reuid={ALICE.uid}", f"--regid={ALICE.gid}", "--clear-groups",
                     *words, stage.helper, "demo", target, "-t", "fuse.demo"]).finish()
                self.saw(f"{' '.join(words)}: exit {outcome.status}",
                         outcome.err.strip().replace(target, "MNT"), sorted(seen))
                for saved, inheritable, permitted, effective, ambient in seen:
                    self.expect(inheritable == effective == ambient == "0"
                                and permitted in ("0", "200000"), "more privilege than expected")
                self.expect((outcome.status == 0) == (mount_at(target) is not None),
                            "exit status is not true")
                support.detach(target)

    def test_12_user_namespaces(self):
        """attempt: run the set-id helper in a user namespace of the caller's, with and without a
        mount namespace, as its root and as its user, and by the /proc/PID/root of one;
        expected: nothing is mounted outside, no entry, no privilege"""
        target = self.target(ALICE)
        self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid))
        for words in (["unshare", "-U"], ["unshare", "-Ur"], ["unshare", "-Urm"],
                      ["unshare", "-Uc"], ["unshare", "-Urmpf", "--mount-proc"]):
            outcome = self.run_as(ALICE, *words, stage.helper, "demo", target, "-t", "fuse.demo",
                                  "-o", "x-a=1")
            self.saw(" ".join(words))
            self.ended(outcome)
            self.expect(mount_at(target) is None and not utab(), "a mount or entry outside")

    def test_13_no_new_privs_and_a_filter_of_the_callers(self):
        """attempt: a caller with no_new_privs and a seccomp filter that answers ENOENT to openat2(2),
        fsopen(2) or memfd_create(2); expected: exit 1, never 2"""
        target = self.target(ALICE)
        self.service(wire.mounting(target, owner=ALICE.uid, group=ALICE.gid))
        for failing in (("openat2=ENOENT",), ("fsopen=ENOENT",), ("memfd_create=ENOENT",)):
            words = [support.PYTHON, "-I", "-S", os.path.join(support.HERE, "seccomp_errno.py"),
                     f"{ALICE.uid}:{ALICE.gid}", *failing, "--", stage.helper, "demo", target, "-t",
                     "fuse.demo"]
            outcome = support.Running(["setpriv", "--no-new-privs", *words]).finish()
            self.saw(failing)
            self.ended(outcome)
            self.expect(outcome.status == 1, "exit status of a caller's making")
            self.expect(mount_at(target) is None, "mounted")
