# SPDX-License-Identifier: LGPL-2.1-or-later
"""What libfuse's own servers said, from the fixtures of the Swift tests, as conversations."""

import os
import re

import fuse_service as wire
from .rows import Row
from .steps import BEGIN, bye, raw

TESTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIXTURES = os.path.join(TESTS, "MountProtocolTests/Fixtures/RecordedSessions.swift")
PLACES = [(b"/srv/disk.img", b"{image}"), (b"/home/disk.img", b"{image}"),
          (b"/home/\xe4.img", b"{latin}"), (b"/home/nothing.img", b"{new}"),
          (b"/dev/loop0", b"{device}"), (b"/mnt/data", b"{target}"), (b"/home/mnt", b"{target}"),
          (b"/home/file", b"{target}")]


def place(content):
    """Bytes with the stage's places for those of the recording."""
    for path, name in PLACES:
        content = content.replace(path, name)
    return content


def sessions():
    """The packets of each recorded session: pairs of sender and bytes."""
    with open(FIXTURES, encoding="utf-8") as file:
        text = file.read()
    found = re.findall(r'static let (\w+) = RecordedSession\(.*?record: """\n(.*?)\n *"""', text,
                       re.DOTALL)
    result = {}
    for name, record in found:
        packets = []
        for line in record.splitlines():
            words = line.split()
            if not re.fullmatch(r"[0-9a-f]+", words[0]):
                packets.append([words.pop(0), b""])
            packets[-1][1] += bytes.fromhex("".join(words))
        result[name] = packets
    return result


SESSIONS = sessions()


def replay(session, ours, peer=None, **fields):
    """A row that says what the recorded server said, to a helper that is called as it was then."""
    steps, words = [*BEGIN], ()
    for sender, packet in SESSIONS[session]:
        if sender == "argv":
            arguments = [place(word) for word in wire.decode_arguments(packet)]
            words = (*(os.fsdecode(word) for word in arguments[1:]), "-t", "fuse.demo")
        elif sender == "server" and packet[:4] == wire.BYEE:
            steps.append(bye(int.from_bytes(packet[4:], "big")))
        elif sender == "server" and packet[:4] in (wire.OPEN, wire.BDEV):
            path = place(packet[20:-1])
            steps.append(raw(packet[:20] + path + b"\0", path=path, keep=True))
        elif sender == "server" and packet[:4] != wire.HELLO_REPLY:
            steps.append(raw(place(packet)))
    return Row("recorded_" + re.sub(r"([A-Z]+)", r"_\1", session).lower(), tuple(steps), ours,
               peer, words=words, **fields)
