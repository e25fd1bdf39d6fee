# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tables of docs/interop.md, made of what came of each test."""

import os

from conversations import ROWS
from conversations.recorded import COMMAND_LINES, SESSIONS
from interop_cases import (AT_ONCE, CALLED, CALLED_SERVERS, CALLS, CASES, OURS, at_once, behind,
                           called, is_recorded_behind_ours, may_call, recorded)

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/interop.md")
PLACES = [(who, source) for who in ("root", "user") for source in ("file", "device")]
# The conversations that are as a server of a real file system has them, and what libfuse's library
# of today does not say.
SCRIPTED = ("server_", "io_mapping_", "says")


class Results(dict):
    """What became of each test: `ok`, `FAIL` or `skip`."""

    def __missing__(self, key):
        return "skip"


class AllPassed(dict):
    """The results of a run in which nothing failed."""

    def __missing__(self, key):
        return "ok"


def result(results, ids, word):
    """A word when all of the tests passed; else what became of them."""
    found = {results[id] for id in ids}
    return word if found == {"ok"} else "**failed**" if "FAIL" in found else "**not run**"


def code(text):
    """A text between backquotes, in a table's cell."""
    return f"`{text}`".replace("|", "\\|") if text else "–"


def table(head, rows):
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def difference(section):
    """A link to the reason of a difference."""
    return f"[{section}](peer-differences.md#{section})"


def caller_words(case):
    """What the caller writes, fuse.conf included."""
    words = " ".join([*(["-o", case.options] if case.options else []), *case.words])
    return code(words) + (f" and {code(case.conf.strip())} in fuse.conf" if case.conf else "")


def outcome(case, source, who):
    """What comes of a case, in a word or two."""
    refused = case.at("refused", source, who)
    if refused:
        return "refused by the server" if refused.startswith("the server") else code(refused)
    return "mounted" if case.at("reads", source, who) else "mounted, not served"


def servers(results):
    """Each server behind each helper."""
    rows = []
    for server, cases in CASES.items():
        for case in cases:
            line = [code(server), caller_words(case)]
            for who, source in PLACES:
                at = "nothing" if case.sources == ("nothing",) and source == "file" else source
                line.append(result(results, [behind(server, case, at, who, False).id],
                                   outcome(case, at, who))
                            if at in case.sources and who in case.callers else "–")
            theirs = [behind(server, case, source, who, True).id
                      for source in case.sources for who in case.callers]
            line.append(result(results, theirs, difference(case.why) if case.peer else "same"))
            rows.append(line)
    return table(["server", "words", *(f"{who}, {source}" for who, source in PLACES),
                  "libfuse's helper"], rows)


def calls(results):
    """mount.fuse3 in front of our helper."""
    rows = []
    for call, words in CALLS.items():
        for case in CALLED:
            line = [code(words + (f" -o {case.options}" if case.options else ""))]
            for server in CALLED_SERVERS:
                ids = [called(server, case, call, theirs).id for theirs in (False, True)]
                line.append(result(results, ids, "mounted") if may_call(server, call) else "–")
            rows.append(line)
    return table(["call", *map(code, CALLED_SERVERS)], rows)


def together(results):
    """Mounts at the same time."""
    return table(["server", "our helper", "libfuse's helper"], [
        [code(server), *(result(results, [at_once(server, theirs).id], f"{AT_ONCE} mounted")
                         for theirs in (False, True))] for server in CASES])


def scripted(results):
    """Conversations as other servers have them."""
    rows = []
    for row in ROWS:
        if row.name.startswith(SCRIPTED):
            names = [f"test_{row.name}__{'root' if caller.uid == 0 else 'user'}"
                     for caller in row.callers]
            rows.append([
                code(row.name),
                result(results, [f"test_differences.Ours.{name}" for name in names], row.ours),
                result(results, [f"test_differences.Peer.{name}" for name in names],
                       ", ".join(map(difference, row.peer.sections)) if row.peer else "same")])
    return table(["conversation", "our helper", "libfuse's helper"], rows)


def sessions(results):
    """Recorded conversations, held again."""
    rows = []
    for session in SESSIONS:
        ours = result(results, [recorded(session, False).id], "same packets") \
            if is_recorded_behind_ours(session) else "–"
        rows.append([code(session), code(COMMAND_LINES[session]), ours,
                     result(results, [recorded(session, True).id], "same packets")])
    return table(["session", "command line", "our helper", "libfuse's helper"], rows)


def tables(results):
    """All of them."""
    return "\n".join([
        "### Servers behind helpers\n", servers(results),
        "### mount.fuse3 in front of our helper\n", calls(results),
        "### Many mounts at once\n", together(results),
        "### Conversations as other servers have them\n", scripted(results),
        "### Recorded conversations, held again\n", sessions(results)])


assert set(OURS) < set(CASES)
