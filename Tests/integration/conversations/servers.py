# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the servers of real file systems ask for what they mount, and what they want of the mount.

fuse4fs, of e2fsprogs, asks for its device to write and for itself; read-only after EPERM or
EACCES; again, for some seconds, after EBUSY. exfat asks once, and mounts as fuseblk with a block
size, for all users. fusefatfs asks once.
"""

import errno
import os
import struct
import time

import fuse_service as wire
import support
from support import ALICE, ROOT
from .furnish import block_device, foreign
from .rows import Differs, Row
from .steps import BEGIN, Step, context, describe_packet, doit, end, file, mntp, name, opts

EXCLUSIVE = os.O_RDWR | os.O_EXCL
PATIENCE = 20  # times that fuse4fs asks for a busy device here, a tenth of a second apart


def fuse4fs(path, flags=EXCLUSIVE, free_after=2):
    """Asks as fuse4fs does. A device that is busy is let go of after two answers."""
    def act(session, stage):
        answers, access, name_ = [], flags, stage.fill(path)
        for attempt in range(PATIENCE):
            session.send(wire.OPEN + struct.pack(">IIII", access, 0, 0, 0) + name_ + b"\0")
            packet, descriptors = session.receive()
            session.received += descriptors
            answers.append(describe_packet(packet, descriptors, name_))
            error = int.from_bytes(packet[4:8], "big")
            if error in (errno.EPERM, errno.EACCES) and access != os.O_RDONLY | os.O_EXCL:
                access = os.O_RDONLY | os.O_EXCL
            elif error == errno.EBUSY:
                if attempt + 1 == free_after:
                    os.close(stage.held.pop())
                time.sleep(0.1)
            else:
                break
        stage.heard = "ok" if error == 0 else "refused"
        return ", ".join(answers)
    return Step("OPEN", act)


def held(test, stage):
    """The device is in use, by somebody who holds it for itself."""
    stage.held = [os.open(stage.places["device"], os.O_RDWR | os.O_EXCL)]
    test.addCleanup(lambda: [os.close(descriptor) for descriptor in stage.held])


def sectors(test, stage):
    """A file of a whole number of sectors, as an image is."""
    os.truncate(stage.places["image"], 65536)


DEVICE = block_device()
MOUNT = (mntp(expected=0x4000), doit(), end())
READ_ONLY = (mntp(expected=0x4000), doit(wire.MS_NOSUID | wire.MS_NODEV | wire.MS_RDONLY), end())
EXFAT = (context(1), name("{device}"), opts("allow_other,blksize=4096"))
OF_DEVICE = ("{device}", "{target}", "-t", "fuse.demo")

SERVERS = [
    Row("server_fuse4fs", (
        *BEGIN, fuse4fs("{image}"), context(), name("{image}"), opts("default_permissions"),
        *MOUNT), furnish=(sectors,),
        ours=(
            "OPEN ok file rw; TYPE ok; NAME ok; OPTS ok; MNTP ok; DOIT ok; exit 0; mounted "
            "fuse.demo {image} rw,nodev,nosuid,relatime rw,default_permissions")),
    Row("server_fuse4fs_of_a_device", (
        *BEGIN, fuse4fs("{device}"), context(), name("{device}"), opts("default_permissions"),
        *MOUNT), words=OF_DEVICE, furnish=(DEVICE,),
        ours=(
            "OPEN ok block device rw; TYPE ok; NAME ok; OPTS ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo {device} rw,nodev,nosuid,relatime rw,default_permissions")),
    Row("server_fuse4fs_of_a_file_to_read", (
        *BEGIN, fuse4fs("{image}"), context(), name("{image}"), *READ_ONLY),
        callers=(ALICE,), furnish=(sectors, foreign("image", 0o644)),
        ours=(
            "OPEN EACCES, ok file r; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted "
            "fuse.demo {image} ro,nodev,nosuid,relatime ro")),
    Row("server_fuse4fs_read_only", (
        *BEGIN, fuse4fs("{image}"), context(), name("{image}"), *READ_ONLY), options="ro",
        furnish=(sectors,),
        ours=(
            "OPEN EACCES, ok file r on a read-only mount; TYPE ok; NAME ok; MNTP ok; DOIT ok; "
            "exit 0; mounted fuse.demo {image} ro,nodev,nosuid,relatime ro"),
        peer=Differs(("read-only",),
            "OPEN ok file rw; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted fuse.demo "
            "{image} ro,nodev,nosuid,relatime ro")),
    Row("server_fuse4fs_of_somebody_elses_file", (*BEGIN, fuse4fs("{image}"), end()),
        callers=(ALICE,), furnish=(foreign("image", 0o600),),
        ours="OPEN EACCES, EACCES; exit 1"),
    Row("server_fuse4fs_of_a_busy_device", (
        *BEGIN, fuse4fs("{device}"), context(), name("{device}"), *MOUNT),
        words=OF_DEVICE, furnish=(DEVICE, held),
        ours=(
            "OPEN EBUSY, EBUSY, ok block device rw; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo {device} rw,nodev,nosuid,relatime rw")),
    Row("server_fuse4fs_for_all", (
        *BEGIN, fuse4fs("{image}"), context(), name("{image}"),
        opts("allow_other,default_permissions"), *MOUNT), callers=(ROOT,), furnish=(sectors,),
        ours=(
            "OPEN ok file rw; TYPE ok; NAME ok; OPTS ok; MNTP ok; DOIT ok; exit 0; mounted "
            "fuse.demo {image} rw,nodev,nosuid,relatime rw,allow_other,default_permissions")),
    Row("server_exfat", (
        *BEGIN, file("{device}", os.O_RDWR | os.O_SYNC, keep=True), *EXFAT, *MOUNT),
        words=OF_DEVICE, callers=(ROOT,), furnish=(DEVICE,),
        ours=(
            "OPEN ok block device rw sync; TYPE ok; NAME ok; OPTS ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuseblk.demo {device} rw,nodev,nosuid,relatime rw,allow_other,blksize=4096")),
    Row("server_exfat_of_a_user", (
        *BEGIN, file("{device}", os.O_RDWR | os.O_SYNC, keep=True), context(1), end()),
        words=OF_DEVICE, callers=(ALICE,), furnish=(DEVICE,),
        ours="OPEN ok block device rw sync; TYPE EPERM; exit 1"),
    Row("server_exfat_read_only", (
        *BEGIN, file("{device}", os.O_RDONLY, keep=True), *EXFAT, *READ_ONLY),
        words=OF_DEVICE, options="ro", callers=(ROOT,), furnish=(DEVICE,),
        ours=(
            "OPEN ok block device r; TYPE ok; NAME ok; OPTS ok; MNTP ok; DOIT ok; exit 0; mounted "
            "fuseblk.demo {device} ro,nodev,nosuid,relatime ro,allow_other,blksize=4096")),
    Row("server_fusefatfs", (
        *BEGIN, file("{image}", os.O_RDWR | os.O_EXCL | os.O_SYNC, keep=True), context(),
        name("{image}"), *MOUNT), furnish=(sectors,),
        ours=(
            "OPEN ok file rw sync; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted fuse.demo "
            "{image} rw,nodev,nosuid,relatime rw")),
    Row("server_fusefatfs_read_only", (
        *BEGIN, file("{image}", os.O_RDONLY | os.O_EXCL, keep=True), context(), name("{image}"),
        *READ_ONLY), options="ro", furnish=(sectors,),
        ours=(
            "OPEN ok file r on a read-only mount; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo {image} ro,nodev,nosuid,relatime ro"),
        peer=Differs(("read-only",),
            "OPEN ok file r; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted fuse.demo "
            "{image} ro,nodev,nosuid,relatime ro")),
    Row("server_fusefatfs_of_a_device", (
        *BEGIN, file("{device}", os.O_RDWR | os.O_EXCL | os.O_SYNC, keep=True), context(),
        name("{device}"), *MOUNT), words=OF_DEVICE, furnish=(DEVICE,),
        ours=(
            "OPEN ok block device rw sync; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted "
            "fuse.demo {device} rw,nodev,nosuid,relatime rw")),
]
