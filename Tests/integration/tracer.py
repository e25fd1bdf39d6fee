# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the helper under ptrace(2) and changes single system calls of single processes.

A seccomp filter that root installs before the start hands the watched calls, and only those, to the
tracer (SECCOMP_RET_TRACE); the helper's own filters hold all the same, since the most severe answer
of all filters counts. Because root traces, set-user-ID takes effect. A call is known by the process
that makes it (its role: which child of which) and by how many calls of its name the process has made
before, so that a run is one (role, name, ordinal) and repeats exactly.
"""

import contextlib
import ctypes
import errno
import functools
import os
import platform
import re
import resource
import select
import signal
import struct
import time
import typing

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long

PTRACE_CONT = 7
PTRACE_POKEUSER = 6
PTRACE_GETREGSET, PTRACE_SETREGSET = 0x4204, 0x4205
PTRACE_SYSCALL = 24
PTRACE_GETEVENTMSG, PTRACE_GETSIGINFO = 0x4201, 0x4202
PTRACE_SEIZE = 0x4206
PTRACE_GET_SYSCALL_INFO, SYSCALL_INFO_SECCOMP = 0x420E, 3
PTRACE_DETACH = 17
# SYSGOOD, FORK, VFORK, CLONE, EXEC, EXIT, SECCOMP, EXITKILL
OPTIONS = 0x01 | 0x02 | 0x04 | 0x08 | 0x10 | 0x40 | 0x80 | 0x100000
EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC, EVENT_EXIT, EVENT_SECCOMP = 1, 2, 3, 4, 6, 7
WALL = 0x40000000
NT_PRSTATUS, NT_ARM_SYSTEM_CALL = 1, 0x404

PR_SET_SECCOMP = 22
PR_CAPBSET_READ, PR_CAPBSET_DROP = 23, 24
CAP_SYS_ADMIN = 1 << 21
RETURN_TRACE, RETURN_ERRNO, RETURN_ALLOW = 0x7FF00000, 0x00050000, 0x7FFF0000

MACHINE = platform.machine()


def read_numbers():
    """The machine's system calls, from the kernel's header; newer ones have one number everywhere."""
    path = {"x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"}.get(
        MACHINE, "/usr/include/asm-generic/unistd.h")
    with open(path, encoding="ascii") as header:
        found = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read(), re.MULTILINE)
    return {"statmount": 457, "listmount": 458, **{name: int(number) for name, number in found}}


NUMBERS = read_numbers()
NAMES = {number: name for name, number in NUMBERS.items()}


class Call(typing.NamedTuple):
    """A system call that is about to be made."""

    role: str
    name: str
    ordinal: int  # among the calls of this name in this process, from 0
    arguments: tuple
    words: tuple  # strings that say which call it is: a path, an option
    process: int

    def effective(self):
        """Whether the process has CAP_SYS_ADMIN effective now, its effective user id, and its user id
        for files."""
        with open(f"/proc/{self.process}/status", encoding="ascii", errors="replace") as file:
            status = file.read()
        effective = int(re.search(r"^CapEff:\s*(\w+)", status, re.MULTILINE)[1], 16)
        users = re.search(r"^Uid:\s*\d+\s+(\d+)\s+\d+\s+(\d+)", status, re.MULTILINE)
        return bool(effective & CAP_SYS_ADMIN), int(users[1]), int(users[2])


class Fail(typing.NamedTuple):
    """The call is not made and fails; `made`: it is made, and reported as failed."""

    code: int
    made: bool = False


class Pretend(typing.NamedTuple):
    """The call is not made and gives this result."""

    result: int


class Become(typing.NamedTuple):
    """Another call is made in its place, with the same arguments."""

    name: str


class Send(typing.NamedTuple):
    """A signal to the process that makes the call, or to the one that was started."""

    number: int
    first: bool = False


class Run(typing.NamedTuple):
    """How a traced program and all its children ended."""

    status: int  # of the program; negative for a signal; None when it did not end in time
    err: str
    out: str
    endings: dict  # role to status
    late: list  # roles that did not end in time
    seconds: float  # until the program's end
    all_seconds: float  # until the last process's end
    reached: bool  # whether the call was made that something was to be done to
    after: list  # names of the calls that its process made afterwards, where all are watched


class Late(Exception):
    """The time for a run is over."""


def ptrace(request, process, address=0, data=0):
    """ptrace(2); a process that has died meanwhile is no error."""
    result = libc.ptrace(request, process, address, data)
    if result < 0 and ctypes.get_errno() != errno.ESRCH:
        raise OSError(ctypes.get_errno(), "ptrace")
    return result


def filter_program(watched, failing):
    """Which calls go to the tracer (None: all), and which fail anyway."""
    program = struct.pack("HBBI", 0x20, 0, 0, 0)
    for name, code in failing.items():
        program += struct.pack("HBBI", 0x15, 0, 1, NUMBERS[name])
        program += struct.pack("HBBI", 0x06, 0, 0, RETURN_ERRNO | code)
    for name in watched or ():
        program += struct.pack("HBBI", 0x15, 0, 1, NUMBERS[name])
        program += struct.pack("HBBI", 0x06, 0, 0, RETURN_TRACE)
    return program + struct.pack(
        "HBBI", 0x06, 0, 0, RETURN_TRACE if watched is None else RETURN_ALLOW)


def install_filter(program):
    """As root, so without no_new_privs, which would undo set-user-ID."""
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    if libc.prctl(PR_SET_SECCOMP, 2, header, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def text_at(process, address):
    """A string of a traced process's."""
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        found = b""
        while b"\0" not in found and len(found) < 256:
            with contextlib.suppress(OSError):
                more = memory.read(64 - memory.tell() % 64)
                if more:
                    found += more
                    continue
            break
    return os.fsdecode(found.split(b"\0")[0])


def words_at(process, address, count):
    """Some 32-bit words of a traced process's memory."""
    if not address:
        return (0,) * count
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        return struct.unpack(f"{count}I", memory.read(4 * count))


# Which argument names what a call is about.
PATH_ARGUMENT = {"open": 0, "access": 0, "stat": 0, "lstat": 0, "statfs": 0, "readlink": 0,
                 "mkdir": 0, "rmdir": 0, "unlink": 0, "link": 0, "rename": 0, "umount2": 0, "openat": 1,
                 "openat2": 1, "newfstatat": 1, "faccessat": 1, "faccessat2": 1, "readlinkat": 1,
                 "statx": 1, "mkdirat": 1, "unlinkat": 1, "linkat": 1, "renameat": 1,
                 "renameat2": 1, "fsopen": 0, "mount": 1}
NUMBER_ARGUMENT = {"prctl": 0, "prlimit64": 1, "fcntl": 1, "setitimer": 0, "rt_sigaction": 0,
                   "rt_sigprocmask": 0, "ioctl": 1, "setsockopt": 2, "getsockopt": 2, "dup2": 1,
                   "fsconfig": 1, "setfsuid": 0, "setfsgid": 0}


# Calls whose first argument is a descriptor of a file that has a name.
DESCRIPTOR = {"read", "pread64", "close", "fchmod", "fchown", "flock", "lseek", "fstatfs", "write",
              "sendto"}


def file_of(process, descriptor):
    """The name of an open file; of what has none, what it is."""
    return same(os.readlink(f"/proc/{process}/fd/{descriptor}"))


def same(path):
    """A path without what differs from run to run."""
    for varying, constant in ((r":\[\d+\]$", ""), (r"(/utab\.)\w{6}$", r"\1XXXXXX")):
        path = re.sub(varying, constant, path)
    return path


@functools.cache
def last_capability():
    """The number of the last capability that this kernel has."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())


def describe(process, name, arguments):
    """Strings that tell one call from others of its name, and are the same in each run."""
    with contextlib.suppress(OSError, struct.error):
        if name in PATH_ARGUMENT:
            path = text_at(process, arguments[PATH_ARGUMENT[name]])
            if not path and name in ("newfstatat", "statx"):
                path = file_of(process, arguments[0])
            return (same(path),)
        if name in DESCRIPTOR:
            return (file_of(process, arguments[0]),)
        if name == "prctl" and arguments[0] in (PR_CAPBSET_READ, PR_CAPBSET_DROP) \
                and arguments[1] > last_capability():
            return str(arguments[0]), "none"
        if name == "capget":
            return ("read" if arguments[1] else "probe",)
        if name == "capset":  # effective and permitted
            return tuple(f"{word:x}" for word in words_at(process, arguments[1], 2))
        if name == "poll":  # the first descriptor
            return (file_of(process, *words_at(process, arguments[0], 1)),)
        if name == "connect":  # a path, after the family
            return (text_at(process, arguments[1] + 2),)
        if name == "fsconfig" and arguments[2]:
            return str(arguments[1]), text_at(process, arguments[2])
        if name in NUMBER_ARGUMENT:
            return (str(arguments[NUMBER_ARGUMENT[name]] & 0xFFFFFFFF),)
    return ()


class Tracer:
    """One traced run."""

    def __init__(self, decide, watched):
        self.decide = decide
        self.watched = watched
        self.roles = {}
        self.children = {}  # process to the number of its children
        self.counts = {}  # (process, name) to the number of calls
        self.orphans = {}  # stops of processes whose parent's event has not come yet
        self.results = {}  # process to what its call is to return
        self.live = set()
        self.leaving = set()  # processes that are about to end and are not traced any more
        self.gone = {}  # processes that ended before their parent's event came
        self.endings = {}
        self.running = False  # the program itself, not what starts it
        self.reached = False
        self.chosen = None
        self.after = []

    def start(self, words, caller, failing, environment):
        """Forks, and lets the child become the program."""
        gate_read, gate_write = os.pipe2(os.O_CLOEXEC)
        self.err_read, err_write = os.pipe2(os.O_CLOEXEC)
        self.out_read, out_write = os.pipe2(os.O_CLOEXEC)
        program = filter_program(self.watched, failing)
        self.first = os.fork()
        if self.first == 0:
            try:
                os.read(gate_read, 1)
                null = os.open("/dev/null", os.O_RDONLY)
                for source, target in ((null, 0), (out_write, 1), (err_write, 2)):
                    os.dup2(source, target)
                signal.pthread_sigmask(signal.SIG_SETMASK, [])
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                os.setgroups([])
                install_filter(program)
                os.setresgid(*[caller.gid] * 3)
                os.setresuid(*[caller.uid] * 3)
                os.execve(words[0], words, environment)
            finally:
                os._exit(99)
        for descriptor in (gate_read, err_write, out_write):
            os.close(descriptor)
        ptrace(PTRACE_SEIZE, self.first, 0, OPTIONS)
        self.live.add(self.first)
        self.roles[self.first] = "0"
        os.write(gate_write, b"x")
        os.close(gate_write)

    def output(self, descriptor):
        """What was written to a pipe so far; a process that holds it open is not waited for."""
        found = b""
        while select.select([descriptor], [], [], 0)[0]:
            more = os.read(descriptor, 1 << 16)
            if not more:
                break
            found += more
        os.close(descriptor)
        return found.decode("utf-8", "surrogateescape")

    def step(self):
        """Takes one event."""
        process, status = os.waitpid(-1, WALL)
        if os.WIFSIGNALED(status) or os.WIFEXITED(status):
            self.live.discard(process)
            self.orphans.pop(process, None)
            if process in self.roles:
                self.endings[self.roles[process]] = os.waitstatus_to_exitcode(status)
            else:
                self.gone[process] = os.waitstatus_to_exitcode(status)
            for orphan in list(self.orphans):
                self.adopt(orphan)
            return
        if process not in self.roles:
            self.live.add(process)
            self.orphans[process] = status
            self.adopt(process)
            return
        self.stopped(process, status)

    def adopt(self, orphan):
        """Lets a process go on whose parent was killed before it could tell of it."""
        with contextlib.suppress(OSError):
            with open(f"/proc/{orphan}/stat", encoding="ascii", errors="replace") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
            if parent not in self.live:
                self.roles[orphan] = f"lost {orphan}"
                self.stopped(orphan, self.orphans.pop(orphan))

    def stopped(self, process, status):
        """A process of a known role has stopped."""
        number, event = os.WSTOPSIG(status), status >> 16
        if event in (EVENT_FORK, EVENT_VFORK, EVENT_CLONE):
            child = self.message(process)
            if self.is_past(process, event):
                # Killed meanwhile, and what was read may be how it ends; the child is an orphan.
                return
            order = self.children[process] = self.children.get(process, 0) + 1
            self.roles[child] = f"{self.roles[process]}.{order}"
            if child in self.gone:
                self.endings[self.roles[child]] = self.gone.pop(child)
            elif child in self.orphans:
                self.stopped(child, self.orphans.pop(child))
            else:
                self.live.add(child)
        elif event == EVENT_EXEC:
            self.running = True
        elif event == EVENT_EXIT and process != self.first:
            # Its parent could not reap it, although a pidfd says that it has ended, before the
            # tracer has: so it ends without a tracer.
            self.endings[self.roles[process]] = os.waitstatus_to_exitcode(self.message(process))
            self.live.discard(process)
            self.leaving.add(process)
            ptrace(PTRACE_DETACH, process)
            for orphan in list(self.orphans):
                self.adopt(orphan)
            return
        elif event == EVENT_SECCOMP:
            if self.running:
                self.call(process)
                return
        elif event == 0 and number == signal.SIGTRAP | 0x80:
            if process in self.results:
                self.set_result(process, self.results.pop(process))
        elif event == 0:
            ptrace(PTRACE_CONT, process, 0, number)
            return
        ptrace(PTRACE_CONT, process)

    def message(self, process):
        """What an event says: a new process, or how one ends."""
        message = ctypes.c_ulong()
        ptrace(PTRACE_GETEVENTMSG, process, 0, ctypes.addressof(message))
        return message.value

    def is_past(self, process, event):
        """Whether a process has left the stop of an event, as only SIGKILL makes it."""
        buffer = ctypes.create_string_buffer(128)
        if ptrace(PTRACE_GETSIGINFO, process, 0, ctypes.addressof(buffer)) < 0:
            return True
        _, _, code = struct.unpack_from("3i", buffer)
        return code != signal.SIGTRAP | event << 8

    def call(self, process):
        """A watched call is about to be made."""
        buffer = ctypes.create_string_buffer(96)
        if ptrace(PTRACE_GET_SYSCALL_INFO, process, len(buffer), ctypes.addressof(buffer)) <= 0:
            return
        if buffer.raw[0] != SYSCALL_INFO_SECCOMP:
            # Killed meanwhile.
            return
        number, *arguments = struct.unpack_from("7Q", buffer, 24)
        name = NAMES.get(number, str(number))
        ordinal = self.counts.get((process, name), 0)
        self.counts[process, name] = ordinal + 1
        if process == self.chosen:
            self.after.append(name)
        action = self.decide(Call(self.roles[process], name, ordinal, tuple(arguments),
                                  describe(process, name, arguments), process))
        if action is None:
            ptrace(PTRACE_CONT, process)
            return
        self.reached = True
        self.chosen = process
        if isinstance(action, Send):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.first if action.first else process, action.number)
            if action.number != signal.SIGKILL or (action.first and process != self.first):
                ptrace(PTRACE_CONT, process)
            return
        if isinstance(action, Fail) and action.made:
            self.results[process] = -action.code
            ptrace(PTRACE_SYSCALL, process)
            return
        if isinstance(action, Become):
            self.set_call(process, NUMBERS[action.name])
            ptrace(PTRACE_CONT, process)
            return
        # Number -1 after SECCOMP_RET_TRACE: the kernel makes no call (seccomp(2)).
        self.set_call(process, -1)
        self.set_result(
            process, action.result if isinstance(action, Pretend) else -action.code)
        ptrace(PTRACE_CONT, process)

    def set_call(self, process, number):
        """Which call the kernel makes; all filters are asked about it again (since Linux 4.8)."""
        if MACHINE == "x86_64":
            ptrace(PTRACE_POKEUSER, process, 15 * 8, ctypes.c_ulong(number).value)
            return
        value = ctypes.create_string_buffer(struct.pack("i", number), 4)
        self.register_set(PTRACE_SETREGSET, process, NT_ARM_SYSTEM_CALL, value)

    def set_result(self, process, result):
        """What the call returns."""
        if MACHINE == "x86_64":
            ptrace(PTRACE_POKEUSER, process, 10 * 8, ctypes.c_ulong(result).value)
            return
        registers = ctypes.create_string_buffer(34 * 8)
        self.register_set(PTRACE_GETREGSET, process, NT_PRSTATUS, registers)
        struct.pack_into("q", registers, 0, result)
        self.register_set(PTRACE_SETREGSET, process, NT_PRSTATUS, registers)

    def register_set(self, request, process, kind, buffer):
        """One set of registers."""
        vector = ctypes.create_string_buffer(
            struct.pack("PN", ctypes.addressof(buffer), len(buffer)))
        ptrace(request, process, kind, ctypes.addressof(vector))

    def until(self, condition, seconds):
        """Takes events until something holds; False when that takes too long."""
        def ring(*_):
            raise Late
        before = signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            while not condition():
                self.step()
            return True
        except Late:
            return False
        except ChildProcessError:
            return condition()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def wait_for_leaving(self, seconds):
        """Waits until the processes that were let go are gone."""
        deadline = time.monotonic() + seconds
        while True:
            for process in self.leaving:
                # One that was killed in the moment in which it was let go is still traced.
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(process, os.WNOHANG | WALL)
            self.leaving = {one for one in self.leaving if os.path.exists(f"/proc/{one}")}
            if not self.leaving or time.monotonic() > deadline:
                return
            time.sleep(0.001)

    def end(self):
        """Kills what is left."""
        for process in [*self.live, *self.leaving]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.until(lambda: not self.live, 5)


def trace(words, caller, decide, *, watched=None, failing=(), timeout=20, grace=20):
    """Runs a program as a caller; `decide` says of each watched call what becomes of it.

    In the main thread of a process that has no other children.
    """
    tracer = Tracer(decide, watched)
    begun = time.monotonic()
    tracer.start(words, caller, dict(failing), {"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C.UTF-8"})
    tracer.until(lambda: tracer.first not in tracer.live, timeout)
    seconds = time.monotonic() - begun
    tracer.until(lambda: not tracer.live, grace)
    tracer.wait_for_leaving(5)
    all_seconds = time.monotonic() - begun
    late = [tracer.roles.get(process, "?") for process in sorted(tracer.live | tracer.leaving)]
    tracer.end()
    return Run(tracer.endings.get("0") if "0" not in late else None,
               tracer.output(tracer.err_read), tracer.output(tracer.out_read), tracer.endings,
               late, seconds, all_seconds, tracer.reached, tracer.after)
