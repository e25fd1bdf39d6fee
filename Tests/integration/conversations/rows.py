# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a row of the table says."""

import typing

import support


class By(dict):
    """What differs between callers, by their names: `root` and `user`."""


def by(**values):
    """One value for each caller."""
    return By(values)


def for_caller(value, caller):
    """What of a value concerns a caller; None when nothing does."""
    name = "root" if caller is support.ROOT else "user"
    return value.get(name) if isinstance(value, By) else value


class Differs(typing.NamedTuple):
    """Another helper's transcript, and the sections of docs/peer-differences.md that say why."""

    sections: tuple
    transcript: typing.Any  # or one for each caller who notices


class Row(typing.NamedTuple):
    """A conversation, what comes of it with our helper, and with libfuse's (None: the same).

    In words, steps and transcripts `{image}`, `{target}` and so on stand for the stage's places.
    """

    name: str
    steps: tuple
    ours: typing.Any  # or one for each caller
    peer: typing.Optional[Differs] = None
    callers: tuple = support.BOTH
    words: tuple = ("{image}", "{target}", "-t", "fuse.demo")
    options: typing.Optional[str] = None
    more: tuple = ()
    program: typing.Optional[str] = None  # argv[0]
    furnish: tuple = ()  # what is done to the stage first: functions of test and stage
    look: tuple = ()  # what is noted at the end: functions of the stage
    service: str = "listening"
    environment: typing.Optional[dict] = None
    umask: int = 0o022
    tells: typing.Any = None  # whether the helper said anything (True), or this text, is noted
    signal: typing.Optional[int] = None  # sent to the helper once the server has played its part
    unprivileged: bool = False  # run without the set-user-ID bit
    hangs: bool = False  # whether the server waits in vain; ours is given a second
    needs_synchronous_init: bool = False  # Linux 6.18


def family(prefix, cases, steps, ours, peer=None, **fields):
    """Rows that differ in one value; what comes of them is the same, or stands there by case.

    Steps, and fields that are functions, are given the value.
    """
    def at(case, field):
        if isinstance(field, dict) and not isinstance(field, By):
            return field.get(case)
        return field

    def differs(case):
        transcript = at(case, peer.transcript) if peer else None
        return transcript and Differs(peer.sections, transcript)
    return [Row(f"{prefix}_{case}", tuple(steps(value)), at(case, ours), differs(case),
                **{name: field(value) if callable(field) else field
                   for name, field in fields.items()})
            for case, value in cases.items()]
