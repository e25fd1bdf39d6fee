# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers that die, stall, freeze the kernel or say goodbye in odd ways; services that are none."""

import contextlib
import errno
import os
import signal
import socket
import threading
import time

import fuse_service as wire
from support import (ALICE, ENGINES, GRACE, ONE_STEP, ROOT, STALL, HelperTest, callers,
                     eventually, helper_processes, mount_at, parametrized, process_status, stage)



def before_hello(session):
    """Not a word."""


def after_hello(session):
    """The hello is answered, no more."""
    session.hello()


def after_files(session):
    """The files have come, nothing is asked."""
    session.begin()


def after_source(session):
    """In the middle of the settings."""
    session.begin()
    session.name()


def after_mount(session):
    """DOIT was answered; the kernel's INIT was not."""
    session.begin()
    session.prepare(session.target)
    assert session.mount() == 0


def after_init(session):
    """DOIT was answered and the file system works; only the goodbye is missing."""
    after_mount(session)
    session.serve()


def frozen(session):
    """The superblock's creation waits for an INIT that is never answered."""
    session.begin()
    session.prepare(session.target)
    session.synchronous_init()
    session.send(wire.DOIT + wire.be32(0))


STAGES = [before_hello, after_hello, after_files, after_source, after_mount, after_init]
NAMED = [(stage.__name__, stage) for stage in STAGES]
WITH_FROZEN = NAMED + [("frozen", frozen)]


def synchronous_init_is_known():
    """Whether the kernel is 6.18 or newer."""
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    try:
        import fcntl
        fcntl.ioctl(device, wire.FUSE_DEV_IOC_SYNC_INIT)
    except OSError as error:
        # ENOTTY: an older kernel. Anything else would be an answer of a newer one.
        return error.errno != errno.ENOTTY
    finally:
        os.close(device)
    return True


class ServerEnds(HelperTest):
    """A server that dies leaves nothing, and the helper says so."""

    @callers()
    @parametrized(engine=ENGINES, stage=NAMED)
    def test_a_server_that_dies_leaves_nothing_mounted(self, caller, engine, stage):
        def script(session):
            stage(session)
            session.close()
        outcome, _ = self.converse(script, caller, failing=engine, options="x-foo=bar")
        self.assert_refused(outcome)
        self.assertLess(outcome.seconds, GRACE)

    @callers()
    def test_a_server_that_closes_the_fuse_device_after_mounting_leaves_nothing(self, caller):
        def script(session):
            after_mount(session)
            os.close(session.device)
            session.device = -1
            session.goodbye(1)
        outcome, _ = self.converse(script, caller)
        self.assert_refused(outcome)

    @callers()
    @parametrized(engine=ENGINES, code=[1, 2, 255, 256, 512, 1 << 31, 0xFFFFFFFF])
    def test_a_mount_that_the_server_calls_failed_is_taken_back(self, caller, engine, code):
        def script(session):
            after_mount(session)
            session.goodbye(code)
        outcome, _ = self.converse(script, caller, failing=engine)
        self.assert_refused(outcome)

    @callers()
    @parametrized(code=[0, 1, 2, 255, 256, 512, 1 << 31, 0xFFFFFFFF])
    def test_a_goodbye_without_a_mount_is_a_failure_whatever_its_code(self, caller, code):
        def script(session):
            session.begin()
            session.goodbye(code)
        outcome, _ = self.converse(script, caller)
        self.assert_refused(outcome)

    @callers()
    @parametrized(code=[0, 2])
    def test_a_goodbye_after_settings_without_doit_is_a_failure(self, caller, code):
        def script(session):
            session.begin()
            session.prepare(session.target)
            session.goodbye(code)
        outcome, _ = self.converse(script, caller)
        self.assert_refused(outcome)

    @callers()
    @parametrized(packet=[("empty", b"BYEE"), ("short", b"BYEE\0\0\0"), ("long", b"BYEE" + bytes(5)),
                          ("two", b"BYEE" + bytes(8))])
    def test_a_goodbye_of_a_wrong_size_after_a_mount_is_a_failure(self, caller, packet):
        def script(session):
            after_mount(session)
            session.send(packet)
            session.wait_for_end()
        outcome, _ = self.converse(script, caller)
        self.assert_refused(outcome)

    def test_a_server_has_a_hundred_lines_and_the_last_says_why(self):
        def script(session):
            session.begin()
            for number in range(150):
                session.open(f"/nobody/named/{number}")
            session.says(b"that is why")
            session.goodbye(1)
        outcome, _ = self.converse(script, ALICE)
        self.assert_refused(outcome)
        lines = outcome.err.splitlines()
        self.assertLessEqual(len(lines), 102)
        self.assertEqual(sum("more messages are not shown" in line for line in lines), 1)
        self.assertIn("that is why", lines[-1])

    def test_last_words_reach_the_callers_terminal_escaped(self):
        def script(session):
            session.begin()
            session.says(b"bad \x1b[31mmagic\n\xff in superblock")
            session.goodbye(1)
        outcome, _ = self.converse(script, ALICE)
        self.assert_refused(outcome)
        self.assertIn("in superblock", outcome.err)
        self.assertNotIn("\x1b", outcome.err)
        self.assertRegex(outcome.err, r"bad \S*\[31mmagic\S*")

    @parametrized(reply=[
        ("version_0", b"LAST\0\0\0\0"), ("version_2", b"LAST\0\2\0\0"),
        ("version_65535", b"LAST\xff\xff\0\0"), ("padding", b"LAST\0\1\0\1"),
        ("short", b"LAST\0\1\0"), ("long", b"LAST\0\1\0\0\0"), ("magic", b"TSAL\0\1\0\0"),
        ("one_byte", b"L"), ("huge", b"LAST" + bytes(60000))])
    def test_a_hello_that_is_none_ends_the_session(self, reply):
        def script(session):
            session.receive()
            session.send(reply)
            session.wait_for_end()
        outcome, _ = self.converse(script, ALICE)
        self.assert_refused(outcome)

    @callers()
    def test_nothing_is_said_to_the_server_before_its_hello(self, caller):
        def script(session):
            packet, descriptors = session.receive()
            session.connection.settimeout(0.3)
            try:
                session.receive()
            except TimeoutError:
                return len(packet), len(descriptors)
            raise AssertionError("more came before the hello was answered")
        outcome, value = self.converse(script, caller, more=["--timeout", str(STALL)])
        self.assertEqual(value, (12, 0))
        self.assert_refused(outcome)


class ServerStalls(HelperTest):
    """A server that keeps silent is not waited for beyond the limit."""

    def stall(self, caller, stage, engine=(), more=("--timeout", str(STALL)), options=None):
        """Runs the helper against a server that goes silent; the server ends after it."""
        reached, over = threading.Event(), threading.Event()
        self.addCleanup(over.set)

        def script(session):
            session.target = target
            stage(session)
            reached.set()
            over.wait(30)
        target = self.target(caller)
        self.service(script)
        outcome = self.helper(self.words("demo", target, options, *more), caller, failing=engine)
        self.assertTrue(reached.is_set(), outcome.err)
        self.assertLess(outcome.seconds, STALL + GRACE)
        self.assertGreater(outcome.seconds, STALL - 1)
        self.assert_refused(outcome)
        return outcome

    @callers()
    @parametrized(stage=NAMED)
    def test_silence_ends_in_time(self, caller, stage):
        self.stall(caller, stage)

    def test_silence_after_an_old_mount_ends_in_time(self):
        self.stall(ALICE, after_mount, ONE_STEP)

    def test_the_limit_may_stand_among_the_options(self):
        self.stall(ALICE, after_files, more=(),
                   options=f"x-fuse-service.timeout={STALL},x-foo")

    @callers()
    @parametrized(engine=ENGINES)
    def test_a_frozen_superblock_ends_in_time(self, caller, engine):
        if not synchronous_init_is_known():
            self.skipTest("the kernel is older than 6.18")
        self.stall(caller, frozen, engine)

    @callers()
    def test_an_init_answered_with_an_error_is_a_failure(self, caller):
        if not synchronous_init_is_known():
            self.skipTest("the kernel is older than 6.18")

        def script(session):
            session.begin()
            session.prepare(session.target)
            session.synchronous_init()
            session.serve().init_error = errno.EPROTO
            reply = session.mount()
            session.goodbye(1)
            return reply
        outcome, reply = self.converse(script, caller)
        self.assertNotEqual(reply, 0)
        self.assert_refused(outcome)

    @callers()
    def test_a_server_slow_with_doit_and_then_with_init_is_late_with_neither(self, caller):
        if not synchronous_init_is_known():
            self.skipTest("the kernel is older than 6.18")
        target = self.target(caller)

        def script(session):
            session.begin()
            session.prepare(target)
            session.synchronous_init()
            session.serve(owner=caller.uid).slow = {wire.INIT: 0.7 * STALL}
            time.sleep(0.7 * STALL)
            assert session.mount() == 0
            session.goodbye(0)
        with self.service(script) as service:
            outcome = self.helper(
                self.words("demo", target, None, "--timeout", str(STALL)), caller)
            self.assert_mounted(outcome, service)
        self.assertGreater(outcome.seconds, STALL)
        self.assertIsNotNone(mount_at(target))
        self.unmount(target)

    @callers()
    def test_an_init_answered_in_time_mounts(self, caller):
        if not synchronous_init_is_known():
            self.skipTest("the kernel is older than 6.18")

        def script(session):
            session.begin()
            session.prepare(session.target)
            session.synchronous_init()
            session.serve(owner=caller.uid)
            assert session.mount() == 0
            session.goodbye(0)
        target = self.target(caller)
        with self.service(lambda session: script(setattr(session, "target", target) or session)) \
                as service:
            outcome = self.helper(self.words("demo", target), caller)
            self.assert_mounted(outcome, service)
            self.assertEqual(self.run_as(caller, "cat", target + "/hello").out, "hello, world\n")
            self.unmount(target, caller)

    @callers()
    def test_a_server_that_dies_with_the_superblock_frozen_leaves_nothing(self, caller):
        if not synchronous_init_is_known():
            self.skipTest("the kernel is older than 6.18")

        def script(session):
            frozen(session)
            time.sleep(0.2)
            session.close()
        outcome, _ = self.converse(script, caller, more=["--timeout", str(STALL)])
        self.assert_refused(outcome)
        self.assertLess(outcome.seconds, STALL + GRACE)

    @callers()
    @parametrized(engine=ENGINES)
    def test_a_root_that_never_answers_does_not_hold_the_helper(self, caller, engine):
        target = self.target(caller)
        with self.service(wire.mounting(target, silent=None)) as service:
            outcome = self.helper(self.words("demo", target), caller, failing=engine)
            self.assert_mounted(outcome, service)
            self.assertLess(outcome.seconds, GRACE)
            self.assertIsNotNone(mount_at(target))
        self.unmount(target)

    def test_a_flood_of_requests_with_replies_never_read_ends_in_time(self):
        over = threading.Event()
        self.addCleanup(over.set)
        image = self.file(ALICE)

        def script(session):
            session.begin()
            packet = wire.OPEN + bytes(16) + os.fsencode(image) + b"\0"
            session.connection.settimeout(1)
            try:
                for _ in range(10000):
                    session.send(packet)
            except (TimeoutError, BlockingIOError, wire.SessionEnded):
                pass
            over.wait(30)
        self.service(script)
        target = self.target(ALICE)
        outcome = self.helper(self.words(image, target, None, "--timeout", str(STALL)), ALICE)
        over.set()
        self.assert_refused(outcome)
        self.assertLess(outcome.seconds, STALL + GRACE)

    def test_requests_for_files_end_at_4096(self):
        image = self.file(ALICE)

        def script(session):
            session.begin()
            count = 0
            try:
                while count < 5000:
                    error, descriptor = session.open(image)
                    if error == 0:
                        session.received.remove(descriptor)
                        os.close(descriptor)
                    count += 1
            except wire.SessionEnded:
                return count
            session.goodbye(1)
            return count
        outcome, count = self.converse(script, ALICE, source=image)
        self.assert_refused(outcome)
        self.assertEqual(count, 4096)

    @callers()
    def test_4096_files_under_ro_are_all_opened_and_one_more_ends_it(self, caller):
        image = self.file(caller)

        def script(session):
            session.begin()
            errors = set()
            for _ in range(4096):
                error, descriptor = session.open(image)
                errors.add(error)
                session.received.clear()
                if descriptor >= 0:
                    os.close(descriptor)
            # In KiB: the most that each process ever had in memory.
            memory = [int(process_status(process)["VmHWM"].split()[0])
                      for process in helper_processes()]
            with contextlib.suppress(wire.SessionEnded):
                session.open(image)
                raise AssertionError("one more was answered")
            return errors, memory
        outcome, (errors, memory) = self.converse(script, caller, source=image, options="ro")
        self.assert_refused(outcome)
        self.assertEqual(errors, {0})
        self.assertEqual(len(memory), 3)
        self.assertLess(max(memory), 8192)

    @callers()
    @parametrized(stage=[("before_hello", before_hello), ("after_mount", after_mount)],
                  kernel=[("passrights", ()), ("no-passrights", ("SO_PASSRIGHTS=ENOPROTOOPT",))])
    def test_a_connected_socket_with_unsent_data_does_not_hold_the_helper(
            self, caller, stage, kernel):
        # The last close of it blocks for SO_LINGER's time: the helper must not take it, or not wait.
        def script(session):
            listener = socket.create_server(("127.0.0.1", 0), backlog=1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            peer = socket.create_connection(listener.getsockname())
            peer.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    peer.send(bytes(65536))
            if stage is before_hello:
                session.receive()
            else:
                stage(session)
            for process in helper_processes():  # so that ours is not the last close
                os.kill(process, signal.SIGSTOP)
            taken = True
            try:
                session.send(b"NONE", [peer.fileno()])
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\x3c\0\0\0")
            except OSError as error:
                if error.errno != errno.EPERM:  # the helper's SO_PASSRIGHTS is off
                    raise
                taken = False
                session.send(b"NONE")
            peer.close()
            for process in helper_processes():
                os.kill(process, signal.SIGCONT)
            session.wait_for_end()
            # What still lingers ends with the other end.
            listener.close()
            return taken
        outcome, taken = self.converse(script, caller, more=["--timeout", "1"], failing=kernel)
        self.assert_refused(outcome)
        self.assertLess(outcome.seconds, 1 + GRACE)
        if taken:
            self.assertGreater(outcome.seconds, 0.9, "it was no socket that blocks")
        self.assertTrue(taken or not kernel)


class Signals(HelperTest):
    """Interruption at every stage ends the helper cleanly."""

    @callers()
    @parametrized(stage=WITH_FROZEN, number=[("TERM", signal.SIGTERM), ("INT", signal.SIGINT)])
    def test_a_signal_ends_the_helper_cleanly(self, caller, stage, number):
        if stage is frozen and not synchronous_init_is_known():
            self.skipTest("the kernel is older than 6.18")
        self.interrupt(caller, stage, number)

    @parametrized(number=[("HUP", signal.SIGHUP), ("QUIT", signal.SIGQUIT)])
    def test_a_hangup_ends_the_helper_cleanly(self, number):
        self.interrupt(ALICE, after_mount, number)

    @callers()
    def test_a_signal_ends_a_mount_of_the_old_engine_cleanly(self, caller):
        self.interrupt(caller, after_mount, signal.SIGTERM, ONE_STEP)

    @callers()
    @parametrized(stage=NAMED)
    def test_a_killed_helper_leaves_nothing(self, caller, stage):
        outcome = self.interrupt(caller, stage, signal.SIGKILL, judge=False)
        self.assertEqual(outcome.status, -signal.SIGKILL)
        # The service is still silent: it is not its end that ends them.
        self.assertTrue(eventually(lambda: not helper_processes()), "a process runs on")
        self.assert_nothing_mounted()

    def interrupt(self, caller, stage, number, engine=(), judge=True):
        """Sends a signal to a helper whose server went silent."""
        reached, over = threading.Event(), threading.Event()
        self.addCleanup(over.set)
        target = self.target(caller)

        def script(session):
            session.target = target
            if stage is before_hello:
                session.receive()
            stage(session)
            reached.set()
            over.wait(30)
        self.service(script)
        running = self.start_helper(self.words("demo", target), caller, failing=engine)
        self.assertTrue(reached.wait(10), "the stage was not reached")
        time.sleep(0.05)
        begun = time.monotonic()
        os.kill(running.process.pid, number)
        outcome = running.finish(GRACE)
        self.assertLess(time.monotonic() - begun, GRACE)
        if judge:
            self.assertEqual(outcome.status, 1, outcome.err)
            self.assert_nothing_mounted()
        return outcome


class NoService(HelperTest):
    """Exit 2 means that there is no socket, and nothing else."""

    def socket_path(self):
        """Where the service of this test would listen."""
        return os.path.join(wire.SOCKET_DIRECTORY, self.type)

    @callers()
    def test_a_type_without_a_socket_exits_2(self, caller):
        outcome = self.helper(self.words("demo", self.target(caller)), caller)
        self.assert_refused(outcome, 2)
        self.assert_one_line(outcome)

    @callers()
    def test_a_missing_socket_directory_exits_2(self, caller):
        os.rename(wire.SOCKET_DIRECTORY, wire.SOCKET_DIRECTORY + ".away")
        self.addCleanup(os.rename, wire.SOCKET_DIRECTORY + ".away", wire.SOCKET_DIRECTORY)
        outcome = self.helper(self.words("demo", self.target(caller)), caller)
        self.assert_refused(outcome, 2)

    @callers()
    def test_a_socket_that_nobody_serves_exits_1(self, caller):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(self.socket_path())
        os.chmod(self.socket_path(), 0o666)
        self.addCleanup(os.unlink, self.socket_path())
        outcome = self.helper(self.words("demo", self.target(caller)), caller)
        self.assert_refused(outcome)
        self.assert_one_line(outcome)

    @callers()
    def test_a_socket_of_another_kind_exits_1(self, caller):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(self.socket_path())
            listener.listen()
            os.chmod(self.socket_path(), 0o666)
            self.addCleanup(os.unlink, self.socket_path())
            outcome = self.helper(self.words("demo", self.target(caller)), caller)
        self.assert_refused(outcome)

    @callers()
    def test_a_file_in_place_of_the_socket_exits_1(self, caller):
        with open(self.socket_path(), "wb"):
            pass
        os.chmod(self.socket_path(), 0o666)
        self.addCleanup(os.unlink, self.socket_path())
        outcome = self.helper(self.words("demo", self.target(caller)), caller)
        self.assert_refused(outcome)

    def test_a_socket_that_the_user_may_not_use_exits_1(self):
        self.service(before_hello, mode=0o600)
        outcome = self.helper(self.words("demo", self.target(ALICE)), ALICE)
        self.assert_refused(outcome)
        self.assert_one_line(outcome)

    def test_a_full_backlog_ends_in_time_with_1(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(self.socket_path())
            self.addCleanup(os.unlink, self.socket_path())
            os.chmod(self.socket_path(), 0o666)
            listener.listen(0)
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as first:
                first.connect(self.socket_path())
                outcome = self.helper(
                    self.words("demo", self.target(ALICE), None, "--timeout", str(STALL)), ALICE)
        self.assert_refused(outcome)
        self.assertLess(outcome.seconds, STALL + GRACE)

    @callers()
    def test_check_tells_in_silence_whether_a_service_is_usable(self, caller):
        missing = self.helper(["-t", "fuse.demo", "--check"], caller)
        self.assertEqual((missing.out, missing.err), ("", ""))
        self.assertNotEqual(missing.status, 0)
        with self.service(before_hello, mode=0o600) as service:
            private = self.helper(["-t", "demo", "--check"], caller)
            self.assertEqual(private.status == 0, caller is ROOT)
            os.chmod(service.path, 0o222)
            usable = self.helper(["-t", "fuseblk.demo", "--check"], caller)
            self.assertEqual(usable.status, 0)
            for outcome in (private, usable):
                self.assertEqual((outcome.out, outcome.err), ("", ""))
        with open(self.socket_path(), "wb"):
            self.addCleanup(os.unlink, self.socket_path())
        os.chmod(self.socket_path(), 0o666)
        plain = self.helper(["-t", "demo", "--check"], caller)
        self.assertNotEqual(plain.status, 0)
        self.assertEqual((plain.out, plain.err), ("", ""))

    def test_a_missing_fuse_device_is_said_in_words(self):
        device = os.path.join(stage.private, "fuse")
        os.chmod(device, 0o600)
        self.addCleanup(os.chmod, device, 0o666)
        self.service(lambda session: (session.hello(), session.wait_for_end()))
        outcome = self.helper(self.words("demo", self.target(ALICE)), ALICE)
        self.assert_refused(outcome)
        self.assertIn("/dev/fuse", outcome.err)
