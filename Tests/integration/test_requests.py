# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a server may ask of the mount, command by command."""

import contextlib
import errno
import os
import socket
import stat
import struct

import fuse_service as wire
from support import (ALICE, ENGINES, GRACE, ROOT, HelperTest, callers, detach, libc, mount_at,
                     parametrized)

# Before Linux 6.16 nobody can refuse descriptors.
KERNELS = [("passrights", ()), ("no-passrights", ("SO_PASSRIGHTS=ENOPROTOOPT",))]


class Commands(HelperTest):
    """A server that sends commands, then DOIT, then a goodbye."""

    def play(self, caller, *steps, doit=True, **running):
        """Sends the steps' commands; their replies, and DOIT's."""
        def script(session):
            session.begin()
            replies = [step(session) for step in steps]
            if doit:
                replies.append(session.mount())
            session.goodbye(1)
            return replies
        outcome, replies = self.converse(script, caller, **running)
        self.assert_refused(outcome)
        return [errno.errorcode.get(reply, reply) for reply in replies]

    def refused(self, caller, code, step, **running):
        """A setting that is refused, and therefore no mount."""
        settings = [lambda session: session.name(), lambda session: session.mount_point(
            session.target)]
        replies = self.play(caller, *settings, step, **running)
        self.assertEqual(replies, [0, 0, errno.errorcode[code], "EINVAL"])


class Mounting(Commands):
    """DOIT."""

    FORBIDDEN = [("BIND", wire.MS_BIND), ("BIND_REC", wire.MS_BIND | wire.MS_REC),
                 ("MOVE", wire.MS_MOVE), ("REMOUNT", wire.MS_REMOUNT),
                 ("REMOUNT_BIND", wire.MS_REMOUNT | wire.MS_BIND), ("REC", wire.MS_REC),
                 ("SHARED", wire.MS_SHARED), ("PRIVATE", wire.MS_PRIVATE),
                 ("SLAVE", wire.MS_SLAVE), ("UNBINDABLE", wire.MS_UNBINDABLE),
                 ("bit_31", 1 << 31), ("bit_6", 64), ("SILENT", 32768), ("POSIXACL", 65536),
                 ("KERNMOUNT", 1 << 22), ("I_VERSION", 1 << 23), ("LAZYTIME", 1 << 25),
                 ("ACTIVE", 1 << 30), ("all", 0xFFFFFFFF)]

    @callers()
    @parametrized(flags=FORBIDDEN, engine=ENGINES)
    def test_a_flag_that_does_not_restrict_is_einval(self, caller, flags, engine):
        source = self.directory(caller)
        replies = self.play(
            caller, lambda session: session.name(source),
            lambda session: session.mount_point(session.target),
            lambda session: session.mount(flags), doit=False, source=source, failing=engine)
        self.assertEqual(replies, [0, 0, "EINVAL"])

    @callers()
    @parametrized(engine=[*ENGINES[:2], ("before-6.6", ("FSCONFIG_CMD_CREATE_EXCL=EOPNOTSUPP",))])
    def test_a_fuse_device_that_serves_another_mount_by_now_makes_none(self, caller, engine):
        # The caller's mount would be root's file system, with root's allow_other.
        other = self.target(ROOT)

        def script(session):
            session.begin()
            words = f"fd={session.device},rootmode=40000,user_id=0,group_id=0,allow_other"
            assert libc.mount(b"other", os.fsencode(other), b"fuse",
                              wire.MS_NOSUID | wire.MS_NODEV, words.encode()) == 0
            session.prepare(session.target)
            reply = session.mount()
            session.goodbye(1 if reply else 0)
            session.wait_for_end()
            detach(other)
        outcome, _ = self.converse(script, caller, failing=engine)
        self.assert_refused(outcome)

    @callers()
    @parametrized(missing=[("name", ["MNTP"]), ("mount_point", ["NAME"]), ("both", [])])
    def test_it_needs_source_and_mount_point(self, caller, missing):
        steps = {"NAME": lambda session: session.name(),
                 "MNTP": lambda session: session.mount_point(session.target)}
        replies = self.play(caller, *(steps[name] for name in missing))
        self.assertEqual(replies[-1], "EINVAL")

    @callers()
    @parametrized(order=[("reverse", ["MTAB", "OPTS", "MNTP", "NAME", "TYPE"]),
                         ("mixed", ["OPTS", "NAME", "MTAB", "TYPE", "MNTP"]),
                         ("least", ["MNTP", "NAME"])])
    def test_the_settings_may_come_in_any_order(self, caller, order):
        target = self.target(caller)
        steps = {"NAME": lambda session: session.name(),
                 "MNTP": lambda session: session.mount_point(target),
                 "TYPE": lambda session: session.type(0),
                 "OPTS": lambda session: session.options("default_permissions"),
                 "MTAB": lambda session: session.table_options("-n")}

        def script(session):
            session.begin()
            replies = [steps[name](session) for name in order] + [session.mount()]
            session.goodbye(0)
            session.serve(owner=caller.uid)
            return replies
        with self.service(script) as service:
            outcome = self.helper(self.words("demo", target), caller)
            self.assertEqual(service.result(), [0] * (len(order) + 1))
            self.assert_mounted(outcome, service)
            self.unmount(target)

    @callers()
    @parametrized(command=["TYPE", "NAME", "OPTS", "MTAB", "MNTP"])
    def test_a_command_twice_is_einval_and_there_is_no_mount(self, caller, command):
        steps = {"NAME": lambda session: session.name(),
                 "MNTP": lambda session: session.mount_point(session.target),
                 "TYPE": lambda session: session.type(0),
                 "OPTS": lambda session: session.options("default_permissions"),
                 "MTAB": lambda session: session.table_options("x-foo")}
        replies = self.play(caller, *steps.values(), steps[command])
        self.assertEqual(replies, [0] * 5 + ["EINVAL", "EINVAL"])

    @callers()
    @parametrized(later=["DOIT", "NAME", "OPEN", "BDEV", "TYPE", "OPTS", "MTAB", "MNTP", "IOMA"],
                  engine=ENGINES)
    def test_nothing_but_a_goodbye_comes_after_it(self, caller, later, engine):
        image = self.file(caller)

        def script(session):
            session.begin()
            session.prepare(session.target)
            assert session.mount() == 0
            packet = {"DOIT": b"DOIT" + bytes(4), "NAME": b"NAMEx\0", "TYPE": b"TYPE" + bytes(4),
                      "OPEN": b"OPEN" + bytes(16) + os.fsencode(image) + b"\0",
                      "BDEV": b"BDEV" + bytes(16) + os.fsencode(image) + b"\0",
                      "OPTS": b"OPTSdefault_permissions\0", "MTAB": b"MTABx-foo\0",
                      "MNTP": b"MNTP" + bytes(4) + os.fsencode(session.target) + b"\0",
                      "IOMA": b"IOMA\x50\x3f\0\0"}[later]
            with contextlib.suppress(wire.SessionEnded):
                session.send(packet)
                answer, descriptors = session.receive()
                assert not descriptors, "a descriptor came after DOIT"
                assert struct.unpack(">I", answer[4:8])[0] == errno.EINVAL
                session.goodbye(0)
                session.serve()
                return None
            return None
        outcome, _ = self.converse(script, caller, source=image, failing=engine)
        if outcome.status == 0:
            self.fail("a session that went on after DOIT was a success")
        self.assert_refused(outcome)

    @callers()
    @parametrized(flags=[2, 3, 1 << 31, 0xFFFFFFFF])
    def test_unknown_flags_of_the_context_are_einval(self, caller, flags):
        self.refused(caller, errno.EINVAL, lambda session: session.type(flags))

    def test_fuseblk_is_eperm_for_a_user_and_there_is_no_mount(self):
        self.refused(ALICE, errno.EPERM, lambda session: session.type(1))

    @callers()
    def test_an_io_mapping_is_refused_when_it_is_mandatory(self, caller):
        replies = self.play(
            caller, lambda session: session.ask(wire.IOMA, b"\x50\x3f\0\0"), doit=False)
        self.assertEqual(replies, [0])
        replies = self.play(
            caller, lambda session: session.ask(wire.IOMA, b"\x50\x21\0\0"), doit=False)
        self.assertEqual(replies, [errno.errorcode[errno.EOPNOTSUPP]])


class Options(Commands):
    """OPTS."""

    BAD = ["fd=3", "rootmode=40000", "user_id=0", "group_id=0", "source=evil", "subtype=evil",
           "unknown", "unknown=1", "default_permissions,fd=3", "max_read=", "max_read=x",
           "max_read=-1", "max_read=99999999999", "max_read", "allow_other=", "allow_other=1",
           "Default_Permissions", "default_permissions=1", "\\,default_permissions",
           "default_permissions\\", "blksize=512", "user=root", "uid=0", "x-foo",
           "default_permissions default_permissions", "\"default_permissions",
           "default_permissions\nfd=3", "bind", "remount", "move", "shared", "rbind"]

    @callers()
    @parametrized(options=BAD)
    def test_an_option_that_is_not_on_the_list_is_refused(self, caller, options):
        # What depends on two commands is judged at DOIT, so only that there is no mount is sure.
        replies = self.play(
            caller, lambda session: session.name(),
            lambda session: session.mount_point(session.target),
            lambda session: session.options(options))
        self.assertIn(replies[2], ["EINVAL", "EPERM"] + ([0] if "blksize" in options else []))
        self.assertIn(replies[3], ["EINVAL", "EPERM"])

    def test_allow_other_needs_the_administrators_word(self):
        self.refused(ALICE, errno.EPERM, lambda session: session.options("allow_other"))

    def test_a_fuse_conf_that_others_may_write_permits_nothing(self):
        self.fuse_conf("user_allow_other\n", mode=0o666)
        self.refused(ALICE, errno.EPERM, lambda session: session.options("allow_other"))

    def test_a_fuse_conf_that_is_not_roots_permits_nothing(self):
        self.fuse_conf("user_allow_other\n", owner=ALICE.uid)
        self.refused(ALICE, errno.EPERM, lambda session: session.options("allow_other"))

    @parametrized(options=["context=system_u", "context=\"a,b\"", "fscontext=x", "rootcontext=x",
                           "context=\"open"])
    def test_a_security_context_is_not_for_users(self, options):
        replies = self.play(
            ALICE, lambda session: session.name(),
            lambda session: session.mount_point(session.target),
            lambda session: session.options(options))
        self.assertNotEqual(replies[2], 0)
        self.assertEqual(replies[3], "EINVAL")

    @parametrized(options=["context=\"open", "fscontext=\"a,b", "context=a\"b"])
    def test_a_security_context_with_an_open_quote_is_einval_for_root(self, options):
        self.refused(ROOT, errno.EINVAL, lambda session: session.options(options))

    @callers()
    @parametrized(options=["suid", "dev", "suid,dev,exec"])
    def test_words_of_the_server_lift_no_flag(self, caller, options):
        target = self.target(caller)

        def script(session):
            session.begin()
            session.prepare(target)
            refused = session.options(options)
            mounted = session.mount(0)
            session.goodbye(1 if mounted else 0)
            if mounted == 0:
                session.serve()
            return refused, mounted
        with self.service(script) as service:
            self.helper(self.words("demo", target), caller)
            service.result()
            mount = mount_at(target)
            if mount is not None:
                self.assertTrue({"nosuid", "nodev"} <= mount.attributes, mount)
                self.unmount(target)

    @callers()
    @parametrized(word=["ro", "noexec", "noatime", "nosymfollow"], engine=ENGINES)
    def test_a_generic_flag_in_words_holds(self, caller, word, engine):
        _, target, mount = self.mount(caller, superblock=word, failing=engine)
        self.assertIn(word, mount.attributes)
        self.unmount(target)

    @callers()
    def test_60000_bytes_are_refused(self, caller):
        self.refused(caller, errno.EINVAL, lambda session: session.options("x" * 60000))


class Sources(Commands):
    """NAME."""

    @callers()
    @parametrized(name=[
        ("newline", b"a\nb"), ("tab", b"a\tb"), ("escape", b"\x1b[31m"), ("delete", b"a\x7f"),
        ("slash", b"/etc/passwd"), ("root", b"/"), ("double", b"//dev/fuse"),
        ("bell", b"\x07"), ("latin1", b"caf\xe9"), ("c1", b"a\xc2\x9b31m"),
        ("bidi", "a\u202eb".encode()), ("line", "a\u2028b".encode()), ("4096", b"a" * 4096), ("60000", b"a" * 60000)])
    def test_a_name_that_could_mislead_is_einval(self, caller, name):
        replies = self.play(
            caller, lambda session: session.mount_point(session.target),
            lambda session: session.name(name))
        self.assertEqual(replies, [0, "EINVAL", "EINVAL"])

    @callers()
    def test_no_name_is_einval(self, caller):
        replies = self.play(
            caller, lambda session: session.mount_point(session.target),
            lambda session: session.name(b""))
        self.assertEqual(replies, [0, "EINVAL", "EINVAL"])

    @callers()
    @parametrized(name=[("plain", "photos"), ("space", "my photos"), ("comma", "a,b"),
                        ("dash", "-o"), ("utf8", "café".encode()), ("hash", "#x"),
                        ("backslash", "a\\b"), ("colon", "host:/path"), ("device", "/dev/fuse")])
    @parametrized(engine=ENGINES)
    def test_other_names_are_shown_as_they_are(self, caller, name, engine):
        _, target, mount = self.mount(caller, name=name, failing=engine)
        self.assertEqual(os.fsencode(mount.source), os.fsencode(name))
        self.unmount(target)

    @callers()
    def test_the_callers_own_path_may_be_the_name(self, caller):
        image = self.file(caller)
        _, target, mount = self.mount(caller, source=image, name=image)
        self.assertEqual(mount.source, image)
        self.unmount(target)

    @callers()
    def test_another_path_may_not(self, caller):
        image = self.file(caller)
        self.assertEqual(self.play(caller, lambda session: session.name(image + "x"),
                                   doit=False, source=image), ["EINVAL"])


class MountPoints(Commands):
    """MNTP."""

    @callers()
    def test_a_path_that_is_not_the_mount_point_operand_is_einval(self, caller):
        directory = self.directory(caller)
        image = self.file(caller, directory=directory)
        other = os.path.join(directory, "other")
        os.mkdir(other)
        os.chown(other, caller.uid, caller.gid)
        for path in (image, other, "/", "/etc", directory, "", "demo"):
            with self.subTest(path=path):
                replies = self.play(caller, lambda session: session.name(),
                                    lambda session, path=path: session.mount_point(path),
                                    source=image, more=[other])
                self.assertEqual(replies, [0, "EINVAL", "EINVAL"])

    @callers()
    def test_another_spelling_of_it_is_einval(self, caller):
        for ending in ("/", "/.", "x"):
            replies = self.play(
                caller, lambda session, end=ending: session.mount_point(session.target + end),
                doit=False)
            self.assertEqual(replies, ["EINVAL"], ending)

    @callers()
    @parametrized(case=[("directory", (True, stat.S_IFREG, "EISDIR")),
                        ("file", (False, stat.S_IFDIR, "ENOTDIR"))])
    def test_a_wrong_format_is_told(self, caller, case):
        directory, expected, error = case
        target = self.target(caller) if directory else self.file(caller)
        replies = self.play(
            caller, lambda session: session.mount_point(session.target, expected), doit=False,
            target=target)
        self.assertEqual(replies, [error])

    @callers()
    @parametrized(expected=[stat.S_IFBLK, stat.S_IFIFO, 1, 0xFFFF])
    def test_an_unknown_format_is_refused(self, caller, expected):
        replies = self.play(
            caller, lambda session: session.mount_point(session.target, expected), doit=False)
        self.assertNotEqual(replies, [0])

    @callers()
    def test_padding_that_is_not_zero_is_einval(self, caller):
        replies = self.play(
            caller, lambda session: session.mount_point(session.target, 0, 1), doit=False)
        self.assertEqual(replies, ["EINVAL"])


class Table(Commands):
    """MTAB."""

    @callers()
    @parametrized(words=[("newline", "x-foo\nSRC=/dev/sda"), ("60000", "x-" + "a" * 60000)])
    def test_words_that_would_break_the_table_never_reach_it(self, caller, words):
        target = self.target(caller)

        def script(session):
            session.begin()
            session.prepare(target)
            session.table_options(words)
            mounted = session.mount()
            session.goodbye(1 if mounted else 0)
            if mounted == 0:
                session.serve()
        with self.service(script) as service:
            self.helper(self.words("demo", target), caller)
            service.result()
            try:
                with open("/run/mount/utab", "rb") as table:
                    lines = table.read().splitlines()
            except FileNotFoundError:
                lines = []
            if mount_at(target) is not None:
                self.unmount(target)
        self.assertFalse([line for line in lines if line.startswith(b"SRC=/dev/sda")], lines)
        self.assertFalse([line for line in lines if b"SRC=/dev/sda" in line], lines)


MALFORMED = [
    (name + "_" + what, packet)
    for name, prefix, tail in [
        ("NAME", b"NAME", b"demo"), ("OPTS", b"OPTS", b"default_permissions"),
        ("MTAB", b"MTAB", b"x-foo"), ("MNTP", b"MNTP\0\0\0\0", b"/x")]
    for what, packet in [
        ("no_nul", prefix + tail), ("two_nuls", prefix + tail + b"\0\0"),
        ("inner_nul", prefix + tail + b"\0" + tail + b"\0"), ("bare", prefix)]
] + [
    ("TYPE_short", b"TYPE\0\0\0"), ("TYPE_long", b"TYPE" + bytes(5)), ("TYPE_bare", b"TYPE"),
    ("DOIT_short", b"DOIT\0\0\0"), ("DOIT_long", b"DOIT" + bytes(5)), ("DOIT_bare", b"DOIT"),
    ("MNTP_short", b"MNTP\0\0\0"), ("IOMA_mode", b"IOMA\0\0\0\0"), ("IOMA_short", b"IOMA\x50"),
    ("longest", b"NAME" + b"a" * 65531 + b"\0"),
]

FILE_REQUESTS = [
    (name.decode() + "_" + what, name + packet)
    for name in (b"OPEN", b"BDEV")
    for what, packet in [
        ("bare", b""), ("short", bytes(15)), ("no_path", bytes(16)), ("empty_path", bytes(17)),
        ("no_nul", bytes(16) + b"/etc/passwd"), ("two_nuls", bytes(16) + b"/etc/passwd\0\0"),
        ("inner_nul", bytes(16) + b"/etc/passwd\0x\0")]
]

ENDING = [("unknown", b"XXXX" + bytes(4)), ("hello", b"SAFT" + bytes(8)),
          ("reply", b"REPL" + bytes(4)), ("file", b"FILE" + bytes(6)), ("zeros", bytes(8)),
          ("one_byte", b"N"), ("two_bytes", b"NA"), ("three_bytes", b"NAM"), ("lower_case", b"name" + b"x\0"),
          ("too_long", b"NAME" + b"a" * 65532 + b"\0"), ("far_too_long", b"NAME" + bytes(100000))]


class Packets(Commands):
    """Packets that are none."""

    @callers()
    @parametrized(packet=MALFORMED)
    def test_a_malformed_setting_is_einval_and_the_session_goes_on(self, caller, packet):
        def script(session):
            session.begin()
            session.send(packet)
            reply = session.simple_reply()
            later = session.mount()
            session.goodbye(1)
            return reply, later
        outcome, replies = self.converse(script, caller)
        self.assertEqual(replies, (errno.EINVAL, errno.EINVAL))
        self.assert_refused(outcome)

    @callers()
    @parametrized(packet=FILE_REQUESTS)
    def test_a_malformed_file_request_is_answered_with_a_question_mark(self, caller, packet):
        image = self.file(caller)

        def script(session):
            session.begin()
            session.send(packet)
            error, _ = session.file_reply(b"?")
            later, _ = session.open(image)
            session.goodbye(1)
            return error, later
        outcome, replies = self.converse(script, caller, source=image)
        self.assertEqual(replies, (errno.EINVAL, 0))
        self.assert_refused(outcome)

    @callers()
    @parametrized(packet=ENDING)
    def test_a_packet_that_is_no_command_ends_the_session(self, caller, packet):
        def script(session):
            session.begin()
            session.prepare(session.target)
            session.send(packet)
            replies = session.wait_for_end()
            return replies
        outcome, replies = self.converse(script, caller)
        self.assertEqual(replies, [])
        self.assert_refused(outcome)
        self.assertLess(outcome.seconds, GRACE)

    @callers()
    def test_an_empty_packet_ends_the_session(self, caller):
        def script(session):
            session.begin()
            session.connection.send(b"")
            return session.wait_for_end()
        outcome, _ = self.converse(script, caller)
        self.assert_refused(outcome)

    @callers()
    @parametrized(count=[1, 250], kernel=KERNELS)
    def test_descriptors_that_nobody_asked_for_do_no_harm(self, caller, count, kernel):
        target = self.target(caller)
        image = self.file(caller)
        path = os.fsencode(image) + b"\0"
        refused = []

        def send(session, packet):
            descriptors = [os.open("/dev/zero", os.O_RDONLY) for _ in range(count)]
            try:
                session.send(packet, descriptors)
            except OSError as error:
                if error.errno != errno.EPERM:  # the helper has switched SO_PASSRIGHTS off
                    raise
                refused.append(packet)
                session.send(packet)
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)

        def script(session):
            session.receive()
            send(session, b"LAST\0\1\0\0")
            session.receive_files()
            replies = []
            for magic in (b"OPEN", b"BDEV"):
                send(session, magic + bytes(16) + path)
                replies.append(session.file_reply(path[:-1])[0])
            for packet in (b"IOMA\x50\x3f\0\0", b"TYPE" + bytes(4), b"NAMEdemo\0",
                           b"OPTSdefault_permissions\0", b"MTAB-n\0",
                           b"MNTP\0\0\0\0" + os.fsencode(target) + b"\0", b"DOIT\0\0\0\6"):
                send(session, packet)
                replies.append(session.simple_reply())
            send(session, b"BYEE\0\0\0\0")
            session.serve(owner=caller.uid)
            return replies
        with self.service(script) as service:
            outcome = self.helper(self.words(image, target), caller, failing=kernel)
            self.assertEqual(service.result(), [0, errno.ENOTBLK] + [0] * 7)
            self.assertEqual(outcome.status, 0, outcome.err)
            self.unmount(target, caller)
        if kernel:
            self.assertEqual(refused, [])

    @parametrized(kernel=KERNELS)
    def test_descriptors_with_last_words_do_no_harm(self, kernel):
        def script(session):
            session.begin()
            with open("/dev/zero", "rb") as zero:
                for packet in (b"SAYSbye\0", b"BYEE\0\0\0\1"):
                    try:
                        session.send(packet, [zero.fileno()])
                    except OSError:
                        session.send(packet)
        outcome, _ = self.converse(script, ALICE, failing=kernel)
        self.assert_refused(outcome)
        self.assertIn("bye", outcome.err)

    @parametrized(kernel=KERNELS)
    def test_the_helper_holds_no_descriptor_that_a_server_pushed(self, kernel):
        reached = []

        def script(session):
            session.begin()
            left, right = socket.socketpair()
            try:
                session.send(b"NAMEdemo\0", [right.fileno()])
            except OSError:
                session.send(b"NAMEdemo\0")
            right.close()
            session.simple_reply()
            left.settimeout(2)
            # End of file tells that no copy of the other end is open any more.
            reached.append(left.recv(1))
            left.close()
            session.goodbye(1)
        outcome, _ = self.converse(script, ALICE, failing=kernel)
        self.assertEqual(reached, [b""])
        self.assert_refused(outcome)

    def test_every_prefix_of_a_session_leaves_nothing(self):
        target = self.target(ROOT)
        packets = [b"NAMEdemo\0", b"OPTSdefault_permissions\0",
                   b"MNTP\0\0\0\0" + os.fsencode(target) + b"\0", b"DOIT\0\0\0\6"]
        for count in range(len(packets) + 1):
            def script(session, count=count):
                session.begin()
                for packet in packets[:count]:
                    session.send(packet)
                    assert session.simple_reply() == 0
                session.close()
            with self.subTest(count=count):
                outcome, _ = self.converse(script, ROOT, target=target)
                self.assert_refused(outcome)
