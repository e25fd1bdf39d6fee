# SPDX-License-Identifier: LGPL-2.1-or-later
"""Scripted conversations with a mount helper, and what comes of each.

A transcript holds what a server, a caller and the machine could see, in words that do not depend on
the run: each reply with its error, each descriptor with its kind and its access, the exit status,
what stands in mountinfo and utab afterwards. What the server sends is not repeated in it. Parts are
separated by `; `. Both hellos and the two files that come unasked are left out where they are as
the protocol has them; `mounted` alone is a mount at the target of type fuse.demo, from `demo`, with
rw, nosuid, nodev and relatime, that belongs to the caller.
"""

from .calling import CALLING
from .endings import ENDINGS
from .files import DEVICES, FILES
from .mounting import MOUNTING
from .opening import OPENING, SERVICES
from .places import PLACES
from .recordings import RECORDED
from .servers import SERVERS
from .settings import CONTEXT, OPTIONS, SOURCES, TABLE_OPTIONS

ROWS = [*RECORDED, *SERVERS, *OPENING, *SERVICES, *FILES, *DEVICES, *CONTEXT, *SOURCES, *OPTIONS,
        *TABLE_OPTIONS, *PLACES, *MOUNTING, *ENDINGS, *CALLING]
