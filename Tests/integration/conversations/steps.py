# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a server does in a conversation, and the words for what it gets."""

import contextlib
import errno
import fcntl
import os
import stat
import struct
import typing

import fuse_service as wire


class Step(typing.NamedTuple):
    """Something that the server does; `act(session, stage)` gives what is noted, or None."""

    label: str
    act: typing.Callable


def shorten(text):
    """A long text by its length."""
    return text if len(text) <= 40 else f"{text[:4]}...({len(text)})"


def name_of(number):
    """An error number in words."""
    return errno.errorcode.get(number, str(number)) if number else "ok"


# What a descriptor is

KINDS = [(stat.S_ISREG, "file"), (stat.S_ISDIR, "directory"), (stat.S_ISBLK, "block device"),
         (stat.S_ISCHR, "character device"), (stat.S_ISFIFO, "fifo"), (stat.S_ISSOCK, "socket")]
ACCESS = {os.O_RDONLY: "r", os.O_WRONLY: "w", os.O_RDWR: "rw", os.O_ACCMODE: "none"}
FLAGS = [(os.O_PATH, "path"), (os.O_APPEND, "append"), (os.O_NONBLOCK, "nonblock"),
         (os.O_SYNC, "sync"), (os.O_DSYNC, "dsync"), (os.O_DIRECT, "direct"),
         (os.O_NOATIME, "noatime"), (os.O_ASYNC, "async")]


def describe_descriptor(descriptor):
    """A descriptor in words: kind, access, status flags, whether its mount is read-only."""
    status = os.fstat(descriptor)
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    words = [word for matches, word in KINDS if matches(status.st_mode)]
    if stat.S_ISCHR(status.st_mode):
        words.append(f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}")
    words.append(ACCESS[flags & os.O_ACCMODE])
    for flag, word in FLAGS:
        if flags & flag == flag:
            words.append(word)
            flags &= ~flag
    if stat.S_ISREG(status.st_mode) and os.fstatvfs(descriptor).f_flag & os.ST_RDONLY:
        words.append("on a read-only mount")
    return " ".join(words)


def describe_packet(packet, descriptors, path):
    """A reply in words; `path` is what a file reply should repeat."""
    number = struct.unpack(">I", packet[4:8])[0] if len(packet) >= 8 else None
    if packet[:4] == wire.SIMPLE_REPLY and len(packet) == 8:
        words = [name_of(number)]
    elif packet[:4] == wire.FILE_REPLY and packet[-1:] == b"\0":
        words = [name_of(number)]
        if packet[8:-1] != path:
            words.append("for " + os.fsdecode(packet[8:-1]))
    elif packet[:4] == wire.HELLO:
        words = ["hello"]
    else:
        words = [f"odd packet {packet[:32].hex()}"]
    words += [describe_descriptor(descriptor) for descriptor in descriptors]
    return " ".join(words)


# The steps

def answer(session, path=None, keep=False):
    """The reply that comes next, in words; its descriptors are closed, or kept to the end."""
    packet, descriptors = session.receive()
    words = describe_packet(packet, descriptors, path)
    if keep:
        session.received += descriptors
    else:
        for descriptor in descriptors:
            os.close(descriptor)
    return words


def raw(packet, label=None, path=None, descriptors=0, keep=False):
    """Sends a packet and waits for a reply, or for the end."""
    label = label or os.fsdecode(packet[:4])

    def act(session, stage):
        filled = stage.fill(packet)
        passed = [os.open("/dev/zero", os.O_RDONLY) for _ in range(descriptors)]
        try:
            session.send(filled, passed)
        except PermissionError:  # the helper has switched SO_PASSRIGHTS off
            session.send(filled)
        finally:
            for descriptor in passed:
                os.close(descriptor)
        stage.heard = answer(session, None if path is None else stage.fill(path), keep)
        return stage.heard
    return Step(label, act)


def name(source="demo"):
    """NAME."""
    return raw(wire.NAME + os.fsencode(source) + b"\0")


def opts(options):
    """OPTS."""
    return raw(wire.OPTS + os.fsencode(options) + b"\0")


def mtab(options):
    """MTAB."""
    return raw(wire.MTAB + os.fsencode(options) + b"\0")


def mntp(path="{target}", expected=0, padding=0):
    """MNTP."""
    return raw(wire.MNTP + struct.pack(">HH", expected, padding) + os.fsencode(path) + b"\0")


def context(flags=0):
    """TYPE."""
    return raw(wire.TYPE + wire.be32(flags))


def doit(flags=wire.MS_NOSUID | wire.MS_NODEV):
    """DOIT."""
    return raw(wire.DOIT + wire.be32(flags))


def file(path="{image}", flags=os.O_RDONLY, mode=0, request=0, block=0, magic=wire.OPEN,
         keep=False):
    """OPEN."""
    path = os.fsencode(path)
    packet = magic + struct.pack(">IIII", flags, mode, request, block) + path + b"\0"
    return raw(packet, path=path, keep=keep)


def bdev(path="{image}", block=0, flags=os.O_RDONLY, request=0):
    """BDEV."""
    return file(path, flags, 0, request, block, wire.BDEV)


def send(packet):
    """Sends a packet that has no reply."""
    def act(session, stage):
        with contextlib.suppress(wire.SessionEnded):
            session.send(stage.fill(packet))
    return Step("", act)


def bye(code=0):
    """BYEE."""
    return send(wire.BYEE + wire.be32(code))


def end():
    """BYEE as a server says it: 0 after an accepted command, 1 after a refused one."""
    return Step("", lambda session, stage: bye(int(stage.heard != "ok")).act(session, stage))


def says(text="no superblock"):
    """SAYS."""
    return send(wire.SAYS + os.fsencode(text) + b"\0")


def at_once(*packets):
    """Sends packets without waiting for a reply to any."""
    return Step("", lambda session, stage: [session.send(stage.fill(packet)) for packet in packets]
                and None)


def synchronous_init():
    """Has the creation of the superblock wait for the server's answer to INIT (Linux 6.18)."""
    return Step("", lambda session, stage: session.synchronous_init())


def ignore():
    """Leaves out what comes from now on: it depends on who is faster."""
    def act(session, stage):
        with contextlib.suppress(wire.SessionEnded):
            while True:
                answer(session)
    return Step("", act)


def die():
    """The server's end."""
    return Step("", lambda session, stage: session.close())


def hello(reply=b"LAST\0\1\0\0"):
    """Both hellos; noted only where the helper's is not the usual one."""
    def act(session, stage):
        packet, descriptors = session.receive()
        stage.hello_flags = struct.unpack(">I", packet[8:12])[0] if len(packet) == 12 else None
        odd = packet[:8] != b"SAFT\0\1\0\1" or len(packet) != 12 or descriptors
        if reply is not None:
            session.send(reply)
        return f"{packet.hex()} with {len(descriptors)} descriptors" if odd else None
    return Step("hello", act)


def files():
    """The command line and the device; noted only where they are not the usual ones."""
    def act(session, stage):
        packet, descriptors = session.receive()
        words = describe_packet(packet, descriptors, b"argv")
        size = os.fstat(descriptors[0]).st_size
        session.arguments_bytes = os.pread(descriptors[0], size, 0)
        session.arguments = wire.decode_arguments(session.arguments_bytes)
        os.close(descriptors[0])
        packet, descriptors = session.receive()
        words += ", " + describe_packet(packet, descriptors, b"fusedev")
        session.device = descriptors[0]
        return None if words == "ok file rw, ok character device 10:229 rw" else words
    return Step("files", act)


def spell():
    """Notes what the hello and the command line were."""
    def act(session, stage):
        flags = [(wire.ALLOW_OTHER, "allow_other"), (wire.FUSEBLK, "fuseblk")]
        words = [word for bit, word in flags if stage.hello_flags & bit]
        line = " ".join(shorten(stage.strip(os.fsdecode(word))) or "''"
                        for word in session.arguments)
        return f"{'+'.join(words) or 'nothing'}, argv {line}"
    return Step("hello", act)


def layout():
    """Notes whether the command line's strings follow their table at once."""
    def act(session, stage):
        exact = session.arguments_bytes == wire.encode_arguments(session.arguments)
        return "without a gap" if exact else "with a gap"
    return Step("argv", act)


def look():
    """Notes what is mounted at this moment."""
    return Step("now", lambda session, stage: ", ".join(stage.changes()) or "nothing mounted")


def many(count):
    """Asks so many times for the image and notes how many were opened."""
    def act(session, stage):
        opened = 0
        with contextlib.suppress(wire.SessionEnded):
            for _ in range(count):
                error, descriptor = session.open(stage.places["image"])
                opened += error == 0
                session.received.clear()
                os.close(descriptor)
        return f"{opened} opened"
    return Step("OPEN", act)


BEGIN = (hello(), files())
READY = (name(), mntp())
MOUNT = (*READY, doit())
