# SPDX-License-Identifier: LGPL-2.1-or-later
"""What libfuse's own servers said, from the fixtures of the Swift tests, as conversations."""

import os
import re

import fuse_service as wire
from .rows import Row
from .steps import BEGIN, bye, raw, send

TESTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIXTURES = [os.path.join(TESTS, "MountProtocolTests/Fixtures", name)
            for name in ("RecordedSessions.swift", "InteropSessions.swift")]
PLACES = [(b"/srv/disk.img", b"{image}"), (b"/home/disk.img", b"{image}"),
          (b"/home/\xe4.img", b"{latin}"), (b"/home/nothing.img", b"{new}"),
          (b"/dev/loop0", b"{device}"), (b"/mnt/data", b"{target}"), (b"/home/mnt", b"{target}"),
          (b"/home/file", b"{target}")]


def place(content):
    """Bytes with the stage's places for those of the recording."""
    for path, name in PLACES:
        content = content.replace(path, name)
    return content


def fixtures():
    """Name, command line and record of each recorded session, as they are written."""
    for path in FIXTURES:
        with open(path, encoding="utf-8") as file:
            yield from re.findall(
                r'static let (\w+) = RecordedSession\(.*?commandLine: (.*?),\s+record: """\n'
                r'(.*?)\n *"""', file.read(), re.DOTALL)


def packets(record):
    """The packets of a session: pairs of sender and bytes."""
    result = []
    for line in record.splitlines():
        words = line.split()
        if not re.fullmatch(r"[0-9a-f]+", words[0]):
            result.append([words.pop(0), b""])
        result[-1][1] += bytes.fromhex("".join(words))
    return [tuple(packet) for packet in result]


SESSIONS = {name: packets(record) for name, _, record in fixtures()}
COMMAND_LINES = {name: "".join(re.findall(r'"(.*?)"', line)).replace("\\\\", "\\")
                 for name, line, _ in fixtures()}


def replay(session, ours, peer=None, **fields):
    """A row that says what the recorded server said, to a helper that is called as it was then."""
    steps, words, call = [*BEGIN], (), dict(SESSIONS[session]).get("call")
    if call:
        program, *words = (os.fsdecode(place(word)) for word in call.split(b"\0")[:-1])
        words[words.index("-t") + 1] = "demo"
        fields = {"program": program, **fields}
    for sender, packet in SESSIONS[session]:
        if sender == "argv" and not call:
            arguments = [place(word) for word in wire.decode_arguments(packet)]
            words = (*(os.fsdecode(word) for word in arguments[1:]), "-t", "fuse.demo")
        elif sender == "server" and packet[:4] == wire.BYEE:
            steps.append(bye(int.from_bytes(packet[4:], "big")))
        elif sender == "server" and packet[:4] == wire.SAYS:
            steps.append(send(packet))
        elif sender == "server" and packet[:4] in (wire.OPEN, wire.BDEV):
            path = place(packet[20:-1])
            steps.append(raw(packet[:20] + path + b"\0", path=path, keep=True))
        elif sender == "server" and packet[:4] != wire.HELLO_REPLY:
            steps.append(raw(place(packet)))
    return Row("recorded_" + re.sub(r"([A-Z]+)", r"_\1", session).lower(), tuple(steps), ours,
               peer, words=tuple(words), **fields)
