# SPDX-License-Identifier: LGPL-2.1-or-later
"""What servers of libfuse said."""

from support import ALICE, ROOT
from .furnish import block_device, file_as_target, foreign, latin, missing
from .recorded import replay
from .rows import Differs

RECORDED = [
    replay("rootReadOnly", callers=(ROOT,),
        ours=(
            "OPEN ok file r on a read-only mount; TYPE ok; NAME ok; MNTP ok; OPTS ok; MTAB ok; "
            "DOIT ok; exit 0; mounted fuse.demo service_ll ro,nodev,nosuid,relatime "
            "ro,allow_other,default_permissions,max_read=65536; recorded x-wire=1"),
        peer=Differs(("read-only", "utab"),
            "OPEN ok file r; TYPE ok; NAME ok; MNTP ok; OPTS ok; MTAB ok; DOIT ok; exit 0; "
            "mounted fuse.demo service_ll ro,nodev,nosuid,relatime "
            "ro,allow_other,default_permissions,max_read=65536")),
    replay("rootUserspaceOptions", callers=(ROOT,),
        ours=(
            "OPEN ok file rw; TYPE ok; NAME ok; MNTP ok; MTAB ok; DOIT ok; exit 0; "
            "mounted fuse.demo disk.img rw,noatime,nodev,noexec,nosuid rw")),
    replay("rootBlockDevice", callers=(ROOT,), furnish=(block_device(),),
        ours="BDEV ok block device rw; TYPE ok; NAME ok; MNTP ok; DOIT EBUSY; exit 1"),
    replay("rootNotBlockDevice", callers=(ROOT,),
        ours="BDEV ENOTBLK; exit 1"),
    replay("userPlain", callers=(ALICE,),
        ours=(
            "OPEN ok file rw; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo service_ll rw,nodev,nosuid,relatime rw")),
    replay("userReadOnlyRetry", callers=(ALICE,), furnish=(foreign("image", 0o644),),
        ours=(
            "OPEN EACCES; OPEN ok file r; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo service_ll rw,nodev,nosuid,relatime rw")),
    replay("userAllowOther", callers=(ALICE,),
        ours="OPEN ok file rw; TYPE ok; NAME ok; MNTP ok; OPTS EPERM; exit 1"),
    replay("userFuseblk", callers=(ALICE,),
        ours="OPEN ok file rw; TYPE EPERM; exit 1"),
    replay("userNoSuchFile", callers=(ALICE,), furnish=(missing("new"),),
        ours="OPEN ENOENT; exit 1"),
    replay("userNotDirectory", callers=(ALICE,), furnish=(file_as_target,),
        ours="OPEN ok file rw; TYPE ok; NAME ok; MNTP ENOTDIR; exit 1"),
    replay("userInvalidUTF8", callers=(ALICE,), furnish=(latin,),
        ours=(
            "OPEN ok file rw; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo service_ll rw,nodev,nosuid,relatime rw")),
    replay("userFileMountPoint", callers=(ALICE,), furnish=(file_as_target,),
        ours=(
            "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo null rw,nodev,nosuid,relatime rw")),
    replay("highLevelRoot", callers=(ROOT,),
        ours=(
            "OPEN ok file rw; TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted "
            "fuse.demo service_hl rw,nodev,noexec,nosuid,relatime rw,allow_other")),
    replay("highLevelUserReadOnly", callers=(ALICE,),
        ours=(
            "OPEN ok file r on a read-only mount; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo service_hl ro,nodev,nosuid,relatime ro"),
        peer=Differs(("read-only",),
            "OPEN ok file r; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted fuse.demo "
            "service_hl ro,nodev,nosuid,relatime ro")),
    replay("highLevelDevice", callers=(ALICE,), furnish=(block_device(),),
        ours=(
            "BDEV ok block device rw; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted "
            "fuse.demo service_hl rw,nodev,nosuid,relatime rw")),
    replay("lowLevelDevice", callers=(ROOT,), furnish=(block_device(),),
        ours=(
            "BDEV ok block device rw; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted "
            "fuse.demo service_ll rw,nodev,nosuid,relatime rw,sync"),
        peer=Differs(("callers-flags",),
            "BDEV ok block device rw; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted "
            "fuse.demo service_ll rw,nodev,nosuid,relatime rw")),
    replay("rootNull", callers=(ROOT,), furnish=(file_as_target,),
        ours=(
            "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted fuse.demo null "
            "ro,nodev,nosuid,relatime ro")),
    replay("calledWithType", callers=(ALICE,),
        ours=(
            "OPEN ok file rw; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted fuse.demo "
            "service_ll rw,nodev,noexec,nosuid,relatime rw")),
    replay("calledWithoutSource", callers=(ALICE,), furnish=(file_as_target,),
        ours=(
            "TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted fuse.demo null "
            "rw,nodev,nosuid,relatime rw")),
    replay("calledByMount8", callers=(ALICE,),
        ours=(
            "OPEN ok file r on a read-only mount; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; "
            "mounted fuse.demo service_hl ro,noatime,nodev,nosuid ro"),
        peer=Differs(("read-only",),
            "OPEN ok file r; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted fuse.demo "
            "service_hl ro,noatime,nodev,nosuid ro")),
    replay("ownServerRoot", callers=(ROOT,),
        ours=(
            "OPEN ok file r on a read-only mount; TYPE ok; NAME ok; MNTP ok; OPTS ok; MTAB ok; "
            "DOIT ok; exit 0; mounted fuse.demo {image} ro,nodev,nosuid,relatime "
            "ro,allow_other,default_permissions,max_read=65536; recorded x-wire=1"),
        peer=Differs(("read-only", "utab"),
            "OPEN ok file r; TYPE ok; NAME ok; MNTP ok; OPTS ok; MTAB ok; DOIT ok; exit 0; "
            "mounted fuse.demo {image} ro,nodev,nosuid,relatime "
            "ro,allow_other,default_permissions,max_read=65536")),
    replay("ownServerReadOnlyRetry", callers=(ALICE,), furnish=(foreign("image", 0o644),),
        ours=(
            "OPEN EACCES; OPEN ok file r; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted "
            "fuse.demo {image} ro,nodev,nosuid,relatime ro")),
    replay("ownServerDevice", callers=(ALICE,), furnish=(block_device(),),
        ours=(
            "BDEV ok block device rw; TYPE ok; NAME ok; MNTP ok; DOIT ok; exit 0; mounted "
            "fuse.demo {device} rw,nodev,nosuid,relatime rw")),
    replay("ownServerFuseblk", callers=(ROOT,), furnish=(block_device(),),
        ours=(
            "OPEN ok block device rw; TYPE ok; NAME ok; MNTP ok; OPTS ok; DOIT ok; exit 0; mounted "
            "fuseblk.demo {device} rw,nodev,nosuid,relatime rw,blksize=4096")),
    replay("ownServerGivesUp", callers=(ALICE,),
        ours="exit 1"),
]
