# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line, mount(8), the environment and what else a caller hands over."""

import os
import signal
import subprocess

import fuse_service as wire
from support import (ALICE, GRACE, PYTHON, ROOT, STALL, HelperTest, callers, mount_at, mounts,
                     parametrized, stage, utab, utab_text)


class Travelling(HelperTest):
    """What of the command line reaches the server."""

    def travelled(self, words, caller=ALICE, status=1, **running):
        """The arguments that the server gets; its memory file must be as the protocol says."""
        def script(session):
            session.begin()
            session.goodbye(1)
            return session.arguments, session.arguments_bytes
        with self.service(script) as service:
            outcome = self.helper(words, caller, **running)
            arguments, content = service.result()
        self.assertEqual(outcome.status, status, outcome.err)
        self.assertEqual(content, wire.encode_arguments(arguments))
        return [os.fsdecode(word) for word in arguments]

    @callers()
    @parametrized(type=["demo", "fuse.demo", "fuseblk.demo"])
    @parametrized(form=[("behind", ["SRC", "MNT", "-t", "TYPE"]),
                        ("before", ["-t", "TYPE", "SRC", "MNT"]),
                        ("between", ["SRC", "-t", "TYPE", "MNT"])])
    def test_source_and_mount_point_travel_and_the_type_is_the_first_word(
            self, caller, type, form):
        target = self.target(caller)
        words = [{"SRC": "image", "MNT": target, "TYPE": type}.get(word, word) for word in form]
        self.assertEqual(self.travelled(words, caller), ["demo", "image", target])

    def test_everything_else_travels_in_order(self):
        target = self.target(ALICE)
        words = ["image", target, "-t", "fuse.demo", "-d", "-o", "ro,key=value", "-s", "-f",
                 "-n", "-v", "-oallow,more", "--unknown", "--unknown=value", "third", "", "-x"]
        expected = ["demo", *words[:2], *words[4:]]
        self.assertEqual(self.travelled(words), expected)

    @parametrized(form=[("two_words", ["--timeout", "5"])])
    def test_the_helpers_own_words_never_travel(self, form):
        target = self.target(ALICE)
        for position in (0, 2, 4):
            words = ["image", target, "-t", "demo"]
            words[position:position] = form
            self.assertEqual(self.travelled(words), ["demo", "image", target])

    def test_one_operand_is_the_mount_point(self):
        target = self.target(ALICE)
        self.assertEqual(self.travelled([target, "-t", "demo"]), ["demo", target])

    def test_an_empty_source_is_dropped(self):
        target = self.target(ALICE)
        self.assertEqual(self.travelled(["", target, "-t", "demo"]), ["demo", target])

    def test_the_way_of_mount_fuse3_works(self):
        target = self.target(ALICE)
        words = ["mount.fuse.demo", "image", target, "-t", "demo", "-o", "rw,dev,suid"]
        with self.service(wire.mounting(target, flags=0, owner=ALICE.uid)) as service:
            outcome = self.start(words, ALICE, executable=stage.helper).finish()
            self.assert_mounted(outcome, service)
            self.assertEqual(service.session.arguments[:3],
                             [b"demo", b"image", os.fsencode(target)])
            self.assertTrue({"nosuid", "nodev"} <= mount_at(target).attributes)
            self.unmount(target, ALICE)

    def test_t_wins_over_the_name_of_the_program(self):
        target = self.target(ALICE)
        with self.service(wire.mounting(target, owner=ALICE.uid)) as service:
            outcome = self.start(["mount.fuse.other", "image", target, "-t", "demo"], ALICE,
                                 executable=stage.helper).finish()
            self.assert_mounted(outcome, service)
            self.unmount(target)

    @parametrized(odd=[b"caf\xe9", b" ", b"\xff\xfe", b"$(x)", b"a\nb"])
    def test_bytes_that_are_no_text_travel_as_they_are(self, odd):
        target = self.target(ALICE)
        self.assertEqual(
            self.travelled([odd, target, "-t", "demo", b"-o" + odd.replace(b"\n", b"")])[1],
            os.fsdecode(odd))

    def test_many_arguments_travel(self):
        target = self.target(ALICE)
        more = [f"word{index}" for index in range(2000)]
        self.assertEqual(self.travelled(["image", target, "-t", "demo", *more])[3:], more)


class MountCommand(HelperTest):
    """mount(8) finds the helper as /sbin/mount.fuse.TYPE."""

    def mount8(self, caller, words, **script):
        """Mounts with mount(8)."""
        target = self.target(caller)
        self.link("mount.fuse.demo")
        service = self.service(wire.mounting(target, owner=caller.uid, group=caller.gid, **script))
        outcome = self.run_as(caller, "mount", "-t", "fuse.demo", *words, "image", target)
        self.assert_mounted(outcome, service)
        self.assertEqual(mount_at(target).type, "fuse.demo")
        return service, target, [os.fsdecode(word) for word in service.session.arguments]

    @callers()
    def test_mount_mounts(self, caller):
        _, target, arguments = self.mount8(caller, [])
        self.assertEqual(arguments[:3], ["demo", "image", target])
        self.assertEqual(self.run_as(caller, "cat", target + "/hello").out, "hello, world\n")
        self.unmount(target, caller)

    @callers()
    def test_read_only_reaches_the_mount(self, caller):
        _, target, _ = self.mount8(caller, ["-o", "ro,noexec"])
        self.assertTrue({"ro", "noexec", "nosuid", "nodev"} <= mount_at(target).attributes)
        self.unmount(target, caller)

    @callers()
    def test_options_of_mount_itself_never_reach_the_server(self, caller):
        _, target, arguments = self.mount8(
            caller, ["-o", "nofail,_netdev,x-foo=bar,noauto,key=value"])
        options = ",".join(arguments[3:])
        self.assertIn("key=value", options)
        for word in ("nofail", "_netdev", "x-foo", "noauto"):
            self.assertNotIn(word, options)
        self.unmount(target, caller)

    @callers()
    def test_a_timeout_among_mounts_options_is_heeded_and_does_not_travel(self, caller):
        target = self.target(caller)
        self.link("mount.fuse.demo")

        def script(session):
            session.begin()
            session.receive()  # in vain
        with self.service(script) as service:
            outcome = self.run_as(caller, "mount", "-t", "fuse.demo", "-o",
                                  f"fuse-service.timeout={STALL},key=value", "image", target)
            arguments = service.session.arguments
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assertIn(f"gave up after {STALL} s", outcome.err)
        self.assertLess(outcome.seconds, STALL + GRACE)
        self.assertNotIn(b"timeout", b" ".join(arguments))
        self.assertIn(b"key=value", b" ".join(arguments))
        self.assert_nothing_mounted()

    def test_root_gets_nosuid_and_nodev_with_user(self):
        _, target, arguments = self.mount8(ROOT, ["-o", "user"])
        self.assertTrue({"nosuid", "nodev", "noexec"} <= mount_at(target).attributes)
        for word in ",".join(arguments[3:]).split(","):
            self.assertNotIn(word, ("user", "users", "owner", "group"))
        self.unmount(target)

    def test_x_options_of_root_are_recorded_once(self):
        # mount(8) keeps them from the helper and records them itself, when it is root's.
        _, target, _ = self.mount8(ROOT, ["-o", "x-foo=bar"])
        self.assert_recorded(ROOT, target)

    @callers()
    def test_x_options_that_reach_the_helper_are_recorded(self, caller):
        link = self.link("mount.fuse.demo")
        target = self.target(caller)
        with self.service(wire.mounting(target, owner=caller.uid)) as service:
            outcome = self.run_as(caller, link, "image", target, "-o", "rw,x-foo=bar")
            self.assert_mounted(outcome, service)
            self.assert_recorded(caller, target)

    def assert_recorded(self, caller, target):
        """One entry, which goes with the mount."""
        lines = [line for line in utab() or [] if f"TARGET={target}" in line]
        self.assertEqual(len(lines), 1, utab())
        self.assertIn("x-foo=bar", lines[0])
        self.unmount(target, caller)
        self.assertEqual(utab_text(), "")

    @callers()
    def test_minus_n_records_nothing(self, caller):
        target = self.target(caller)
        link = self.link("mount.fuse.demo")
        with self.service(wire.mounting(target, owner=caller.uid, table="x-bar")) as service:
            outcome = self.run_as(caller, link, "image", target, "-n", "-o", "rw,x-foo=bar")
            self.assert_mounted(outcome, service)
            self.assertIsNone(utab())
            self.unmount(target, caller)

    @callers()
    def test_a_fake_mount_mounts_nothing_and_succeeds(self, caller):
        link = self.link("mount.fuse.demo")
        target = self.target(caller)
        with self.service(lambda session: session.receive()):
            outcome = self.run_as(caller, link, "image", target, "-f", "-o", "rw")
        self.assertEqual((outcome.status, outcome.out), (0, ""), outcome.err)
        self.assert_nothing_mounted()

    @callers()
    def test_verbose_explains(self, caller):
        link = self.link("mount.fuse.demo")
        target = self.target(caller)
        with self.service(wire.mounting(target, owner=caller.uid)):
            outcome = self.run_as(caller, link, "image", target, "-v", "-o", "rw")
            self.assertEqual(outcome.status, 0, outcome.err)
            self.assertNotEqual(outcome.out + outcome.err, "")
            self.unmount(target, caller)

    def test_no_service_is_told_through_mount(self):
        self.link("mount.fuse.demo")
        outcome = self.run_as(ALICE, "mount", "-t", "fuse.demo", "image", self.target(ALICE))
        self.assertEqual(outcome.status, 2)
        self.assertIn("demo", outcome.err)
        self.assert_nothing_mounted()

    def test_a_bad_mount_point_is_told_with_the_programs_name(self):
        link = self.link("mount.fuse.demo")
        outcome = self.run_as(ALICE, link, "image", "/nowhere", "-o", "rw")
        self.assert_refused(outcome)
        self.assertRegex(outcome.err, r"\A(\S*/)?(mount\.fuse\.demo|fuservicemount3): ")


class BadArguments(HelperTest):
    """What is refused before anybody is asked."""

    BAD = [
        ("nothing", []), ("no_operand", ["-t", "demo"]), ("no_type", ["image", "MNT"]),
        ("type_without_value", ["image", "MNT", "-t"]), ("empty_type", ["image", "MNT", "-t", ""]),
        ("dot_dot", ["image", "MNT", "-t", ".."]), ("dot", ["image", "MNT", "-t", "fuse.."]),
        ("slash", ["image", "MNT", "-t", "fuse.a/b"]), ("climb", ["image", "MNT", "-t", "../x"]),
        ("bare_fuse", ["image", "MNT", "-t", "fuse."]), ("control", ["i", "MNT", "-t", "a\x1b"]),
        ("newline", ["image", "MNT", "-t", "a\nb"]), ("long", ["image", "MNT", "-t", "t" * 200]),
        ("no_options", ["image", "MNT", "-t", "demo", "-o"]),
        ("timeout_text", ["image", "MNT", "-t", "demo", "--timeout", "x"]),
        ("timeout_zero", ["image", "MNT", "-t", "demo", "--timeout", "0"]),
        ("timeout_negative", ["image", "MNT", "-t", "demo", "--timeout", "-1"]),
        ("timeout_huge", ["image", "MNT", "-t", "demo", "--timeout", "99999999999999999999"]),
        ("timeout_missing", ["image", "MNT", "-t", "demo", "--timeout"]),
        ("timeout_option", ["image", "MNT", "-t", "demo", "-o", "x-fuse-service.timeout=x"]),
        ("timeout_word", ["image", "MNT", "-t", "demo", "-o", "fuse-service.timeout=x"]),
        ("empty_mount_point", ["image", "", "-t", "demo"]),
    ]

    @callers()
    @parametrized(words=BAD)
    def test_bad_arguments_are_told_in_one_line(self, caller, words):
        target = self.target(caller)
        with self.service(lambda session: session.receive()) as service:
            outcome = self.helper([target if word == "MNT" else word for word in words], caller)
            self.assertEqual(service.sessions, [], "a server was bothered")
        self.assert_refused(outcome)
        self.assert_one_line(outcome)

    @callers()
    @parametrized(word=["\x1b[31mred", "two\nlines", "\x07bell\x7f", "caf\udce9"])
    def test_odd_bytes_are_escaped_in_messages(self, caller, word):
        for words in (["image", "/nowhere/" + word, "-t", "demo"],
                      ["image", self.target(caller), "-t", "no" + word]):
            outcome = self.helper(words, caller)
            self.assertIn(outcome.status, (1, 2))
            self.assert_one_line(outcome)
            outcome.err.encode("ascii", "strict")

    @callers()
    def test_help_and_version_go_to_standard_output(self, caller):
        for word in ("--help", "--version"):
            outcome = self.helper([word], caller)
            self.assertEqual((outcome.status, outcome.err), (0, ""))
            self.assertIn("fuservicemount3", outcome.out)

    def test_an_overlong_command_line_is_refused_or_works_but_never_half(self):
        target = self.target(ALICE)
        with self.service(wire.mounting(target, owner=ALICE.uid)):
            outcome = self.helper(["image", target, "-t", "demo", "-o", "x" * 100000], ALICE)
            if outcome.status == 0:
                self.unmount(target)
            else:
                self.assert_refused(outcome)


class HostileCaller(HelperTest):
    """The environment, descriptors, limits and the program's name."""

    ENVIRONMENTS = {
        "tunables": {"GLIBC_TUNABLES": "glibc.malloc.mxfast=glibc.malloc.mxfast=A"},
        "loader": {"LD_PRELOAD": "/tmp/evil.so", "LD_LIBRARY_PATH": "/tmp", "LD_AUDIT": "/x"},
        "gconv": {"GCONV_PATH": "/tmp", "LC_ALL": "xx_YY.EVIL", "LOCPATH": "/tmp"},
        "swift": {"SWIFT_DEBUG_HELP": "1", "SWIFT_DETERMINISTIC_HASHING": "1"},
        "device": {"FUSE_KERN_DEVICE": "/dev/null", "FUSE_DEV_FD": "0"},
        "empty": {},
    }

    @callers()
    @parametrized(environment=list(ENVIRONMENTS.items()))
    def test_the_environment_changes_nothing(self, caller, environment):
        target = self.target(caller)
        with self.service(wire.mounting(target, owner=caller.uid)) as service:
            outcome = self.start_helper(self.words("demo", target), caller,
                                        env=environment).finish()
            self.assertEqual((outcome.status, outcome.out), (0, ""), outcome.err)
            self.assertEqual(service.result(), None)
            self.unmount(target)

    @callers()
    def test_libmounts_variables_do_not_move_the_table(self, caller):
        directory = self.directory(caller)
        evil = directory + "/evil"
        target = self.target(caller)
        environment = {name: evil for name in (
            "LIBMOUNT_UTAB", "LIBMOUNT_MTAB", "LIBMOUNT_FSTAB", "LIBMOUNT_DEBUG")}
        environment["LIBMOUNT_FORCE_MOUNT2"] = "always"
        with self.service(wire.mounting(target, owner=caller.uid, table="x-foo")) as service:
            outcome = self.start_helper(self.words("demo", target), caller,
                                        env=environment).finish()
            self.assert_mounted(outcome, service)
            self.assertEqual(os.listdir(directory), [])
            self.assertIn("x-foo", utab_text())
            self.unmount(target)

    def raw_exec(self, caller, code, timeout=15):
        """Runs Python statements as the caller, that end in the helper's start."""
        program = (
            "import ctypes, os, resource, signal, sys\n"
            f"os.setgroups([]); os.setresgid(*[{caller.gid}] * 3)\n"
            f"os.setresuid(*[{caller.uid}] * 3)\n"
            f"helper = {stage.helper!r}\n" + code)
        return self.start([PYTHON, "-I", "-S", "-c", program], ROOT).finish(timeout)

    @callers()
    @parametrized(vector=[("argc_0", []), ("name_only", ["fuservicemount3"]),
                          ("empty_name", [""])])
    def test_a_missing_name_is_refused_in_words(self, caller, vector):
        array = ", ".join([repr(word.encode()) for word in vector] + ["None"])
        outcome = self.raw_exec(
            caller, f"argv = (ctypes.c_char_p * {len(vector) + 1})({array})\n"
            "ctypes.CDLL(None).execve(helper.encode(), argv, (ctypes.c_char_p * 1)(None))\n"
            "os._exit(99)\n")
        self.assert_refused(outcome)

    @callers()
    @parametrized(closed=[(0,), (1,), (2,), (0, 1, 2)])
    def test_closed_standard_descriptors_do_no_harm(self, caller, closed):
        target = self.target(caller)
        words = self.words("demo", target)
        with self.service(wire.mounting(target, owner=caller.uid)) as service:
            outcome = self.raw_exec(
                caller, "".join(f"os.close({number})\n" for number in closed)
                + f"os.execv(helper, [helper] + {words!r})\n")
            self.assert_mounted(outcome, service)
            self.assertEqual(service.result(), None)
            self.unmount(target)

    @callers()
    def test_inherited_descriptors_do_not_reach_the_server_or_stay_open(self, caller):
        target = self.target(caller)
        read, write = os.pipe()
        with self.service(wire.mounting(target, owner=caller.uid)) as service:
            outcome = self.start_helper(self.words("demo", target), caller,
                                        pass_fds=[write]).finish()
            self.assert_mounted(outcome, service)
            os.close(write)
            self.assertEqual(os.read(read, 1), b"")
            os.close(read)
            self.unmount(target)

    LIMITS = [("FSIZE_0", "RLIMIT_FSIZE", 0), ("FSIZE_1", "RLIMIT_FSIZE", 1),
              ("NOFILE_3", "RLIMIT_NOFILE", 3), ("NOFILE_8", "RLIMIT_NOFILE", 8),
              ("NOFILE_16", "RLIMIT_NOFILE", 16), ("NPROC_0", "RLIMIT_NPROC", 0),
              ("AS_16M", "RLIMIT_AS", 16 << 20), ("STACK_64K", "RLIMIT_STACK", 65536),
              ("CPU_1", "RLIMIT_CPU", 1), ("MEMLOCK_0", "RLIMIT_MEMLOCK", 0)]

    @callers()
    @parametrized(limit=[(name, (resource_name, value)) for name, resource_name, value in LIMITS],
                  table=[("plain", None), ("recorded", "x-foo=bar")])
    def test_a_hostile_limit_leaves_a_whole_mount_or_none(self, caller, limit, table):
        name, value = limit
        target = self.target(caller)
        words = self.words("demo", target)
        with self.service(wire.mounting(target, owner=caller.uid, table=table)):
            outcome = self.raw_exec(
                caller, f"resource.setrlimit(resource.{name}, ({value}, {value}))\n"
                f"os.execv(helper, [helper] + {words!r})\n")
            # Too low for the loader (127), or ended by the kernel: not the helper's to say.
            self.assertNotEqual(outcome.status, 2, outcome.err)
            mounted = mount_at(target) is not None
            self.assertEqual(mounted, outcome.status == 0, outcome.err)
            recorded = [line for line in utab() or [] if f"TARGET={target}" in line]
            self.assertEqual(len(recorded), 1 if mounted and table else 0, utab())
            for line in recorded:
                self.assertIn("x-foo=bar", line)
            if mounted:
                self.unmount(target)
            # The lock file of libmount may stay, as it does with mount(8); half a table may not.
            self.assertEqual([entry for entry in os.listdir("/run/mount")
                              if entry not in ("utab", "utab.lock")], [])

    @callers()
    @parametrized(umask=[0o777, 0])
    def test_a_hostile_umask_does_not_reach_the_table(self, caller, umask):
        _, target, _ = self.mount_with(caller, umask=umask)
        self.assertEqual(os.stat("/run/mount/utab").st_mode & 0o777, 0o644)
        self.unmount(target)

    def mount_with(self, caller, **options):
        """A recorded mount by a helper that was started with Popen's options."""
        target = self.target(caller)
        service = self.service(wire.mounting(target, owner=caller.uid, table="x-foo"))
        outcome = self.start_helper(self.words("demo", target), caller, **options).finish()
        self.assert_mounted(outcome, service)
        return service, target, outcome

    @callers()
    def test_ignored_and_blocked_signals_do_not_keep_it_alive(self, caller):
        target = self.target(caller)
        words = self.words("demo", target)
        with self.service(lambda session: session.wait_for_end()) as service:
            program = ("import os, signal\n"
                       "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                       "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
                       "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n"
                       f"os.execv({stage.helper!r}, [{stage.helper!r}] + {words!r})\n")
            running = self.start([PYTHON, "-I", "-S", "-c", program], caller)
            while not service.sessions and running.process.poll() is None:
                pass
            os.kill(running.process.pid, signal.SIGTERM)
            outcome = running.finish(8)
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assert_nothing_mounted()

    @callers()
    def test_a_removed_working_directory_does_no_harm(self, caller):
        directory = self.directory(caller)
        target = self.target(caller)
        words = self.words("demo", target)
        with self.service(wire.mounting(target, owner=caller.uid)) as service:
            outcome = self.raw_exec(
                caller, f"os.chdir({directory!r}); os.rmdir({directory!r})\n"
                f"os.execv(helper, [helper] + {words!r})\n")
            self.assert_mounted(outcome, service)
            self.unmount(target)

    def test_a_caller_with_no_new_privs_is_told_so(self):
        target = self.target(ALICE)
        words = self.words("demo", target)
        with self.service(wire.mounting(target)):
            outcome = self.raw_exec(
                ALICE, "ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)\n"
                f"os.execv(helper, [helper] + {words!r})\n")
        self.assert_refused(outcome)
        self.assertIn("no_new_privs", outcome.err)

    def test_a_helper_without_its_set_id_bit_says_so(self):
        copy = os.path.join(stage.private, "bin", "plain")
        subprocess.run(["cp", stage.helper, copy], check=True)
        os.chmod(copy, 0o755)
        self.addCleanup(os.unlink, copy)
        target = self.target(ALICE)
        with self.service(wire.mounting(target)):
            outcome = self.run_as(ALICE, copy, *self.words("demo", target))
        self.assert_refused(outcome)

    def test_a_user_namespace_gains_nothing(self):
        target = self.target(ALICE)
        before = {mount.number for mount in mounts()}
        with self.service(wire.mounting(target)):
            self.run_as(ALICE, "unshare", "--user", "--map-root-user", stage.helper,
                        *self.words("demo", target))
        self.assertEqual({mount.number for mount in mounts()}, before)
        self.assert_nothing_mounted()
