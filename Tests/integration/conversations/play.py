# SPDX-License-Identifier: LGPL-2.1-or-later
"""A conversation on its stage, and its transcript."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time

import fuse_service as wire
import support
from .steps import answer, shorten


class Stage:
    """The places of one conversation."""

    def __init__(self, test, caller):
        self.test = test
        self.caller = caller
        self.hello_flags = 0
        self.heard = None
        self.directory = test.directory(caller)
        self.places = {"dir": self.directory}
        for name in ("image", "other", "third"):
            self.places[name] = test.file(caller, name=name, directory=self.directory)
        for name in ("target", "elsewhere"):
            self.places[name] = os.path.join(self.directory, name)
            os.mkdir(self.places[name])
            os.chown(self.places[name], caller.uid, caller.gid)
        self.before = {mount.number: mount for mount in support.mounts()}

    def fill(self, text):
        """The bytes that a word of the table stands for here."""
        raw = os.fsencode(text)
        for name, path in self.places.items():
            raw = raw.replace(b"{%s}" % name.encode(), os.fsencode(path))
        return raw

    def strip(self, text):
        """A text of this run with the places' names put back."""
        for name, path in sorted(self.places.items(), key=lambda item: -len(item[1])):
            text = text.replace(path, "{%s}" % name)
        return text

    def add(self, name, path):
        """One more place."""
        self.places[name] = path
        return path

    def changes(self):
        """How the mount table differs from what it was."""
        now = {mount.number: mount for mount in support.mounts()}
        fresh = [mount for number, mount in now.items() if number not in self.before]
        notes = [("mounted " + self.describe(mount)).strip() for mount in fresh]
        for number, mount in self.before.items():
            if number not in now:
                notes.append("gone " + self.strip(mount.target))
            elif (now[number].target, now[number].attributes) != (mount.target, mount.attributes):
                notes.append("changed " + self.describe(now[number]))
        return notes

    def describe(self, mount):
        """A mount in words: where if not at the target, type, source, flags, superblock options.

        No word at all when it is the one that an ordinary server gets.
        """
        owner = {f"user_id={self.caller.uid}", f"group_id={self.caller.gid}"}
        where = self.strip(mount.target)
        parts = [] if where == "{target}" else [where]
        parts += [mount.type, shorten(self.strip(mount.source)), in_order(mount.attributes)]
        if mount.type.startswith("fuse"):
            parts.append(in_order(mount.superblock - owner))
            if not owner <= mount.superblock:
                parts.append("of somebody else")
        words = " ".join(parts)
        return "" if words == "fuse.demo demo rw,nodev,nosuid,relatime rw" else words

    def clean(self):
        """Takes away what the conversation has left."""
        for mount in reversed(support.mounts()):
            if mount.number not in self.before:
                support.detach(mount.target)
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/run/mount/utab")


def in_order(words):
    """Options in an order that does not depend on the kernel."""
    first = [word for word in ("ro", "rw") if word in words]
    return ",".join(first + sorted(words - set(first)))


def listen(kind, test, script):
    """What stands at the place of the service's socket; a service when there is one."""
    path = os.path.join(wire.SOCKET_DIRECTORY, test.type)
    if kind == "listening":
        return test.service(script)
    if kind == "private":
        return test.service(script, mode=0o600)
    if kind == "file":
        with open(path, "wb"):
            test.addCleanup(os.unlink, path)
        os.chmod(path, 0o666)
    elif kind != "missing":
        of_type = socket.SOCK_STREAM if kind == "stream" else socket.SOCK_SEQPACKET
        listener = socket.socket(socket.AF_UNIX, of_type)
        test.addCleanup(listener.close)
        listener.bind(path)
        os.chmod(path, 0o666)
        test.addCleanup(os.unlink, path)
        if kind == "full":
            listener.listen(0)
            first = socket.socket(socket.AF_UNIX, of_type)
            test.addCleanup(first.close)
            first.connect(path)
        elif kind == "stream":
            listener.listen()
    return None


class Play:
    """A row with a helper and a caller."""

    def __init__(self, test, row, caller, helper, limit):
        self.row = row
        self.helper = helper
        self.limit = limit
        self.stage = Stage(test, caller)
        self.test = test
        self.notes = []
        self.played = False
        self.records = []

    def transcript(self):
        """Runs it."""
        stage, row = self.stage, self.row
        for furnish in row.furnish:
            furnish(self.test, stage)
        stage.before = {mount.number: mount for mount in support.mounts()}
        self.records = support.utab() or []
        service = listen(row.service, self.test, self.script)
        words = [stage.fill(word) for word in row.words]
        words += [b"-o", stage.fill(row.options)] if row.options is not None else []
        words += [stage.fill(word) for word in row.more]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        running = self.test.start(
            [row.program or "fuservicemount3", *words], stage.caller, executable=self.helper,
            umask=row.umask, cwd=stage.directory, start_new_session=True,
            env={**environment, **(row.environment or {})})
        try:
            status, said = self.wait(running.process)
            # The connection may lie in the queue still, when the helper did not wait for anything.
            if service is not None and support.eventually(lambda: service.sessions, 0.05):
                service.result()
            self.notes.append(status)
            if row.tells is True:
                self.notes.append("said something" if said else "said nothing")
            elif row.tells:
                self.notes.append("said so" if row.tells.encode() in said else "did not say so")
            self.notes += stage.changes()
            self.notes += self.recorded()
            self.notes += [note(stage) for note in row.look]
        finally:
            if service is not None:
                service.close()
            stage.clean()
        return re.sub(r"[^ -~]", lambda found: f"<{ord(found[0]):02x}>",
                      "; ".join(note for note in self.notes if note))

    def script(self, session):
        """The server's part."""
        for step in self.row.steps:
            try:
                note = step.act(session, self.stage)
            except wire.SessionEnded:
                self.notes.append(f"{step.label} closed")
                break
            if note is not None:
                self.notes.append(f"{step.label} {note}")
        self.played = True
        if session.connection.fileno() < 0:
            return
        with contextlib.suppress(wire.SessionEnded):
            while True:
                self.notes.append("more " + answer(session))

    def wait(self, process):
        """Waits for the helper's end; its status in words and what it said."""
        if self.row.signal is not None:
            support.eventually(lambda: self.played, 5)
            time.sleep(0.1)
            process.send_signal(self.row.signal)
        try:
            out, err = process.communicate(timeout=self.limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return "hangs", b""
        if process.returncode < 0:
            return f"killed by {signal.Signals(-process.returncode).name}", out + err
        return f"exit {process.returncode}", out + err

    def recorded(self):
        """The entries of utab."""
        notes = []
        for line in support.utab() or []:
            if line in self.records:
                continue
            words = dict(word.split("=", 1) for word in line.split(" ") if "=" in word)
            where = self.stage.strip(support.unescape(words.get("TARGET", "?")))
            notes.append("recorded " + (where + " " if where != "{target}" else "")
                         + shorten(words.get("OPTS", "nothing")))
        return notes
