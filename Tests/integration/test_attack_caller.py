# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers who hand over odd things: descriptors, directories, arguments, options, signals."""

import contextlib
import errno
import itertools
import os
import signal
import threading
import time

import fuse_service as wire
from support import (ALICE, BOB, BOTH, ENGINES, GRACE, PYTHON, ROOT, HelperTest, callers, detach,
                     eventually, helper_processes, mount_at, mounts, parametrized, process_status,
                     stage, system, utab, utab_text)
from test_server_faults import STAGES, after_mount


class Starting(HelperTest):
    """What a process inherits at its start."""

    def exec_helper(self, caller, words, code, **options):
        """Starts the helper from a Python program of the caller's that runs `code` first."""
        program = ("import ctypes, os, resource, signal, sys\nhelper, words = sys.argv[1], "
                   "sys.argv[1:]\n" + code + "\nos.execv(helper, words)\n")
        return self.start([PYTHON, "-I", "-S", "-c", program, stage.helper, *words], caller,
                          **options)

    @callers()
    @parametrized(closed=[(0,), (1,), (2,), (0, 1, 2)])
    def test_no_message_lands_in_a_file_that_took_a_closed_descriptors_number(
            self, caller, closed):
        image = self.file(caller, b"image" * 100, 0o600)

        def script(session):
            session.begin()
            error, _ = session.open(image, os.O_RDWR)
            assert error == 0
            for name in (b"\n", b"/etc/passwd"):
                session.name(name)
            session.says("farewell")
            session.goodbye(1)
        with self.service(script) as service:
            running = self.exec_helper(
                caller, self.words(image, self.target(caller), None, "--verbose"),
                "".join(f"os.close({number})\n" for number in closed))
            outcome = running.finish()
            service.result()
        self.assertEqual(outcome.status, 1)
        self.assertEqual(outcome.out, "")
        self.assertEqual("farewell" in outcome.err, 2 not in closed)
        with open(image, "rb") as file:
            self.assertEqual(file.read(), b"image" * 100)

    @callers()
    @parametrized(engine=ENGINES)
    def test_900_inherited_descriptors_reach_nobody(self, caller, engine):
        target = self.target(caller)
        secret = self.file(ROOT, b"secret", 0o600)
        read, write = os.pipe()
        held = os.open(secret, os.O_RDWR)
        self.addCleanup(os.close, held)
        seen = []

        def look(session):
            session.open("not named")  # the worker is ready
            for process in helper_processes():
                names = []
                for name in os.listdir(f"/proc/{process}/fd"):
                    # One that is open to write a message may be closed meanwhile.
                    with contextlib.suppress(FileNotFoundError):
                        names.append(os.readlink(f"/proc/{process}/fd/{name}"))
                seen.append((len(names), secret in names))
        inherited = [os.dup(descriptor) for descriptor in (write, held) for _ in range(450)]
        service = self.service(wire.mounting(target, before=look, owner=caller.uid))
        outcome = self.start_helper(self.words("demo", target), caller, pass_fds=inherited,
                                    failing=()).finish()
        for descriptor in inherited:
            os.close(descriptor)
        service.result()
        self.assertEqual(outcome.status, 0, outcome.err)
        self.assertEqual(len(seen), 3)
        for count, has_secret in seen:
            self.assertLess(count, 20)
            self.assertFalse(has_secret)
        os.close(write)
        self.assertEqual(os.read(read, 1), b"", "somebody still holds the pipe")
        os.close(read)
        self.unmount(target)

    LIMITS = [("DATA_64K", ("RLIMIT_DATA", 65536)), ("SIGPENDING_0", ("RLIMIT_SIGPENDING", 0)),
              ("CPU_0", ("RLIMIT_CPU", 0)), ("STACK_0", ("RLIMIT_STACK", 0)),
              ("MSGQUEUE_0", ("RLIMIT_MSGQUEUE", 0)), ("NOFILE_0", ("RLIMIT_NOFILE", 0)),
              ("CORE_huge", ("RLIMIT_CORE", -1)), ("NICE_0", ("RLIMIT_NICE", 0)),
              ("RTTIME_1", ("RLIMIT_RTTIME", 1)), ("AS_64M", ("RLIMIT_AS", 64 << 20))]

    @callers()
    @parametrized(limit=LIMITS, soft=[("hard", False), ("soft", True)])
    def test_a_further_hostile_limit_leaves_a_whole_mount_or_none(self, caller, limit, soft):
        name, value = limit
        target = self.target(caller)
        with self.service(wire.mounting(target, owner=caller.uid, table="x-foo=bar")):
            outcome = self.exec_helper(
                caller, self.words("demo", target),
                f"_, hard = resource.getrlimit(resource.{name})\n"
                f"resource.setrlimit(resource.{name}, ({value}, hard if {soft} else {value}))\n"
            ).finish()
            self.assertNotEqual(outcome.status, 2, outcome.err)
            mounted = mount_at(target) is not None
            self.assertEqual(mounted, outcome.status == 0, outcome.err)
            self.assertEqual(utab_text().count(f"TARGET={target}"), int(mounted))
            if mounted:
                self.unmount(target)
            self.assertLessEqual(set(os.listdir("/run/mount")), {"utab", "utab.lock"})

    @callers()
    @parametrized(limit=[1, 4096, 5000], soft=[("hard", False), ("soft", True)])
    def test_a_file_size_limit_in_the_middle_of_a_long_table_cuts_nothing(
            self, caller, limit, soft):
        others = [f"SRC=other{number} TARGET=/other/{number} ROOT=/ OPTS=x-{'o' * 60}"
                  for number in range(100)]
        with open("/run/mount/utab", "w", encoding="ascii") as table:
            table.write("".join(line + "\n" for line in others))
        target = self.target(caller)
        self.records = utab()
        hard = -1 if soft else limit
        with self.service(wire.mounting(target, owner=caller.uid, table="x-foo=bar")):
            outcome = self.exec_helper(
                caller, self.words("demo", target),
                "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
                f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {hard}))\n").finish()
        lines = utab() or []
        self.assertEqual([line for line in lines if "TARGET=/other/" in line], others)
        if outcome.status == 0:
            self.assertEqual(len(lines), len(others) + 1)
            self.unmount(target)
        else:
            # A machine whose root may not raise a hard limit (CAP_SYS_RESOURCE).
            self.assertFalse(soft, outcome.err)
            self.assert_refused(outcome)
            self.assertIn("RLIMIT_FSIZE", outcome.err)
            self.assertEqual(lines, others)

    def test_limits_that_cannot_be_raised_are_named(self):
        # Root without CAP_SYS_RESOURCE, as in a container.
        for name in ("NOFILE", "FSIZE", "AS", "DATA", "STACK", "CPU"):
            value = {"NOFILE": 20, "AS": 200 << 20, "STACK": 200 << 10}.get(name, 30)
            if name == "DATA":
                value = 100 << 20
            target = self.target(ROOT)
            with self.service(wire.mounting(target)) as service:
                outcome = self.run_as(
                    ROOT, "prlimit", f"--{name.lower()}={value}:{value}", "setpriv",
                    "--bounding-set", "-sys_resource", "--", stage.helper,
                    *self.words("demo", target))
                self.assertEqual(service.sessions, [], "a server was bothered")
            self.assert_refused(outcome)
            self.assert_one_line(outcome)
            self.assertIn("RLIMIT_" + name, outcome.err)

    def test_a_traced_start_gains_nothing(self):
        target = self.target(ALICE)
        code = ("libc = ctypes.CDLL(None)\nchild = os.fork()\n"
                "if child:\n"
                "    while True:\n"
                "        _, status = os.waitpid(child, 0)\n"
                "        if not os.WIFSTOPPED(status):\n"
                "            os._exit(os.waitstatus_to_exitcode(status))\n"
                "        number = os.WSTOPSIG(status)\n"
                "        libc.ptrace(7, child, None, None if number == 5 else number)\n"
                "libc.ptrace(0, 0, None, None)\n")
        with self.service(wire.mounting(target)):
            outcome = self.exec_helper(ALICE, self.words("demo", target), code).finish()
        self.assert_refused(outcome)
        self.assertIn("set-user-ID", outcome.err)


class WorkingDirectory(HelperTest):
    """Where the caller stands."""

    def start_in(self, place, words, **options):
        """Starts the helper as a user who goes there first; a server here has to answer that."""
        return self.start(["env", "-C", place, stage.helper, *words], ALICE, **options)

    @callers()
    @parametrized(engine=ENGINES)
    def test_a_directory_without_any_right_does_no_harm(self, caller, engine):
        place = self.directory(caller)
        target = self.target(caller)
        image = self.file(caller)
        program = ("import os, sys; os.chdir(sys.argv[1]); os.chmod('.', 0); "
                   "os.execv(sys.argv[2], sys.argv[2:])")
        service = self.service(wire.mounting(
            target, owner=caller.uid, table="x-foo=bar",
            before=lambda session: session.open(image)[0]))
        outcome = self.start(
            [PYTHON, "-I", "-S", "-c", program, place, stage.helper,
             *self.words(image, target)], caller, failing=engine).finish()
        self.assert_mounted(outcome, service)
        self.assertEqual(service.result(), 0)
        self.unmount(target)

    @parametrized(engine=ENGINES)
    def test_absolute_names_need_no_answer_of_a_hostile_file_system(self, engine):
        place, _ = self.below(BOB, {"image": b"inside"}, (wire.LOOKUP,), "allow_other")
        target = self.target(ALICE)
        image = self.file(ALICE)
        service = self.service(wire.mounting(
            target, owner=ALICE.uid, table="x-foo=bar",
            before=lambda session: session.open(image)[0]))
        outcome = self.start_in(place, self.words(image, target), failing=engine).finish()
        self.assert_mounted(outcome, service)
        self.assertEqual(service.result(), 0)
        self.unmount(target, ALICE)

    @parametrized(words=[("source", ["image", "MNT"]), ("mount_point", ["IMAGE", "mnt"]),
                         ("option", ["IMAGE", "MNT", "-okey=key"])])
    def test_relative_names_on_a_hostile_file_system_end_in_time(self, words):
        place, _ = self.below(BOB, {"image": b"", "key": b"", "mnt": {}}, (wire.LOOKUP,),
                              "allow_other")
        names = {"IMAGE": self.file(ALICE), "MNT": self.target(ALICE)}
        words = [names.get(word, word) for word in words]

        def script(session):
            with contextlib.suppress(wire.SessionEnded):
                session.begin()
                for name in (words[0], "key"):
                    session.open(name)
                session.prepare(words[1])
                session.mount()
                session.goodbye(0)
        with self.service(script):
            outcome = self.start_in(place, [*words, "-t", "demo", "--timeout", "1"]).finish()
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assertLess(outcome.seconds, 1 + GRACE)
        self.assert_nothing_mounted()


class Arguments(HelperTest):
    """Words of the command line."""

    @callers()
    @parametrized(place=["source", "mount_point", "option", "value", "type", "last", "timeout"])
    @parametrized(count=[1, 2, 3])
    def test_a_trailing_backslash_takes_nothing_with_it(self, caller, place, count):
        tail = "\\" * count
        directory = self.directory(caller)
        words = {"source": "image", "mount_point": directory + "/mnt", "option": "ro,x",
                 "value": "ro,key=v", "type": "demo", "last": "x", "timeout": "5"}
        words[place] += tail
        os.mkdir(words["mount_point"])
        os.chown(words["mount_point"], caller.uid, caller.gid)

        def script(session):
            session.begin()
            session.prepare(words["mount_point"])
            session.goodbye(1 if session.mount(0) else 0)
            session.serve(None, caller.uid, caller.gid)
            return session.arguments
        line = [words["source"], words["mount_point"], "-t", words["type"], "--timeout",
                words["timeout"], "-o", words["option"], "-o", words["value"], words["last"]]
        with self.service(script) as service:
            outcome = self.helper(line, caller)
            if place in ("type", "timeout"):
                self.assert_refused(outcome, 2 if place == "type" else 1)
                return
            expected = ["demo", *line[:2], *line[6:]]
            self.assertEqual([os.fsdecode(word) for word in service.result()], expected)
            self.assert_mounted(outcome)
            self.assertIn("ro", mount_at(words["mount_point"]).attributes)
            self.unmount(words["mount_point"])

    @callers()
    @parametrized(words=[("empty", ""), ("short", "w")])
    def test_100000_arguments_travel_or_are_refused(self, caller, words):
        target = self.target(caller)
        more = [words] * 100_000

        def script(session):
            session.begin()
            session.goodbye(1)
            return session.arguments
        with self.service(script) as service:
            outcome = self.helper(["image", target, "-t", "demo", *more], caller, timeout=30)
            self.assertEqual(outcome.status, 1, outcome.err)
            arguments = service.result()
        self.assertEqual(arguments[:3], [b"demo", b"image", os.fsencode(target)])
        self.assertEqual(arguments[3:], [os.fsencode(word) for word in more])

    @callers()
    def test_a_type_fits_an_address_or_is_refused(self, caller):
        longest = 108 - 1 - len(wire.SOCKET_DIRECTORY) - 1
        for length, status in ((longest, 2), (longest + 1, 1), (longest + 2, 1), (4096, 1)):
            outcome = self.helper(["i", self.target(caller), "-t", "t" * length], caller)
            self.assert_refused(outcome, status)
            self.assert_one_line(outcome)
        with self.service(lambda session: session.wait_for_end(), "t" * longest) as service:
            running = self.start_helper(["i", self.target(caller), "-t", "t" * longest], caller)
            self.assertTrue(eventually(lambda: service.sessions))
            running.process.terminate()
            self.assertEqual(running.finish().status, 1)


class Spelling(HelperTest):
    """Options in disguise, from the caller and by the server on to the kernel."""

    WORDS = ["\\,allow_other", "x\\,allow_other", "allow_other=", "allow_other=1",
             "\"allow_other\"", "\"allow_other", "'allow_other'", "allow_other,allow_other",
             "Allow_Other", "ALLOW_OTHER", " allow_other", "allow_other ", "allow_other\t",
             "allow_other\\", "allow\\_other", "x=\",allow_other", "x=\"a\",allow_other",
             "fsname=\\,allow_other", "subtype=a\\,allow_other", "allow_other\n",
             "x\nallow_other", "%61llow_other", "allow_other;x", "\\\\,allow_other",
             "user_id=0", "fd=0", "group_id=0,rootmode=40000", "default_permissions,suid,dev",
             "suid=", "\\,suid", "\"suid\"", "SUID", "dev=1", "\\,dev,\\,suid", "nosuid,\\,suid",
             "nosuid=,suid", "nodev\\,dev", "suid\\", "\"dev", "x=\",suid,dev"]

    @parametrized(word=WORDS, engine=ENGINES)
    def test_no_spelling_gives_a_user_more(self, word, engine):
        """The server passes on what it got, whole, and split at commas, as well as it goes."""
        target = self.target(ALICE)
        pieces = [word, *(piece for piece in word.split(",") if piece)]
        # Each in a session of its own: one that is refused costs its mount.
        for piece in dict.fromkeys([None, *pieces]):
            def script(session, piece=piece):
                session.begin()
                session.prepare(target)
                refused = session.options(piece) if piece else 0
                mounted = session.mount(0) == 0
                session.goodbye(0 if mounted else 1)
                if mounted:
                    session.serve(None, ALICE.uid, ALICE.gid)
                return refused, mounted
            with self.service(script) as service:
                outcome = self.helper(self.words("demo", target, word), ALICE, failing=engine)
                refused, mounted = service.result()
            self.assertEqual(outcome.status, 0 if mounted else 1, outcome.err)
            self.assertTrue(mounted == (refused == 0))
            if piece and "allow_other" in piece.lower():
                self.assertFalse(mounted)
            if mounted:
                mount = mount_at(target)
                self.assertTrue({"nosuid", "nodev"} <= mount.attributes, mount)
                self.assertNotIn("allow_other", mount.superblock)
                self.assertIn(f"user_id={ALICE.uid}", mount.superblock)
                self.unmount(target)
            self.assert_nothing_mounted()

    ORDERS = [",".join(words) for count in (1, 2, 3)
              for words in itertools.permutations(("suid", "dev", "exec"), count)]

    @parametrized(engine=ENGINES)
    @callers()
    def test_no_order_of_suid_dev_and_exec_gives_a_user_any_of_them(self, engine, caller):
        target = self.target(caller)
        for words in self.ORDERS + ["nosuid,nodev,suid,dev", "suid,dev,nosuid,nodev",
                                    "rw,dev,suid", "dev,suid,ro", "defaults,suid,dev"]:
            ways = [["-o", words], ["-o" + words], [argument for word in words.split(",")
                                                    for argument in ("-o", word)]]
            for more in ways[:1] if engine else ways:
                with self.service(wire.mounting(target, flags=0, owner=caller.uid)) as service:
                    outcome = self.helper(self.words("demo", target, None, *more), caller,
                                          failing=engine)
                    self.assert_mounted(outcome, service)
                    mount = mount_at(target)
                    last = {word.removeprefix("no"): word for word in words.split(",")}
                    for word in ("suid", "dev"):
                        lifted = caller is ROOT and last.get(word) == word
                        self.assertEqual("no" + word not in mount.attributes, lifted,
                                         (words, mount))
                    self.unmount(target)


class Table(HelperTest):
    """Names that could break a table, two helpers at once, and locks left behind."""

    NAMES = ["-o", "--help", "a b", "a\nTARGET=/etc", "$(touch x)", "`id`", "caf\udce9",
             "a\tb", "back\\slash", "\\040", "quo\"te", "x=y,user=root", "#hash", "\x1b[31m"]

    @callers()
    @parametrized(name=NAMES)
    def test_a_recorded_mount_point_of_any_name_is_one_whole_entry(self, caller, name):
        directory = self.directory(caller)
        target = os.path.join(directory, name.replace("/", "\\"))
        os.mkdir(target)
        os.chown(target, caller.uid, caller.gid)
        with self.service(wire.mounting(target, table="x-foo=bar", owner=caller.uid)) as service:
            outcome = self.helper(self.words("demo", target), caller)
            self.assert_mounted(outcome, service)
        with open("/run/mount/utab", "rb") as table:
            lines = table.read().split(b"\n")
        self.assertEqual(len(lines), 2, lines)
        fields = dict(field.split(b"=", 1) for field in lines[0].split(b" ") if field)
        decoded = fields[b"TARGET"].decode("unicode_escape").encode("latin-1")
        self.assertEqual(decoded, os.fsencode(target))
        self.assertIn(b"x-foo=bar", fields[b"OPTS"])
        self.assertEqual(set(fields) - {b"SRC", b"TARGET", b"ROOT", b"OPTS", b"ATTRS", b"ID",
                                        b"UNIQ_ID"}, set())
        self.unmount(target, caller)
        self.assertEqual(utab_text(), "")

    def test_helpers_that_record_at_once_lose_no_entry(self):
        targets = [self.target(caller) for caller in BOTH for _ in range(6)]
        barrier = threading.Barrier(len(targets), timeout=10)

        def script(session):
            session.begin()
            session.prepare(os.fsdecode(session.arguments[2]))
            session.table_options("x-foo=bar")
            assert session.mount() == 0
            barrier.wait()
            session.goodbye(0)
            session.serve()
        self.service(script)
        for _ in range(3):
            running = [self.start_helper(self.words("demo", target), caller)
                       for target, caller in zip(targets, [ROOT] * 6 + [ALICE] * 6)]
            outcomes = [helper.finish() for helper in running]
            self.assertEqual([outcome.status for outcome in outcomes], [0] * len(targets),
                             [outcome.err for outcome in outcomes if outcome.err])
            lines = utab() or []
            self.assertEqual(len(lines), len(targets), lines)
            for target in targets:
                self.assertEqual(sum(f"TARGET={target} " in line for line in lines), 1, lines)
            self.assertTrue(all("x-foo=bar" in line for line in lines), lines)
            for target in targets:
                self.unmount(target)
            self.assertEqual(utab_text(), "")
            self.assertLessEqual(set(os.listdir("/run/mount")), {"utab", "utab.lock"})

    @callers()
    @parametrized(mode=[0o644, 0o600, 0o000, 0o666], owner=[("root", 0), ("user", ALICE.uid)])
    def test_a_stale_lock_file_costs_nothing_and_breaks_nothing(self, caller, mode, owner):
        lock = "/run/mount/utab.lock"
        with open(lock, "wb") as file:
            file.write(b"12345\n")
        self.addCleanup(os.unlink, lock)
        os.chmod(lock, mode)
        os.chown(lock, owner, owner)
        target = self.target(caller)
        with self.service(wire.mounting(target, table="x-foo=bar", owner=caller.uid)):
            outcome = self.helper(self.words("demo", target), caller)
        if outcome.status == 0:
            self.assertIn(f"TARGET={target}", utab_text())
            self.unmount(target)
        else:
            # Without any capability root is refused what a mode forbids.
            self.assertTrue(owner != 0 or mode == 0, outcome.err)
            self.assert_refused(outcome)
            self.assert_one_line(outcome)
            self.assertIn("mount table", outcome.err)


class Configuration(HelperTest):
    """fuse.conf as the real helper reads it."""

    def allowed(self, content=None):
        """Whether a user gets allow_other, whether three mounts pass, and what was said."""
        if content is not None:
            self.addCleanup(self.fuse_conf, "")
            with open(stage.conf, "wb") as file:
                file.write(content)

        def script(session):
            session.begin()
            session.prepare(os.fsdecode(session.arguments[2]))
            mounted = session.mount() == 0
            session.goodbye(0 if mounted else 1)
            if mounted:
                session.serve()
            return bool(session.flags & wire.ALLOW_OTHER), mounted
        targets = [self.target(ALICE) for _ in range(3)]
        allow, passed, said = set(), 0, ""
        with self.service(script) as service:
            for target in targets:
                outcome = self.helper(self.words("demo", target), ALICE)
                other, mounted = service.result()
                self.assertEqual(outcome.status, 0 if mounted else 1)
                allow.add(other)
                passed += mounted
                said += outcome.err
        for target in targets:
            detach(target)
        self.assertEqual(len(allow), 1)
        return allow == {True}, passed, said

    CONTENT = [
        # name, content, allow_other, how many of three mounts
        ("below_-1", (b"mount_max = -2\n", False, 3)),
        ("overflow", (b"mount_max = 4294967297\n", False, 3)),
        ("far_overflow", (b"mount_max = 99999999999999999999999\n", False, 3)),
        ("text", (b"mount_max = many\n", False, 3)),
        ("two", (b"mount_max = 2\n", False, 2)),
        ("nul_before", (b"\0\nmount_max = 1\n", False, 1)),
        ("nul_inside", (b"mount_max = 1\0\n", False, 3)),
        ("nul_hides", (b"x\0user_allow_other\n", False, 3)),
        ("nuls", (b"user_allow_other\0\0\n", False, 3)),
        ("no_newline", (b"mount_max = 1\nuser_allow_other", False, 1)),
        ("overlong", (b"x" * 5000 + b"user_allow_other\nmount_max = 1\n", False, 1)),
        ("overlong_tail", (b" " * 255 + b"user_allow_other\nmount_max = 1\n", False, 1)),
        ("carriage", (b"user_allow_other\r\n", True, 3)),
        ("case", (b"USER_ALLOW_OTHER\n", False, 3)),
        ("more", (b"user_allow_other yes\n", False, 3)),
        ("good", (b"# fine\n\n user_allow_other # yes\nmount_max=1\n", True, 1)),
        ("empty", (b"", False, 3)),
        ("huge", (b"#" * 254 + b"\n", False, 3)),
    ]

    @parametrized(row=CONTENT)
    def test_a_line_means_what_it_says_or_nothing(self, row):
        content, allow, passed = row
        found = self.allowed(content)
        self.assertEqual(found[:2], (allow, passed), found[2])

    def at_etc(self, furnish):
        """Another /etc for this test, with what names need."""
        files = {}
        for name in ("passwd", "group", "nsswitch.conf", "ld.so.cache"):
            with contextlib.suppress(FileNotFoundError), open("/etc/" + name, "rb") as file:
                files[name] = file.read()
        system("mount", "-t", "tmpfs", "-o", "mode=755", "etc", "/etc")
        self.addCleanup(detach, "/etc")
        self.before |= {mount_at("/etc").number}
        for name, content in files.items():
            with open("/etc/" + name, "wb") as file:
                file.write(content)
        furnish("/etc/fuse.conf")

    def test_a_symbolic_link_to_a_users_file_permits_nothing(self):
        evil = self.file(ALICE, b"user_allow_other\nmount_max = 1\n")
        self.at_etc(lambda path: os.symlink(evil, path))
        self.assertEqual(self.allowed()[:2], (False, 3))

    def test_a_symbolic_link_to_roots_file_is_followed(self):
        good = self.file(ROOT, b"user_allow_other\nmount_max = 1\n")
        self.at_etc(lambda path: os.symlink(good, path))
        self.assertEqual(self.allowed()[:2], (True, 1))

    @parametrized(kind=["fifo", "directory", "device", "loop", "dangling", "unreadable",
                        "missing"])
    def test_what_is_no_file_to_read_permits_nothing_and_holds_nobody(self, kind):
        self.at_etc({
            "fifo": os.mkfifo, "directory": os.mkdir,
            "device": lambda path: os.symlink("/dev/zero", path),
            "loop": lambda path: os.symlink(path, path),
            "dangling": lambda path: os.symlink("/nowhere", path),
            "unreadable": lambda path: os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0)),
            "missing": lambda path: None}[kind])
        allow, passed, said = self.allowed()
        self.assertEqual((allow, passed), (False, 3))
        self.assertEqual("fuse.conf" in said, kind not in ("missing", "dangling"), said)


class Places(HelperTest):
    """Mount points that lead elsewhere."""

    def attempt(self, target, caller=ALICE, source="demo", **script):
        """A mount there; the outcome."""
        with self.service(wire.mounting(target, owner=caller.uid, **script)):
            return self.helper(self.words(source, target), caller)

    @parametrized(kind=["cgroup2", "cgroup"])
    def test_a_cgroup_directory_of_the_users_own_is_no_mount_point(self, kind):
        place = self.directory(ROOT) + "/cgroup"
        os.mkdir(place)
        options = ["-o", "none,name=fsm-test"] if kind == "cgroup" else []
        system("mount", "-t", kind, *options, kind, place)
        self.addCleanup(detach, place)
        self.before |= {mount_at(place).number}
        own = place + "/fsm-alice"
        os.mkdir(own)
        self.addCleanup(os.rmdir, own)
        for name in [own, *(own + "/" + file for file in os.listdir(own))]:
            os.chown(name, ALICE.uid, ALICE.gid)
        for target in (own, own + "/cgroup.procs", place):
            outcome = self.attempt(target)
            self.assert_refused(outcome)

    @parametrized(kind=["mqueue", "debugfs", "tracefs", "securityfs", "bpf", "ramfs", "configfs",
                        "hugetlbfs", "sysfs", "proc", "binfmt_misc", "fusectl", "pstore"])
    def test_a_kernel_file_system_is_no_mount_point_even_for_its_owner(self, kind):
        with open("/proc/filesystems", encoding="ascii") as file:
            if kind not in file.read().split():
                return  # this kernel has none of that kind
        place = self.directory(ALICE) + "/place"
        os.mkdir(place)
        system("mount", "-t", kind, kind, place)
        self.addCleanup(detach, place)
        self.before |= {mount_at(place).number}
        with contextlib.suppress(OSError):
            os.chown(place, ALICE.uid, ALICE.gid)
            os.chmod(place, 0o755)
        outcome = self.attempt(place)
        if kind == "ramfs" and outcome.status == 0:
            detach(place)
            return
        self.assert_refused(outcome)

    @parametrized(engine=ENGINES)
    @callers()
    def test_over_the_image_itself_the_server_has_the_image_and_not_its_own_mount(
            self, engine, caller):
        image = self.file(caller, b"below")

        def look(session):
            error, descriptor = session.open(image, os.O_RDWR)
            return error or os.pread(descriptor, 9, 0)
        service = self.service(wire.mounting(image, owner=caller.uid, tree=b"served",
                                             before=look))
        outcome = self.helper(self.words(image, image), caller, failing=engine)
        self.assert_mounted(outcome, service)
        self.assertEqual(service.result(), b"below")
        self.assertEqual(self.run_as(caller, "cat", image).out, "served")
        self.unmount(image, caller)
        with open(image, "rb") as file:
            self.assertEqual(file.read(), b"below")

    def test_an_options_file_on_the_callers_own_fuse_mount_works(self):
        place, server = self.below(ALICE, {"key": b"inside"})

        def look(session):
            error, descriptor = session.open(place + "/key")
            return error or os.pread(descriptor, 9, 0)
        service, target, _ = self.mount(ALICE, options=f"ro,key={place}/key", before=look)
        self.assertEqual(service.result(), b"inside")
        self.assertIn(wire.F_OPEN, server.seen)
        self.unmount(target, ALICE)

    def test_the_users_own_device_node_in_the_fuse_devices_place_is_not_taken(self):
        for number in ((1, 3), (1, 5), (10, 200), None):
            path = os.path.join(stage.private, "devices", "fake")
            if number:
                os.mknod(path, 0o666 | 0o20000, os.makedev(*number))
                os.chmod(path, 0o666)
            else:
                with open(path, "wb"):
                    os.chmod(path, 0o666)
            system("mount", "--bind", path, "/dev/fuse")
            try:
                self.before |= {mount_at("/dev/fuse").number}
                outcome = self.attempt(self.target(ALICE))
            finally:
                detach("/dev/fuse")
                os.unlink(path)
            self.assert_refused(outcome)
            self.assertIn("/dev/fuse", outcome.err)

    @callers()
    def test_a_fuse_device_that_is_not_there_is_told(self, caller):
        system("mount", "-t", "tmpfs", "-o", "mode=755", "dev", "/dev")
        try:
            self.before |= {mount_at("/dev").number}
            os.mknod("/dev/null", 0o666 | 0o20000, os.makedev(1, 3))
            os.chmod("/dev/null", 0o666)
            outcome = self.attempt(self.target(caller), caller)
        finally:
            detach("/dev")
        self.assert_refused(outcome)
        self.assert_one_line(outcome)
        self.assertIn("/dev/fuse", outcome.err)

    @callers()
    def test_a_kernel_that_cannot_clone_read_only_still_opens_read_only(self, caller):
        for missing in ("open_tree", "mount_setattr"):
            image = self.file(caller, b"keep", 0o666)

            def script(session, image=image):
                session.begin()
                errors = [session.open(image, os.O_RDWR)[0], session.open(image)[0]]
                session.goodbye(1)
                return errors
            outcome, errors = self.converse(script, caller, source=image, options="ro",
                                            failing=(missing + "=ENOSYS",))
            self.assert_refused(outcome)
            self.assertEqual(errors, [errno.EACCES, 0])


class Interference(HelperTest):
    """Signals to any process of the helper, at any step."""

    # SIGKILL has tests of its own; the C library keeps 32 and 33.
    SIGNALS = [number for number in range(1, 65)
              if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33)]

    def reach(self, stage, subtype, *more, caller=ALICE, engine=()):
        """A helper whose server waits at a stage; helper, target, and what lets go on."""
        reached, over = threading.Event(), threading.Event()
        self.addCleanup(over.set)
        target = self.target(caller)

        def script(session):
            session.target = target
            with contextlib.suppress(wire.SessionEnded):
                stage(session)
                reached.set()
                over.wait(30)
                session.goodbye(0)
                if session.fuse is None and session.device >= 0:
                    session.serve(None, caller.uid, caller.gid)
        self.service(script, subtype)
        running = self.start_helper(["demo", target, "-t", subtype, *more], caller,
                                    failing=engine)
        self.assertTrue(reached.wait(10), "the stage was not reached")
        return running, target, over

    def processes_of(self, running):
        """The monitor of a helper, and its worker and its mounter while they are there."""
        def children():
            return sorted(process for process in helper_processes()
                          if process_status(process)["PPid"] == str(running.process.pid))
        self.assertTrue(eventually(children), "no worker")
        found = children()
        return {"monitor": running.process.pid, "worker": found[0], "mounter": found[-1]}

    @parametrized(row=[(f"{which}__{label}", (which, engine)) for which, label, engine in (
        ("monitor", *ENGINES[0]), ("monitor", *ENGINES[2]), ("worker", *ENGINES[0]),
        ("mounter", *ENGINES[0]), ("mounter", *ENGINES[1]))])
    def test_no_signal_leaves_half_a_mount(self, row):
        which, engine = row
        for number in self.SIGNALS:
            subtype = f"s{number}"
            running, target, over = self.reach(after_mount, subtype, engine=engine)
            process = self.processes_of(running)[which]
            os.kill(process, number)
            time.sleep(0.01)
            stopped = number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
            if stopped:
                os.kill(process, signal.SIGCONT)
            over.set()
            outcome = running.finish()
            mounted = mount_at(target) is not None
            with self.subTest(number=number, status=outcome.status, said=outcome.err):
                self.assertIn(outcome.status, (0, 1, -number) if which == "monitor"
                              else (0, 1))
                self.assertEqual(mounted, outcome.status == 0)
            if mounted:
                self.unmount(target)
        self.assert_nothing_mounted()

    @parametrized(which=["monitor", "worker", "mounter", "both"], engine=ENGINES)
    def test_a_caller_that_stops_the_helper_at_any_step_leaves_no_half_mount(
            self, which, engine):
        stopped = []
        for number, stage_ in enumerate(STAGES):
            running, target, over = self.reach(stage_, f"s{number}", "--timeout", "1",
                                               engine=engine)
            processes = self.processes_of(running)
            chosen = ([processes["monitor"], processes["worker"]] if which == "both"
                      else [processes[which]])
            for process in chosen:
                os.kill(process, signal.SIGSTOP)
            over.set()
            stopped.append((stage_.__name__, running, target, chosen))
        time.sleep(1.2 if which != "worker" else 0)
        for name, running, target, chosen in stopped:
            if which != "worker":
                for process in chosen:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, signal.SIGCONT)
            outcome = running.finish(1 + GRACE)
            with self.subTest(name, said=outcome.err):
                self.assertIn(outcome.status, (0, 1))
                self.assertEqual(mount_at(target) is not None, outcome.status == 0)
                self.assertNotEqual(outcome.status == 0, bool(outcome.err))
                if which == "worker":
                    self.assertEqual(outcome.status, 1)
            if outcome.status == 0:
                self.unmount(target)
        self.assert_nothing_mounted()
