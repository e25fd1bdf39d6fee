# SPDX-License-Identifier: LGPL-2.1-or-later
"""Command lines."""

from .rows import Differs, Row, by, family
from .steps import BEGIN, MOUNT, READY, bye, context, doit, end, mtab, spell

CALLING = [
    *family("call", {
        "type_before": ("-t", "demo", "{image}", "{target}"),
        "type_between": ("{image}", "-t", "fuse.demo", "{target}"),
        "type_fuseblk": ("{image}", "{target}", "-t", "fuseblk.demo"),
        "options": ("{image}", "{target}", "-t", "demo", "-o", "ro,key=value", "-oallow", "-d"),
        "letters": ("{image}", "{target}", "-t", "demo", "-f", "-n", "-s", "-v", "-r"),
        "long_options": ("{image}", "{target}", "-t", "demo", "--unknown", "--unknown=1"),
        "one_operand": ("{target}", "-t", "demo"),
        "empty_source": ("", "{target}", "-t", "demo"),
        "empty_word": ("{image}", "{target}", "-t", "demo", ""),
        "double_dash": ("-t", "demo", "--", "{image}", "{target}"),
        "timeout": ("{image}", "{target}", "-t", "demo", "--timeout", "5"),
        "timeout_option": ("{image}", "{target}", "-t", "demo", "-o", "ro,fuse-service.timeout=5"),
        "verbose": ("{image}", "{target}", "-t", "demo", "--verbose"),
        "t_twice": ("{image}", "{target}", "-t", "demo", "-t", "other"),
        "t_last": ("{image}", "{target}", "-t", "demo", "-t"),
        "o_last": ("{image}", "{target}", "-t", "demo", "-o"),
        "timeout_text": ("{image}", "{target}", "-t", "demo", "--timeout", "x"),
        "list": ("{image}", "{target}", "-t", "demo", "--list"),
        "help_behind": ("{image}", "{target}", "-t", "demo", "--help"),
        "no_operand": ("-t", "demo"),
        "three_operands": ("{image}", "{target}", "{other}", "-t", "demo"),
        "no_type": ("{image}", "{target}", "-o", "ro"),
        "t_without_value": ("{image}", "{target}", "-t"),
        "user_options": ("{image}", "{target}", "-t", "demo", "-o",
                         "user,_netdev,nofail,noauto,x-foo"),
        "quote_open": ("{image}", "{target}", "-t", "demo", "-o", 'key="a,ro'),
        "x_option_control": ("{image}", "{target}", "-t", "demo", "-o", "x-a\nb"),
    }, lambda words: (*BEGIN, spell(), bye(1)), words=lambda words: words,
        ours={
            "type_before": by(
                root="hello allow_other+fuseblk, argv demo {image} {target}; exit 1",
                user="hello nothing, argv demo {image} {target}; exit 1"),
            "type_between": by(
                root="hello allow_other+fuseblk, argv demo {image} {target}; exit 1",
                user="hello nothing, argv demo {image} {target}; exit 1"),
            "type_fuseblk": by(
                root="hello allow_other+fuseblk, argv demo {image} {target}; exit 1",
                user="hello nothing, argv demo {image} {target}; exit 1"),
            "options": by(
                root=(
                    "hello allow_other+fuseblk, argv demo {image} {target} -o ro,key=value "
                    "-oallow -d; exit 1"),
                user=(
                    "hello nothing, argv demo {image} {target} -o ro,key=value -oallow -d; "
                    "exit 1")),
            "letters": by(
                root=(
                    "hello allow_other+fuseblk, argv demo {image} {target} -f -n -s -v -r; "
                    "exit 1"),
                user="hello nothing, argv demo {image} {target} -f -n -s -v -r; exit 1"),
            "long_options": by(
                root=(
                    "hello allow_other+fuseblk, argv demo {image} {target} --unknown "
                    "--unknown=1; exit 1"),
                user="hello nothing, argv demo {image} {target} --unknown --unknown=1; exit 1"),
            "one_operand": by(
                root="hello allow_other+fuseblk, argv demo {target}; exit 1",
                user="hello nothing, argv demo {target}; exit 1"),
            "empty_source": by(
                root="hello allow_other+fuseblk, argv demo {target}; exit 1",
                user="hello nothing, argv demo {target}; exit 1"),
            "empty_word": by(
                root="hello allow_other+fuseblk, argv demo {image} {target} ''; exit 1",
                user="hello nothing, argv demo {image} {target} ''; exit 1"),
            "double_dash": by(
                root="hello allow_other+fuseblk, argv demo -- {image} {target}; exit 1",
                user="hello nothing, argv demo -- {image} {target}; exit 1"),
            "timeout": by(
                root="hello allow_other+fuseblk, argv demo {image} {target}; exit 1",
                user="hello nothing, argv demo {image} {target}; exit 1"),
            "timeout_option": by(
                root="hello allow_other+fuseblk, argv demo {image} {target} -o ro; exit 1",
                user="hello nothing, argv demo {image} {target} -o ro; exit 1"),
            "verbose": by(
                root="hello allow_other+fuseblk, argv demo {image} {target}; exit 1",
                user="hello nothing, argv demo {image} {target}; exit 1"),
            "t_twice": "exit 1",
            "t_last": "exit 1",
            "o_last": "exit 1",
            "timeout_text": "exit 1",
            "list": "exit 1",
            "help_behind": "exit 1",
            "no_operand": "exit 1",
            "three_operands": by(
                root="hello allow_other+fuseblk, argv demo {image} {target} {other}; exit 1",
                user="hello nothing, argv demo {image} {target} {other}; exit 1"),
            "no_type": "exit 1",
            "t_without_value": "exit 1",
            "user_options": by(
                root=(
                    "hello allow_other+fuseblk, argv demo {image} {target} -o "
                    "user,_netdev,nofail,noauto,x-foo; exit 1"),
                user=(
                    "hello nothing, argv demo {image} {target} -o "
                    "user,_netdev,nofail,noauto,x-foo; exit 1")),
            "quote_open": by(
                root=(
                    "hello allow_other+fuseblk, argv demo {image} {target} -o key=\"a,ro; exit 1"),
                user="hello nothing, argv demo {image} {target} -o key=\"a,ro; exit 1"),
            "x_option_control": "exit 1"},
        peer=Differs(("command-line",), {
            "empty_source": by(
                root="hello allow_other+fuseblk, argv demo '' {target}; exit 1",
                user="hello nothing, argv demo '' {target}; exit 1"),
            "timeout": by(
                root="hello allow_other+fuseblk, argv demo {image} {target} --timeout 5; exit 1",
                user="hello nothing, argv demo {image} {target} --timeout 5; exit 1"),
            "timeout_option": by(
                root=(
                    "hello allow_other+fuseblk, argv demo {image} {target} -o "
                    "ro,fuse-service.timeout=5; exit 1"),
                user=(
                    "hello nothing, argv demo {image} {target} -o ro,fuse-service.timeout=5; "
                    "exit 1")),
            "verbose": by(
                root="hello allow_other+fuseblk, argv demo {image} {target} --verbose; exit 1",
                user="hello nothing, argv demo {image} {target} --verbose; exit 1"),
            "t_twice": by(
                root="hello allow_other+fuseblk, argv demo {image} {target}; exit 1",
                user="hello nothing, argv demo {image} {target}; exit 1"),
            "t_last": by(
                root="hello allow_other+fuseblk, argv demo {image} {target} -t; exit 1",
                user="hello nothing, argv demo {image} {target} -t; exit 1"),
            "o_last": by(
                root="hello allow_other+fuseblk, argv demo {image} {target} -o; exit 1",
                user="hello nothing, argv demo {image} {target} -o; exit 1"),
            "timeout_text": by(
                root="hello allow_other+fuseblk, argv demo {image} {target} --timeout x; exit 1",
                user="hello nothing, argv demo {image} {target} --timeout x; exit 1"),
            "list": by(
                root="hello allow_other+fuseblk, argv demo {image} {target} --list; exit 1",
                user="hello nothing, argv demo {image} {target} --list; exit 1"),
            "help_behind": by(
                root="hello allow_other+fuseblk, argv demo {image} {target} --help; exit 1",
                user="hello nothing, argv demo {image} {target} --help; exit 1"),
            "no_operand": by(
                root="hello allow_other+fuseblk, argv demo; exit 1",
                user="hello nothing, argv demo; exit 1"),
            "x_option_control": by(
                root="hello allow_other+fuseblk, argv demo {image} {target} -o x-a<0a>b; exit 1",
                user="hello nothing, argv demo {image} {target} -o x-a<0a>b; exit 1")})),
    *family("call_type", {
        "empty": "",
        "bare_fuse": "fuse.",
        "dot_dot": "..",
        "slash": "fuse.a/b",
        "long": "t" * 200,
        "control": "a\x1bb",
    }, lambda of: (), words=lambda of: ("{image}", "{target}", "-t", of),
        ours="exit 1",
        peer=Differs(("exit-status-2",), {
            "empty": by(root="exit 2"),
            "bare_fuse": by(root="exit 2"),
            "dot_dot": by(root="exit 2"),
            "control": "exit 2"})),
    Row("call_nothing", (), words=(), tells=True,
        ours="exit 1; said something"),
    Row("call_help", (), words=("--help",), tells=True,
        ours="exit 0; said something",
        peer=Differs(("command-line",), "exit 1; said something")),
    Row("call_version", (), words=("--version",), tells=True,
        ours="exit 0; said something",
        peer=Differs(("command-line",), "exit 1; said something")),
    # The way of libfuse's mount.fuse3, and mount(8)'s.
    Row("mount_fuse3", (*BEGIN, context(), *READY, doit(0), end()),
        program="mount.fuse.demo", options="rw,dev,suid",
        ours=by(
            root=(
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,relatime rw"),
            user="TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted")),
    Row("mount8", (*BEGIN, spell(), *MOUNT, end()), program="/sbin/mount.fuse.demo",
        words=("{image}", "{target}"), options="rw",
        ours=by(
            root=(
                "hello allow_other+fuseblk, argv demo {image} {target} -o rw; NAME ok; MNTP ok; "
                "DOIT ok; exit 0; mounted"),
            user=(
                "hello nothing, argv demo {image} {target} -o rw; NAME ok; MNTP ok; DOIT ok; "
                "exit 0; mounted")),
        peer=Differs(("mount8-form",), "exit 1")),
    Row("mount8_options", (*BEGIN, spell(), *MOUNT, end()),
        program="/sbin/mount.fuse.demo", words=("{image}", "{target}"),
        options="rw,noexec,nosuid,nodev,user,_netdev,nofail,key=value",
        ours=by(
            root=(
                "hello allow_other+fuseblk, argv demo {image} {target} -o "
                "rw,noexec,nosuid,nodev,key=value; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,nodev,noexec,nosuid,relatime rw"),
            user=(
                "hello nothing, argv demo {image} {target} -o rw,noexec,nosuid,nodev,key=value; "
                "NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,nodev,noexec,nosuid,relatime rw")),
        peer=Differs(("mount8-form",), "exit 1")),
    Row("mount8_with_t", (*BEGIN, spell(), *MOUNT, end()), program="/sbin/mount.fuse",
        words=("{image}", "{target}"), options="rw", more=("-t", "fuse.demo"),
        ours=by(
            root=(
                "hello allow_other+fuseblk, argv demo {image} {target} -o rw; NAME ok; MNTP ok; "
                "DOIT ok; exit 0; mounted"),
            user=(
                "hello nothing, argv demo {image} {target} -o rw; NAME ok; MNTP ok; DOIT ok; "
                "exit 0; mounted"))),
    Row("mount8_fake", (*BEGIN, spell(), bye(1)), program="/sbin/mount.fuse.demo",
        words=("{image}", "{target}", "-f"), options="rw",
        ours="exit 0",
        peer=Differs(("mount8-form",), "exit 1")),
    Row("mount8_sloppy", (*BEGIN, spell(), *MOUNT, end()), program="/sbin/mount.fuse.demo",
        words=("{image}", "{target}", "-s"), options="rw", more=("-t", "demo"),
        ours=by(
            root=(
                "hello allow_other+fuseblk, argv demo {image} {target} -o rw; NAME ok; MNTP ok; "
                "DOIT ok; exit 0; mounted"),
            user=(
                "hello nothing, argv demo {image} {target} -o rw; NAME ok; MNTP ok; DOIT ok; "
                "exit 0; mounted")),
        peer=Differs(("mount8-form",), by(
            root=(
                "hello allow_other+fuseblk, argv demo {image} {target} -s -o rw; NAME ok; "
                "MNTP ok; DOIT ok; exit 0; mounted"),
            user=(
                "hello nothing, argv demo {image} {target} -s -o rw; NAME ok; MNTP ok; DOIT ok; "
                "exit 0; mounted")))),
    Row("mount8_unrecorded", (*BEGIN, *READY, mtab("x-foo"), doit(), end()),
        program="/sbin/mount.fuse.demo", words=("{image}", "{target}", "-n"), options="rw",
        more=("-t", "demo"),
        ours="NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted"),
    Row("mount8_namespace", (*BEGIN, spell(), bye(1)), program="/sbin/mount.fuse.demo",
        words=("{image}", "{target}", "-N", "/proc/1/ns/mnt"), options="rw", more=("-t", "demo"),
        ours="exit 1",
        peer=Differs(("mount8-form",), by(
            root=(
                "hello allow_other+fuseblk, argv demo {image} {target} -N /proc/1/ns/mnt -o rw; "
                "exit 1"),
            user="hello nothing, argv demo {image} {target} -N /proc/1/ns/mnt -o rw; exit 1"))),
]
