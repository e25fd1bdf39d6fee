# SPDX-License-Identifier: LGPL-2.1-or-later
"""TYPE, NAME, OPTS and MTAB."""

from support import ALICE
from .furnish import conf, file_as_target, utab_with_an_entry
from .rows import Differs, Row, by, family
from .steps import BEGIN, MOUNT, READY, bye, context, doit, end, mntp, mtab, name, opts, raw


def setting(*steps):
    """Settings in the middle of an ordinary server's, and its end."""
    return (*BEGIN, *READY, *steps, doit(), end())


CONTEXT = [
    Row("type", (*BEGIN, context(), *MOUNT, end()),
        ours="TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted"),
    Row("type_left_out", (*BEGIN, *MOUNT, end()),
        ours="NAME ok; MNTP ok; DOIT ok; exit 0; mounted"),
    Row("type_fuseblk", (*BEGIN, context(1), *MOUNT, end()), callers=(ALICE,),
        ours="TYPE EPERM; NAME ok; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "TYPE EPERM; NAME ok; MNTP ok; DOIT ok; exit 0; mounted")),
    Row("type_after_the_source", (*BEGIN, name(), context(), mntp(), doit(), end()),
        ours="NAME ok; TYPE ok; MNTP ok; DOIT ok; exit 0; mounted",
        peer=Differs(("any-order",),
            "NAME ok; TYPE ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo none rw,nodev,nosuid,relatime rw")),
    Row("type_after_the_options", (
        *BEGIN, opts("default_permissions"), name(), context(), mntp(), doit(), end()),
        ours=(
            "OPTS ok; NAME ok; TYPE ok; MNTP ok; DOIT ok; exit 0; mounted fuse.demo demo "
            "rw,nodev,nosuid,relatime rw,default_permissions"),
        peer=Differs(("any-order",),
            "OPTS ok; NAME ok; TYPE ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo none rw,nodev,nosuid,relatime rw")),
    Row("type_last", (*BEGIN, *READY, context(), doit(), end()),
        ours="NAME ok; MNTP ok; TYPE ok; DOIT ok; exit 0; mounted",
        peer=Differs(("any-order",),
            "NAME ok; MNTP ok; TYPE ok; DOIT ok; exit 0; "
            "mounted fuse.demo none rw,nodev,nosuid,relatime rw")),
    *family("type_unknown", {"bit_1": 2, "bits": 3, "bit_31": 1 << 31},
            lambda flags: (*BEGIN, context(flags), *MOUNT, end()),
        ours="TYPE EINVAL; NAME ok; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "TYPE EINVAL; NAME ok; MNTP ok; DOIT ok; exit 0; mounted")),
    *family("type_malformed", {"bare": b"TYPE", "short": b"TYPE\0\0\0", "long": b"TYPE" + bytes(5)},
            lambda packet: (*BEGIN, raw(packet), *MOUNT, end()),
        ours="TYPE EINVAL; NAME ok; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "TYPE EINVAL; NAME ok; MNTP ok; DOIT ok; exit 0; mounted")),
    Row("type_twice", (*BEGIN, context(), context(), *MOUNT, end()),
        ours="TYPE ok; TYPE EINVAL; NAME ok; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "TYPE ok; TYPE EINVAL; NAME ok; MNTP ok; DOIT ok; exit 0; mounted")),
]

SOURCES = [
    *family("name", {
        "plain": "photos", "space": "my photos", "dash": "-o", "colon": "host:/path"},
        lambda source: (*BEGIN, context(), name(source), mntp(), doit(), end()),
        ours={
            "plain": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo photos rw,nodev,nosuid,relatime rw"),
            "space": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo my photos rw,nodev,nosuid,relatime rw"),
            "dash": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo -o rw,nodev,nosuid,relatime rw"),
            "colon": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo host:/path rw,nodev,nosuid,relatime rw")}),
    *family("name", {"comma": "a,b", "hash": "#x", "backslash": "a\\b", "device": "/dev/fuse"},
        lambda source: (*BEGIN, context(), name(source), mntp(), doit(), end()),
        ours={
            "comma": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo a,b rw,nodev,nosuid,relatime rw"),
            "hash": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo #x rw,nodev,nosuid,relatime rw"),
            "backslash": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo a\\b rw,nodev,nosuid,relatime rw"),
            "device": (
                "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo /dev/fuse rw,nodev,nosuid,relatime rw")}),
    Row("name_image", (*BEGIN, context(), name("{image}"), mntp(), doit(), end()),
        ours=(
            "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo {image} rw,nodev,nosuid,relatime rw")),
    Row("name_not_named", (*BEGIN, context(), name("{other}"), mntp(), doit(), end()),
        ours="TYPE ok; NAME EINVAL; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("source-names",),
            "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo {other} rw,nodev,nosuid,relatime rw")),
    Row("name_of_255_bytes", (*BEGIN, context(), name("n" * 255), mntp(), doit(), end()),
        ours=(
            "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo nnnn...(255) rw,nodev,nosuid,relatime rw")),
    Row("name_of_256_bytes", (*BEGIN, context(), name("n" * 256), mntp(), doit(), end()),
        ours=(
            "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo nnnn...(256) rw,nodev,nosuid,relatime rw"),
        peer=Differs(("source-names",), "TYPE ok; NAME EINVAL; MNTP ok; DOIT EINVAL; exit 1")),
    Row("name_of_256_bytes_without_type", (*BEGIN, name("n" * 256), mntp(), doit(), end()),
        ours=(
            "NAME ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo nnnn...(256) rw,nodev,nosuid,relatime rw")),
    Row("name_of_4096_bytes", (*BEGIN, name("n" * 4096), mntp(), doit(), end()),
        ours="NAME EINVAL; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("source-names",), "NAME ok; MNTP ok; DOIT EINVAL; exit 1")),
    *family("name", {"newline": "a\nb", "escape": "\x1b[31m", "delete": "a\x7f"},
            lambda source: (*BEGIN, name(source), mntp(), doit(), end()),
        ours="NAME EINVAL; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("source-names",), {
            "newline": (
                "NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo a<0a>b rw,nodev,nosuid,relatime rw"),
            "escape": (
                "NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo <1b>[31m rw,nodev,nosuid,relatime rw"),
            "delete": (
                "NAME ok; MNTP ok; DOIT ok; exit 0; "
                "mounted fuse.demo a<7f> rw,nodev,nosuid,relatime rw")})),
    Row("name_empty", (*BEGIN, context(), name(""), mntp(), doit(), end()),
        ours="TYPE ok; NAME EINVAL; MNTP ok; DOIT EINVAL; exit 1"),
    Row("name_bare", (*BEGIN, raw(b"NAME"), mntp(), doit(), end()),
        ours="NAME EINVAL; MNTP ok; DOIT EINVAL; exit 1"),
    Row("name_no_nul", (*BEGIN, raw(b"NAMEdemo"), mntp(), doit(), end()),
        ours="NAME EINVAL; MNTP ok; DOIT EINVAL; exit 1"),
    *family("name", {"two_nuls": b"NAMEdemo\0\0", "inner_nul": b"NAMEdemo\0x\0"},
            lambda packet: (*BEGIN, raw(packet), mntp(), doit(), end()),
        ours="NAME EINVAL; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("exact-strings",), "NAME ok; MNTP ok; DOIT ok; exit 0; mounted")),
    Row("name_twice", (*BEGIN, name(), name(), mntp(), doit(), end()),
        ours="NAME ok; NAME EINVAL; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "NAME ok; NAME EINVAL; MNTP ok; DOIT ok; exit 0; mounted")),
    Row("name_after_a_refused_one", (*BEGIN, raw(b"NAMEdemo"), name(), mntp(), doit(), end()),
        ours="NAME EINVAL; NAME ok; MNTP ok; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "NAME EINVAL; NAME ok; MNTP ok; DOIT ok; exit 0; mounted")),
    Row("name_of_65536_bytes", (*BEGIN, raw(b"NAME" + b"n" * 65531 + b"\0"), bye(1)),
        ours="NAME EINVAL; exit 1",
        peer=Differs(("source-names",), "NAME ok; exit 1")),
]

OPTIONS = [
    Row("opts_default_permissions", setting(opts("default_permissions")),
        ours=(
            "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted fuse.demo demo "
            "rw,nodev,nosuid,relatime rw,default_permissions")),
    Row("opts_with_type", (*BEGIN, context(), *READY, opts("default_permissions,max_read=4096"),
                           doit(), end()),
        ours=(
            "TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted fuse.demo demo "
            "rw,nodev,nosuid,relatime rw,default_permissions,max_read=4096")),
    Row("opts_max_read", setting(opts("max_read=4096")),
        ours=(
            "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted fuse.demo demo "
            "rw,nodev,nosuid,relatime rw,max_read=4096")),
    Row("opts_max_read_twice", setting(opts("max_read=4096,max_read=8192")),
        ours=(
            "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted fuse.demo demo "
            "rw,nodev,nosuid,relatime rw,max_read=8192")),
    Row("opts_max_read_octal", setting(opts("max_read=010000")),
        ours=(
            "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted fuse.demo demo "
            "rw,nodev,nosuid,relatime rw,max_read=10000"),
        peer=Differs(("superblock-options",),
            "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted fuse.demo demo "
            "rw,nodev,nosuid,relatime rw,max_read=4096")),
    Row("opts_flag_twice", setting(opts("default_permissions,default_permissions")),
        ours=(
            "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted fuse.demo demo "
            "rw,nodev,nosuid,relatime rw,default_permissions")),
    Row("opts_empty", setting(opts("")),
        ours="NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",), "NAME ok; MNTP ok; OPTS EINVAL; DOIT ok; exit 0; mounted")),
    Row("opts_commas", setting(opts(",,default_permissions,,")),
        ours=(
            "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted fuse.demo demo "
            "rw,nodev,nosuid,relatime rw,default_permissions")),
    Row("opts_allow_other", setting(opts("allow_other")),
        ours=by(
            root=(
                "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted fuse.demo demo "
                "rw,nodev,nosuid,relatime rw,allow_other"),
            user="NAME ok; MNTP ok; OPTS EPERM; DOIT EINVAL; exit 1"),
        peer=Differs(("refused-is-final",), by(
            user="NAME ok; MNTP ok; OPTS EPERM; DOIT ok; exit 0; mounted"))),
    Row("opts_allow_other_permitted", setting(opts("allow_other")), callers=(ALICE,),
        furnish=(conf("user_allow_other\n"),),
        ours=(
            "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted fuse.demo demo "
            "rw,nodev,nosuid,relatime rw,allow_other")),
    Row("opts_allow_root", setting(opts("allow_root")),
        ours="NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("superblock-options", "refused-is-final"), by(
            root="NAME ok; MNTP ok; OPTS ok; DOIT EINVAL; exit 1",
            user="NAME ok; MNTP ok; OPTS EPERM; DOIT ok; exit 0; mounted"))),
    *family("opts_set_by_the_helper", {
        "fd": "fd=0", "rootmode": "rootmode=100000", "user_id": "user_id=0",
        "group_id": "group_id=0"}, lambda text: setting(opts(text)),
        ours="NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("superblock-options",),
            "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted")),
    *family("opts_set_by_the_helper_with_type", {
        "fd": "fd=0", "user_id": "user_id=0", "group_id": "group_id=0"},
        lambda text: (*BEGIN, context(), *READY, opts(text), doit(), end()),
        ours="TYPE ok; NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("superblock-options",),
            "TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted")),
    Row("opts_source", setting(opts("source=evil")),
        ours="NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("superblock-options",), "NAME ok; MNTP ok; OPTS ok; DOIT EINVAL; exit 1")),
    Row("opts_subtype", setting(opts("subtype=evil")),
        ours="NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("superblock-options",), "NAME ok; MNTP ok; OPTS ok; DOIT EINVAL; exit 1")),
    Row("opts_source_with_type", (*BEGIN, context(), *READY, opts("source=evil"), doit(), end()),
        ours="TYPE ok; NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "TYPE ok; NAME ok; MNTP ok; OPTS EINVAL; DOIT ok; exit 0; mounted")),
    Row("opts_subtype_with_type", (*BEGIN, context(), *READY, opts("subtype=evil"), doit(), end()),
        ours="TYPE ok; NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("superblock-options",),
            "TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT EINVAL; exit 1")),
    *family("opts_unknown", {"word": "unknown", "value": "unknown=1",
                             "upper": "Default_Permissions", "backslash": "\\,default_permissions",
                             "uid": "uid=0", "bad_number": "max_read=x", "no_number": "max_read="},
            lambda text: setting(opts(text)),
        ours="NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("superblock-options",), "NAME ok; MNTP ok; OPTS ok; DOIT EINVAL; exit 1")),
    *family("opts_unknown_with_type", {"word": "unknown", "value": "unknown=1", "uid": "uid=0",
                                       "bad_number": "max_read=x"},
            lambda text: (*BEGIN, context(), *READY, opts(text), doit(), end()),
        ours="TYPE ok; NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "TYPE ok; NAME ok; MNTP ok; OPTS EINVAL; DOIT ok; exit 0; mounted")),
    Row("opts_blksize_without_fuseblk", setting(opts("blksize=512")),
        ours="NAME ok; MNTP ok; OPTS ok; DOIT EINVAL; exit 1"),
    *family("opts_flag", {"ro": "ro", "noexec": "noexec", "nosuid": "nosuid", "noatime": "noatime",
                          "sync": "sync", "dirsync": "dirsync", "nosymfollow": "nosymfollow"},
            lambda text: setting(opts(text)),
        ours={
            "ro": (
                "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo ro,nodev,nosuid,relatime ro"),
            "noexec": (
                "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,nodev,noexec,nosuid,relatime rw"),
            "nosuid": "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted",
            "noatime": (
                "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,noatime,nodev,nosuid rw"),
            "sync": (
                "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,nodev,nosuid,relatime rw,sync"),
            "dirsync": (
                "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,nodev,nosuid,relatime rw,dirsync"),
            "nosymfollow": (
                "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted fuse.demo demo "
                "rw,nodev,nosuid,nosymfollow,relatime rw")},
        peer=Differs(("words-that-are-flags",), {
            "ro": (
                "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,nodev,nosuid,relatime ro"),
            "noexec": "NAME ok; MNTP ok; OPTS ok; DOIT EINVAL; exit 1",
            "nosuid": "NAME ok; MNTP ok; OPTS ok; DOIT EINVAL; exit 1",
            "noatime": "NAME ok; MNTP ok; OPTS ok; DOIT EINVAL; exit 1",
            "nosymfollow": "NAME ok; MNTP ok; OPTS ok; DOIT EINVAL; exit 1"})),
    *family("opts_flag_with_type", {
        "ro": "ro", "noexec": "noexec", "noatime": "noatime", "sync": "sync", "rw": "rw",
        "nosuid": "nosuid"},
        lambda text: (*BEGIN, context(), *READY, opts(text), doit(), end()),
        ours={
            "ro": (
                "TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo ro,nodev,nosuid,relatime ro"),
            "noexec": (
                "TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,nodev,noexec,nosuid,relatime rw"),
            "noatime": (
                "TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,noatime,nodev,nosuid rw"),
            "sync": (
                "TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,nodev,nosuid,relatime rw,sync"),
            "rw": "TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted",
            "nosuid": "TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted"},
        peer=Differs(("words-that-are-flags",), {
            "ro": "TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted",
            "noexec": "TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted",
            "noatime": "TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted"})),
    *family("opts_privileged", {"suid": "suid", "dev": "dev"}, lambda text: (
        *BEGIN, *READY, opts(text), doit(0), end()),
        ours="NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("superblock-options",), "NAME ok; MNTP ok; OPTS ok; DOIT EINVAL; exit 1")),
    *family("opts_privileged_with_type", {"suid": "suid", "dev": "dev"}, lambda text: (
        *BEGIN, context(), *READY, opts(text), doit(0), end()),
        ours="TYPE ok; NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("superblock-options",), by(
            root=(
                "TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; "
                "mounted fuse.demo demo rw,relatime rw"),
            user="TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted"))),
    *family("opts_userspace", {"x": "x-foo", "user": "user=root"},
            lambda text: setting(opts(text)),
        ours="NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("superblock-options",), "NAME ok; MNTP ok; OPTS ok; DOIT EINVAL; exit 1")),
    Row("opts_userspace_with_type_x", (
        *BEGIN, context(), *READY, opts("x-foo"), doit(), end()),
        ours="TYPE ok; NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "TYPE ok; NAME ok; MNTP ok; OPTS EINVAL; DOIT ok; exit 0; mounted")),
    Row("opts_userspace_with_type_user", (
        *BEGIN, context(), *READY, opts("user=root"), doit(), end()),
        ours="TYPE ok; NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("superblock-options",),
            "TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted")),
    Row("opts_security_context", (*BEGIN, context(), *READY, opts("context=system_u:object_r:x"),
                                  doit(), end()),
        ours=by(
            root="TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT EINVAL; exit 1",
            user="TYPE ok; NAME ok; MNTP ok; OPTS EPERM; DOIT EINVAL; exit 1"),
        peer=Differs(("superblock-options", "refused-is-final"),
            "TYPE ok; NAME ok; MNTP ok; OPTS EINVAL; DOIT ok; exit 0; mounted")),
    Row("opts_twice", setting(opts("default_permissions"), opts("max_read=4096")),
        ours="NAME ok; MNTP ok; OPTS ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "NAME ok; MNTP ok; OPTS ok; OPTS EINVAL; DOIT ok; exit 0; mounted fuse.demo demo "
            "rw,nodev,nosuid,relatime rw,default_permissions")),
    Row("opts_of_60000_bytes", setting(opts("x" * 60000)),
        ours="NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("superblock-options",), "NAME ok; MNTP ok; OPTS ok; DOIT EINVAL; exit 1")),
    Row("opts_bare", setting(raw(b"OPTS")),
        ours="NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "NAME ok; MNTP ok; OPTS EINVAL; DOIT ok; exit 0; mounted")),
    Row("opts_no_nul", setting(raw(b"OPTSdefault_permissions")),
        ours="NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "NAME ok; MNTP ok; OPTS EINVAL; DOIT ok; exit 0; mounted")),
    *family("opts", {"two_nuls": b"OPTSdefault_permissions\0\0",
                     "inner_nul": b"OPTSdefault_permissions\0max_read=4096\0"},
            lambda packet: setting(raw(packet)),
        ours="NAME ok; MNTP ok; OPTS EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("exact-strings",),
            "NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted fuse.demo demo "
            "rw,nodev,nosuid,relatime rw,default_permissions")),
]

TABLE_OPTIONS = [
    Row("mtab", setting(mtab("x-foo=bar,x-baz")),
        ours="NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted; recorded x-foo=bar,x-baz",
        peer=Differs(("utab",), "NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted")),
    Row("mtab_of_root_user", setting(mtab("user=root")),
        ours="NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted"),
    Row("mtab_of_the_caller", setting(mtab("user=fsmalice")), callers=(ALICE,),
        ours="NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted"),
    Row("mtab_empty", setting(mtab("")),
        ours="NAME ok; MNTP ok; MTAB EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",), "NAME ok; MNTP ok; MTAB EINVAL; DOIT ok; exit 0; mounted")),
    Row("mtab_minus_n", setting(mtab("x-foo,-n")),
        ours="NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted"),
    *family("mtab_dropped", {"uhelper": "uhelper=evil", "helper": "helper=evil",
                             "loop": "loop=/dev/loop0", "word": "word"},
            lambda text: setting(mtab("x-foo," + text)),
        ours="NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted; recorded x-foo",
        peer=Differs(("utab",), "NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted")),
    *family("mtab_where_utab_exists", {
        "x": "x-foo=bar", "uhelper": "x-foo,uhelper=evil", "user": "user=root",
        "minus_n": "x-foo,-n", "flag": "noexec", "newline": "x-foo\nSRC=/dev/sda"},
        lambda text: setting(mtab(text)), furnish=(utab_with_an_entry,),
        ours={
            "x": "NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted; recorded x-foo=bar",
            "uhelper": "NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted; recorded x-foo",
            "user": "NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted",
            "minus_n": "NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted",
            "flag": "NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted",
            "newline": "NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted"},
        peer=Differs(("utab",), {
            "uhelper": (
                "NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted; "
                "recorded x-foo,uhelper=evil"),
            "user": "NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted; recorded user=root",
            "newline": (
                "NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted; "
                "recorded x-foo\\012SRC=/dev/sda")})),
    Row("mtab_where_utab_exists_and_the_server_gives_up", (
        *BEGIN, *READY, mtab("x-foo"), doit(), bye(1)), furnish=(utab_with_an_entry,),
        ours="NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 1",
        peer=Differs(("attach-last",),
            "NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 1; mounted; recorded x-foo")),
    Row("mtab_newline", setting(mtab("x-foo\nSRC=/dev/sda")),
        ours="NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted"),
    Row("mtab_of_5000_bytes", setting(mtab("x-" + "a" * 5000)),
        ours="NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted"),
    Row("mtab_twice", setting(mtab("x-foo"), mtab("x-bar")),
        ours="NAME ok; MNTP ok; MTAB ok; MTAB EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "NAME ok; MNTP ok; MTAB ok; MTAB EINVAL; DOIT ok; exit 0; mounted")),
    Row("mtab_bare", setting(raw(b"MTAB")),
        ours="NAME ok; MNTP ok; MTAB EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "NAME ok; MNTP ok; MTAB EINVAL; DOIT ok; exit 0; mounted")),
    Row("mtab_no_nul", setting(raw(b"MTABx-foo")),
        ours="NAME ok; MNTP ok; MTAB EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("refused-is-final",),
            "NAME ok; MNTP ok; MTAB EINVAL; DOIT ok; exit 0; mounted")),
    *family("mtab", {"two_nuls": b"MTABx-foo\0\0", "inner_nul": b"MTABx-foo\0x-bar\0"},
            lambda packet: setting(raw(packet)),
        ours="NAME ok; MNTP ok; MTAB EINVAL; DOIT EINVAL; exit 1",
        peer=Differs(("exact-strings",), "NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted")),
    Row("mtab_of_the_callers_options", setting(), options="x-foo=bar",
        ours=by(
            root="NAME ok; MNTP ok; DOIT ok; exit 0; mounted; recorded x-foo=bar",
            user="NAME ok; MNTP ok; DOIT ok; exit 0; mounted; recorded x-foo=bar"),
        peer=Differs(("utab",), "NAME ok; MNTP ok; DOIT ok; exit 0; mounted")),
    Row("mtab_at_a_file", (*BEGIN, *READY, mtab("x-foo"), doit(), end()),
        furnish=(file_as_target,),
        ours="NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted; recorded x-foo",
        peer=Differs(("utab",), "NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; mounted")),
]
