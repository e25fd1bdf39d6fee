# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which programs have to work together, with which words, and what comes of it.

test_interop.py plays them; interop_table.py makes the tables of docs/interop.md of them.
"""

import typing


class Case(typing.NamedTuple):
    """A mount with some words of the caller's; what comes of it, by place where it differs.

    A field can be a function of source (`file`, `device`, `nothing`) and caller (`root`, `user`).
    """

    name: str
    options: typing.Any = None
    words: tuple = ()
    conf: str = ""  # fuse.conf
    attributes: str = "rw,nodev,nosuid,relatime"
    superblock: str = "rw"
    source: typing.Any = None  # as in mountinfo; None is the type
    type: str = "fuse"
    writes: bool = True
    reads: bool = True
    refused: typing.Any = None  # the request that was refused and how; then there is no mount
    callers: tuple = ("root", "user")
    sources: tuple = ("file", "device")
    to_the_end: bool = False  # whether the server's end is waited for, which takes two seconds
    peer: typing.Optional[dict] = None  # fields that are otherwise behind libfuse's helper ...
    why: typing.Optional[str] = None  # ... and the section of docs/peer-differences.md

    def at(self, field, source, caller):
        """A field's value at a place."""
        value = getattr(self, field)
        return value(source, caller) if callable(value) else value


def only(error, *places):
    """A refusal at some sources or callers."""
    return lambda *place: error if set(places) & set(place) else None


COMMON = (
    Case("plain", to_the_end=True),
    Case("read_only", "ro", attributes="ro,nodev,nosuid,relatime", superblock="ro", writes=False),
    Case("flags", "noexec,noatime,nodiratime",
         attributes="rw,noatime,nodev,nodiratime,noexec,nosuid"),
    Case("as_mount_fuse3_says", "rw,dev,suid",
         attributes=lambda source, caller: "rw,relatime" if caller == "root"
         else "rw,nodev,nosuid,relatime"),
    Case("default_permissions", "default_permissions", superblock="rw,default_permissions",
         writes=lambda source, caller: caller == "root"),
    Case("allow_other", "allow_other", superblock="rw,allow_other",
         refused=only("OPTS EPERM", "user")),
    Case("allow_other_permitted", "allow_other", conf="user_allow_other\n",
         superblock="rw,allow_other"),
    Case("record", "x-interop=1"),
    Case("named_source", "fsname=disk", source="disk"),
    Case("one_thread", words=("-s",)),
)

SERVICE = (
    *COMMON,
    Case("sync", "sync", superblock="rw,sync", peer={"superblock": "rw"},
         why="callers-flags"),
    # The limit is the kernel's then, and not the server's, which ends over that at INIT.
    Case("read_limit", "max_read=65536", superblock="rw,max_read=65536", reads=False,
         writes=False),
    Case("no_direct_io", "nodio"),
    Case("few_threads", "max_threads=2"),
    Case("clone_fd", "clone_fd"),
    Case("geometry", "blocksize=4096,size=16384"),
    Case("device", "require_bdev", refused=only("BDEV ENOTBLK", "file")),
    Case("device_with_a_block_size", "require_bdev,blocksize=1024",
         refused=only("BDEV ENOTBLK", "file")),
    Case("fuseblk", "require_bdev,blkdev,blksize=4096,fsname={source}",
         sources=("device",),
         refused=lambda source, caller: "DOIT EBUSY" if caller == "root" else "TYPE EPERM"),
)

# singlefilefs: its source is the image unless another is named; it looks itself whether the caller
# may have what it asks for; its file is the caller's; a fuseblk device it does not keep to itself.
SINGLE_FILE = tuple(
    {
        "allow_other": case._replace(refused=only(
            "the server: allow_other is for root, and for users where /etc/fuse.conf has "
            "user_allow_other", "user")),
        "default_permissions": case._replace(writes=True),
        "sync": case._replace(peer=None, why=None),
        "read_limit": case._replace(reads=True, writes=True),
        "fuseblk": case._replace(refused=only("the server: blkdev is for root", "user"),
                                 type="fuseblk", superblock="rw,blksize=4096"),
    }.get(case.name, case)._replace(source=case.source or "{source}")
    for case in SERVICE if case.name not in ("few_threads", "clone_fd"))

# mirrorfs is Tests/MirrorServer: FuseService without libfuse, at a mount point that is a file.
MIRROR = (
    Case("plain", to_the_end=True),
    Case("read_only", "ro", attributes="ro,nodev,nosuid,relatime", superblock="ro", writes=False),
    Case("sync", "sync", superblock="rw,sync"),
    Case("flags", "noexec", attributes="rw,nodev,noexec,nosuid,relatime"),
    Case("device", "require_bdev", refused=only("BDEV ENOTBLK", "file")),
)

CASES = {
    "service_ll": SERVICE,
    "service_hl": SERVICE,
    # null's file is everybody's to write to, and what is written is gone.
    "null": tuple(case._replace(sources=("nothing",), writes=case.name != "read_only")
                  for case in COMMON),
    "singlefilefs": SINGLE_FILE,
    "mirrorfs": tuple(case._replace(source="{source}") for case in MIRROR),
}

# How mount.fuse3 is called, by a user; it puts `dev,suid` behind the options.
CALLS = {
    "type_in_words": "mount.fuse3 {source} {target} -t fuse.{type}",
    "type_before_the_source": "mount.fuse3 {type}#{source} {target}",
    "type_in_the_name": "mount.fuse.{type} {source} {target}",
    "by_mount8": "mount -t fuse.{type} {source} {target}",
}
CALLED = (
    Case("plain", callers=("user",)),
    Case("read_only", "ro", attributes="ro,nodev,nosuid,relatime", superblock="ro", writes=False,
         callers=("user",)),
    Case("noexec", "noexec", attributes="rw,nodev,noexec,nosuid,relatime", callers=("user",)),
)

AT_ONCE = 8  # mounts that are made at the same time

OURS = ("singlefilefs", "mirrorfs")  # the other servers are libfuse's
CALLED_SERVERS = ("service_ll", "service_hl", "null", "singlefilefs", "mirrorfs")


class Test(typing.NamedTuple):
    """One test of test_interop.py: its class, its name behind `test_`, and what it is given."""

    cls: str
    name: str
    words: tuple
    needs_peer: bool

    @property
    def id(self):
        """As run.py prints it."""
        return f"test_interop.{self.cls}.test_{self.name}"


def side(theirs):
    """Whose helper it is, in a test's name."""
    return "peer" if theirs else "ours"


def behind(server, case, source, who, theirs):
    """A server behind a helper."""
    return Test("Behind", f"{server}__{case.name}__{source}__{who}__{side(theirs)}",
                (case, server, source, who, theirs), theirs or server not in OURS)


def called(server, case, call, theirs):
    """A server behind a helper that mount.fuse3 calls."""
    source = "nothing" if server == "null" else "file"
    case = case._replace(source="{source}" if server in OURS else None)
    return Test("Called", f"{server}__{case.name}__{call}__{side(theirs)}",
                (case, server, source, "user", theirs, call), True)


def at_once(server, theirs):
    """Mounts at the same time."""
    return Test("AtOnce", f"{server}__{side(theirs)}", (server, theirs),
                theirs or server not in OURS)


def recorded(session, theirs):
    """A recorded conversation, held again."""
    return Test("Recorded", f"{session}__{side(theirs)}", (session, theirs), True)


def may_call(server, call):
    """Only in one form can mount.fuse3 be told that there is no source."""
    return server != "null" or call == "type_before_the_source"


def is_recorded_behind_ours(session):
    """What was recorded to show our server to libfuse's helper says nothing about ours."""
    return not session.startswith("own")


def every(sessions):
    """All tests."""
    for theirs in (False, True):
        for server, cases in CASES.items():
            for case in cases:
                for source in case.sources:
                    for who in case.callers:
                        yield behind(server, case, source, who, theirs)
            yield at_once(server, theirs)
        for server in CALLED_SERVERS:
            for case in CALLED:
                for call in CALLS:
                    if may_call(server, call):
                        yield called(server, case, call, theirs)
        for session in sessions:
            if theirs or is_recorded_behind_ours(session):
                yield recorded(session, theirs)
