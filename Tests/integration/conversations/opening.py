# SPDX-License-Identifier: LGPL-2.1-or-later
"""Before the first request: the socket, the hellos, the command line."""

from support import ALICE
from .furnish import conf
from .rows import Differs, Row, by, family
from .steps import BEGIN, bye, hello, layout, raw, spell

OPENING = [
    Row("hello", (*BEGIN, spell(), bye(1)),
        ours=by(
            root="hello allow_other+fuseblk, argv demo {image} {target}; exit 1",
            user="hello nothing, argv demo {image} {target}; exit 1")),
    Row("hello_user_allow_other", (*BEGIN, spell(), bye(1)), callers=(ALICE,),
        furnish=(conf("user_allow_other\n"),),
        ours="hello allow_other, argv demo {image} {target}; exit 1"),
    Row("hello_user_allow_other_where_others_may_write", (*BEGIN, spell(), bye(1)),
        callers=(ALICE,), furnish=(conf("user_allow_other\n", 0o666),),
        ours="hello nothing, argv demo {image} {target}; exit 1",
        peer=Differs(("fuse-conf",), "hello allow_other, argv demo {image} {target}; exit 1")),
    Row("hello_user_allow_other_of_a_users_file", (*BEGIN, spell(), bye(1)),
        callers=(ALICE,), furnish=(conf("user_allow_other\n", owner=ALICE.uid),),
        ours="hello nothing, argv demo {image} {target}; exit 1",
        peer=Differs(("fuse-conf",), "hello allow_other, argv demo {image} {target}; exit 1")),
    *family("hello_answered", {
        "version_0": b"LAST\0\0\0\0", "version_2": b"LAST\0\2\0\0", "version_65535":
        b"LAST\xff\xff\0\0", "padding": b"LAST\0\1\0\1", "short": b"LAST\0\1\0",
        "long": b"LAST\0\1\0\0\0", "magic": b"TSAL\0\1\0\0", "one_byte": b"L", "empty": b"",
        "huge": b"LAST" + bytes(60000)}, lambda reply: [hello(reply)],
        ours="exit 1"),
    Row("hello_with_a_descriptor", (
        hello(None), raw(b"LAST\0\1\0\0", "argv", b"argv", descriptors=1), bye(1)),
        ours="argv ok file rw; more ok for fusedev character device 10:229 rw; exit 1"),
    Row("argv_layout", (*BEGIN, layout(), bye(1)),
        ours="argv without a gap; exit 1",
        peer=Differs(("argv-layout",), "argv with a gap; exit 1")),
    Row("device_by_environment", (*BEGIN, bye(1)),
        environment={"FUSE_KERN_DEVICE": "/dev/null"},
        ours="exit 1",
        peer=Differs(("environment",), "files ok file rw, ok character device 1:3 rw; exit 1")),
]

SERVICES = [
    Row("service_missing", (), service="missing",
        ours="exit 2"),
    Row("service_refuses", (), service="refusing",
        ours="exit 1",
        peer=Differs(("exit-status-2",), "exit 2")),
    Row("service_private", (*BEGIN, bye(1)), service="private",
        ours="exit 1"),
    Row("service_is_a_file", (), service="file",
        ours="exit 1",
        peer=Differs(("exit-status-2",), "exit 2")),
    Row("service_is_a_stream", (), service="stream",
        ours="exit 1"),
    Row("service_full", (), service="full", callers=(ALICE,), hangs=True,
        ours="exit 1",
        peer=Differs(("bounded-waits",), "hangs")),
    Row("service_of_another_type", (), service="missing",
        words=("{image}", "{target}", "-t", "fuse.other"),
        ours="exit 2"),
    *family("check", {kind: kind for kind in (
        "listening", "missing", "private", "file", "refusing", "stream")}, lambda kind: (),
        service=lambda kind: kind, words=("-t", "fuse.demo", "--check"), tells=True,
        ours={
            "listening": "exit 0; said nothing",
            "missing": "exit 1; said nothing",
            "private": by(root="exit 0; said nothing", user="exit 1; said nothing"),
            "file": "exit 1; said nothing",
            "refusing": "exit 0; said nothing",
            "stream": "exit 0; said nothing"}),
    *family("check_words", {
        "first": ("--check", "-t", "demo"), "fuseblk": ("-t", "fuseblk.demo", "--check"),
        "no_type": ("--check",), "twice": ("-t", "demo", "--check", "--check"),
        "two_types": ("-t", "demo", "-t", "demo", "--check"),
        "slash": ("-t", "../demo", "--check"), "no_value": ("--check", "-t"),
        "operands": ("{image}", "{target}", "-t", "demo", "--check"),
        "long": ("-t", "t" * 200, "--check")}, lambda words: (*BEGIN, spell(), bye(1)),
        words=lambda words: words, tells=True,
        ours={
            "first": "exit 0; said nothing",
            "fuseblk": "exit 0; said nothing",
            "no_type": "exit 1; said something",
            "twice": "exit 1; said something",
            "two_types": "exit 1; said something",
            "slash": "exit 1; said nothing",
            "no_value": "exit 1; said something",
            "operands": "exit 1; said something",
            "long": "exit 1; said nothing"},
        peer=Differs(("command-line",), {
            "twice": by(
                root=(
                    "hello allow_other+fuseblk, argv demo --check --check; exit 1; "
                    "said something"),
                user="hello nothing, argv demo --check --check; exit 1; said something"),
            "two_types": by(
                root="hello allow_other+fuseblk, argv demo --check; exit 1; said something",
                user="hello nothing, argv demo --check; exit 1; said something"),
            "slash": "exit 1; said something",
            "operands": by(
                root=(
                    "hello allow_other+fuseblk, argv demo {image} {target} --check; exit 1; "
                    "said something"),
                user=(
                    "hello nothing, argv demo {image} {target} --check; exit 1; "
                    "said something"))})),
]
