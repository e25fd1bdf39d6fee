# SPDX-License-Identifier: LGPL-2.1-or-later
"""DOIT, and in which order things come."""

import fuse_service as wire
from support import ALICE
from .furnish import conf, tmpfs
from .rows import Differs, Row, by, family
from .steps import (BEGIN, MOUNT, READY, at_once, bye, context, doit, end, file, look, mntp, mtab,
                    name, opts, raw)

ALL_SETTINGS = {"TYPE": context(), "NAME": name(), "MNTP": mntp(),
                "OPTS": opts("default_permissions"), "MTAB": mtab("-n")}

MOUNTING = [
    *family("order", {
        "of_libfuse": ("TYPE", "NAME", "MNTP", "OPTS", "MTAB"),
        "type_name_opts_mtab_mntp": ("TYPE", "NAME", "OPTS", "MTAB", "MNTP"),
        "type_opts_name_mntp": ("TYPE", "OPTS", "NAME", "MNTP"),
        "mtab_type_mntp_opts_name": ("MTAB", "TYPE", "MNTP", "OPTS", "NAME")},
        lambda order: (*BEGIN, *(ALL_SETTINGS[word] for word in order), doit(), end()),
        ours={
            "of_libfuse": (
                "TYPE ok; NAME ok; MNTP ok; OPTS ok; MTAB ok; DOIT ok; exit 0; mounted "
                "fuse.demo demo rw,nodev,nosuid,relatime rw,default_permissions"),
            "type_name_opts_mtab_mntp": (
                "TYPE ok; NAME ok; OPTS ok; MTAB ok; MNTP ok; DOIT ok; exit 0; mounted "
                "fuse.demo demo rw,nodev,nosuid,relatime rw,default_permissions"),
            "type_opts_name_mntp": (
                "TYPE ok; OPTS ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted fuse.demo demo "
                "rw,nodev,nosuid,relatime rw,default_permissions"),
            "mtab_type_mntp_opts_name": (
                "MTAB ok; TYPE ok; MNTP ok; OPTS ok; NAME ok; DOIT ok; exit 0; mounted "
                "fuse.demo demo rw,nodev,nosuid,relatime rw,default_permissions")}),
    *family("order", {
        "reverse": ("MTAB", "OPTS", "MNTP", "NAME", "TYPE"),
        "opts_name_mtab_type_mntp": ("OPTS", "NAME", "MTAB", "TYPE", "MNTP"),
        "name_mntp_opts_type": ("NAME", "MNTP", "OPTS", "TYPE")},
        lambda order: (*BEGIN, *(ALL_SETTINGS[word] for word in order), doit(), end()),
        ours={
            "reverse": (
                "MTAB ok; OPTS ok; MNTP ok; NAME ok; TYPE ok; DOIT ok; exit 0; mounted "
                "fuse.demo demo rw,nodev,nosuid,relatime rw,default_permissions"),
            "opts_name_mtab_type_mntp": (
                "OPTS ok; NAME ok; MTAB ok; TYPE ok; MNTP ok; DOIT ok; exit 0; mounted "
                "fuse.demo demo rw,nodev,nosuid,relatime rw,default_permissions"),
            "name_mntp_opts_type": (
                "NAME ok; MNTP ok; OPTS ok; TYPE ok; DOIT ok; exit 0; mounted fuse.demo demo "
                "rw,nodev,nosuid,relatime rw,default_permissions")},
        peer=Differs(("any-order",), {
            "reverse": (
                "MTAB ok; OPTS ok; MNTP ok; NAME ok; TYPE ok; DOIT ok; exit 0; "
                "mounted fuse.demo none rw,nodev,nosuid,relatime rw"),
            "opts_name_mtab_type_mntp": (
                "OPTS ok; NAME ok; MTAB ok; TYPE ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo none rw,nodev,nosuid,relatime rw"),
            "name_mntp_opts_type": (
                "NAME ok; MNTP ok; OPTS ok; TYPE ok; DOIT ok; exit 0; "
                "mounted fuse.demo none rw,nodev,nosuid,relatime rw")})),
    Row("at_once", (*BEGIN, at_once(
        b"TYPE" + bytes(4), b"NAMEdemo\0", b"MNTP" + bytes(4) + b"{target}\0", b"DOIT\0\0\0\6",
        b"BYEE" + bytes(4))),
        ours="more ok; more ok; more ok; more ok; exit 0; mounted"),
    Row("doit_first", (*BEGIN, doit(), *MOUNT, end()),
        ours="DOIT EINVAL; NAME ok; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "DOIT EINVAL; NAME ok; MNTP ok; DOIT ok; exit 0; mounted")),
    Row("doit_without_name", (*BEGIN, mntp(), doit(), end()),
        ours="MNTP ok; DOIT EINVAL; exit 1"),
    Row("doit_without_mntp", (*BEGIN, name(), doit(), end()),
        ours="NAME ok; DOIT EINVAL; exit 1"),
    *family("doit", {"none": 0, "nosuid": wire.MS_NOSUID, "nodev": wire.MS_NODEV},
            lambda flags: (*BEGIN, context(), *READY, doit(flags), end()),
        ours="TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted",
        peer=Differs(("root-gets-nosuid-and-nodev",), {
            "none": by(
                root=(
                    "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                    "mounted fuse.demo demo rw,relatime rw")),
            "nosuid": by(
                root=(
                    "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                    "mounted fuse.demo demo rw,nosuid,relatime rw")),
            "nodev": by(
                root=(
                    "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                    "mounted fuse.demo demo rw,nodev,relatime rw"))})),
    Row("doit_none_without_type", (*BEGIN, *READY, doit(0), end()),
        ours="NAME ok; MNTP ok; DOIT ok; exit 0; mounted",
        peer=Differs(("root-gets-nosuid-and-nodev",), by(
            root="NAME ok; MNTP ok; DOIT ok; exit 0; mounted fuse.demo demo rw,relatime rw"))),
    *family("doit", {
        "ro": wire.MS_RDONLY, "noexec": wire.MS_NOEXEC, "sync": wire.MS_SYNCHRONOUS,
        "dirsync": wire.MS_DIRSYNC, "nosymfollow": wire.MS_NOSYMFOLLOW,
        "noatime": wire.MS_NOATIME, "nodiratime": wire.MS_NODIRATIME,
        "relatime": wire.MS_RELATIME, "strictatime": wire.MS_STRICTATIME},
        lambda bit: (*BEGIN, context(), *READY, doit(6 | bit), end()),
        ours={
            "ro": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo ro,nodev,nosuid,relatime ro"),
            "noexec": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,nodev,noexec,nosuid,relatime rw"),
            "sync": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,nodev,nosuid,relatime rw,sync"),
            "dirsync": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,nodev,nosuid,relatime rw,dirsync"),
            "nosymfollow": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted fuse.demo demo "
                "rw,nodev,nosuid,nosymfollow,relatime rw"),
            "noatime": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,noatime,nodev,nosuid rw"),
            "nodiratime": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted fuse.demo demo "
                "rw,nodev,nodiratime,nosuid,relatime rw"),
            "relatime": "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted",
            "strictatime": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,nodev,nosuid rw")}),
    Row("doit_ro_without_type", (*BEGIN, *READY, doit(wire.MS_RDONLY | 6), end()),
        ours=(
            "NAME ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo demo ro,nodev,nosuid,relatime ro")),
    *family("doit_flag", {
        "bind": wire.MS_BIND, "bind_rec": wire.MS_BIND | wire.MS_REC, "move": wire.MS_MOVE,
        "remount": wire.MS_REMOUNT, "shared": wire.MS_SHARED, "private": wire.MS_PRIVATE,
        "slave": wire.MS_SLAVE, "unbindable": wire.MS_UNBINDABLE},
        lambda bit: (*BEGIN, name("{elsewhere}"), mntp(), doit(6 | bit), end()),
        words=("{elsewhere}", "{target}", "-t", "demo"),
        ours="NAME ok; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("mount-flags",), {
            "bind": "NAME ok; MNTP ok; DOIT ok; exit 0; mounted tmpfs tmpfs rw,relatime",
            "bind_rec": "NAME ok; MNTP ok; DOIT ok; exit 0; mounted tmpfs tmpfs rw,relatime"})),
    Row("doit_flag_move_a_mount", (
        *BEGIN, name("{elsewhere}"), mntp(), doit(6 | wire.MS_MOVE), end()),
        furnish=(tmpfs("elsewhere"),), words=("{elsewhere}", "{target}", "-t", "demo"),
        ours="NAME ok; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("mount-flags",),
            "NAME ok; MNTP ok; DOIT ok; exit 0; changed tmpfs tmpfs rw,noexec,relatime")),
    Row("doit_flag_remount_a_mount", (
        *BEGIN, *READY, doit(6 | wire.MS_REMOUNT | wire.MS_BIND), end()),
        furnish=(tmpfs("target"),),
        ours="NAME ok; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("mount-flags",),
            "NAME ok; MNTP ok; DOIT ok; exit 0; changed tmpfs tmpfs rw,nodev,nosuid,relatime")),
    *family("doit_flag", {"bit_6": 64, "silent": 1 << 15, "posixacl": 1 << 16, "kernmount": 1 << 22,
                          "i_version": 1 << 23, "lazytime": 1 << 25, "active": 1 << 30},
            lambda flags: (*BEGIN, *READY, doit(6 | flags), end()),
        ours="NAME ok; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("mount-flags",), {
            "silent": "NAME ok; MNTP ok; DOIT ok; exit 0; mounted",
            "posixacl": "NAME ok; MNTP ok; DOIT ok; exit 0; mounted",
            "kernmount": "NAME ok; MNTP ok; DOIT ok; exit 0; mounted",
            "i_version": "NAME ok; MNTP ok; DOIT ok; exit 0; mounted",
            "lazytime": (
                "NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,nodev,nosuid,relatime rw,lazytime"),
            "active": "NAME ok; MNTP ok; DOIT ok; exit 0; mounted"})),
    *family("doit_flag_with_type", {"bit_6": 64, "silent": 1 << 15, "bit_31": 1 << 31},
            lambda flags: (*BEGIN, context(), *READY, doit(6 | flags), end()),
        ours="TYPE ok; NAME ok; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("mount-flags",), {
            "silent": "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted"})),
    Row("doit_all_flags", (*BEGIN, *READY, doit(0xffffffff), end()),
        ours="NAME ok; MNTP ok; DOIT EINVAL; exit 1"),
    *family("doit_malformed", {"bare": b"DOIT", "short": b"DOIT\0\0\0", "long": b"DOIT" + bytes(5)},
            lambda packet: (*BEGIN, *READY, raw(packet), doit(), end()),
        ours="NAME ok; MNTP ok; DOIT EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "NAME ok; MNTP ok; DOIT EINVAL; DOIT ok; exit 0; mounted")),
    Row("doit_twice", (*BEGIN, *MOUNT, doit(), bye()),
        ours="NAME ok; MNTP ok; DOIT ok; DOIT EINVAL; exit 1",
        peer=Differs(("after-doit",), "NAME ok; MNTP ok; DOIT ok; DOIT EBUSY; exit 0; mounted")),
    *family("after_doit", {
        "name": name(), "mntp": mntp(), "opts": opts("default_permissions"), "type": context(),
        "mtab": mtab("x-foo")}, lambda step: (*BEGIN, *MOUNT, step, bye()),
        ours={
            "name": "NAME ok; MNTP ok; DOIT ok; NAME EINVAL; exit 1",
            "mntp": "NAME ok; MNTP ok; DOIT ok; MNTP EINVAL; exit 1",
            "opts": "NAME ok; MNTP ok; DOIT ok; OPTS EINVAL; exit 1",
            "type": "NAME ok; MNTP ok; DOIT ok; TYPE EINVAL; exit 1",
            "mtab": "NAME ok; MNTP ok; DOIT ok; MTAB EINVAL; exit 1"},
        peer=Differs(("after-doit",), {
            "name": "NAME ok; MNTP ok; DOIT ok; NAME EINVAL; exit 0; mounted",
            "mntp": "NAME ok; MNTP ok; DOIT ok; MNTP EINVAL; exit 0; mounted",
            "opts": "NAME ok; MNTP ok; DOIT ok; OPTS ok; exit 0; mounted",
            "type": "NAME ok; MNTP ok; DOIT ok; TYPE ok; exit 0; mounted",
            "mtab": "NAME ok; MNTP ok; DOIT ok; MTAB ok; exit 0; mounted"})),
    Row("after_doit_open", (*BEGIN, *MOUNT, file(), bye()),
        ours="NAME ok; MNTP ok; DOIT ok; OPEN EINVAL; exit 1",
        peer=Differs(("after-doit",),
            "NAME ok; MNTP ok; DOIT ok; OPEN ok file r; exit 0; mounted")),
    Row("after_doit_open_not_named", (*BEGIN, *MOUNT, file("{other}"), bye()),
        ours="NAME ok; MNTP ok; DOIT ok; OPEN EINVAL; exit 1",
        peer=Differs(("after-doit",),
            "NAME ok; MNTP ok; DOIT ok; OPEN ok file r; exit 0; mounted")),
    Row("before_the_goodbye", (*BEGIN, *MOUNT, look(), end()),
        ours="NAME ok; MNTP ok; DOIT ok; now nothing mounted; exit 0; mounted",
        peer=Differs(("attach-last",), "NAME ok; MNTP ok; DOIT ok; now mounted; exit 0; mounted")),
    Row("before_the_goodbye_with_type", (*BEGIN, context(), *MOUNT, look(), end()),
        ours="TYPE ok; NAME ok; MNTP ok; DOIT ok; now nothing mounted; exit 0; mounted",
        peer=Differs(("attach-last",),
            "TYPE ok; NAME ok; MNTP ok; DOIT ok; now mounted; exit 0; mounted")),
    Row("with_the_callers_options", (*BEGIN, context(), *READY, doit(0), end()),
        options="ro,noexec,nosymfollow,sync,noatime",
        ours=(
            "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted fuse.demo demo "
            "ro,noatime,nodev,noexec,nosuid,nosymfollow ro,sync"),
        peer=Differs(("callers-flags",), by(
            root=(
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,relatime rw"),
            user="TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted"))),
    Row("with_the_callers_suid_and_dev", (*BEGIN, context(), *READY, doit(0), end()),
        options="rw,dev,suid",
        ours=by(
            root=(
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,relatime rw"),
            user="TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted")),
    Row("mount_max_0", (*BEGIN, *MOUNT, end()), furnish=(conf("mount_max = 0\n"),),
        ours=by(
            root="NAME ok; MNTP ok; DOIT ok; exit 0; mounted",
            user="NAME ok; MNTP ok; DOIT EUSERS; exit 1")),
    Row("mount_max_unlimited", (*BEGIN, *MOUNT, end()),
        furnish=(conf("mount_max = -1\n"),),
        ours="NAME ok; MNTP ok; DOIT ok; exit 0; mounted"),
    Row("mount_max_beyond_int", (*BEGIN, *MOUNT, end()), callers=(ALICE,),
        furnish=(conf("mount_max = 4294967296\n"),),
        ours="NAME ok; MNTP ok; DOIT ok; exit 0; mounted",
        peer=Differs(("fuse-conf",), "NAME ok; MNTP ok; DOIT EUSERS; exit 1")),
    Row("mount_max_without_newline", (*BEGIN, *MOUNT, end()), callers=(ALICE,),
        furnish=(conf("mount_max = 0"),),
        ours="NAME ok; MNTP ok; DOIT ok; exit 0; mounted"),
    Row("unprivileged", (*BEGIN, *MOUNT, end()), callers=(ALICE,), unprivileged=True,
        ours="exit 1",
        peer=Differs(("mount-point-first",), "NAME ok; MNTP ok; DOIT EPERM; exit 1")),
]
