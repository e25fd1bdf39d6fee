# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers that are programs of their own, behind a socket as a service manager starts them, and a
record of what both sides sent."""

import contextlib
import os
import socket
import struct
import subprocess
import threading

from fuse_service import FILE_REPLY, SOCKET_DIRECTORY
from support import eventually

NOBODY = 65534  # as whom the servers run: what they get, they get from the helper


class Relay:
    """Hands on what two sockets receive, descriptors and end too, and keeps the bytes.

    `record` has a pair of sender (`helper`, `helper+fd` or `server`) and bytes for each packet, and
    one of `argv` and the content of the file that came under this name.
    """

    def __init__(self, helper, server):
        self.record = []
        self.sockets = (helper, server)
        self.threads = [
            threading.Thread(target=self.hand_on, args=words, daemon=True)
            for words in ((helper, server, "helper"), (server, helper, "server"))]
        for thread in self.threads:
            thread.start()

    def hand_on(self, source, target, sender):
        """One direction."""
        with contextlib.suppress(OSError):
            while True:
                packet, descriptors, _, _ = socket.recv_fds(source, 1 << 17, 8)
                if not packet:
                    break
                self.keep(packet, descriptors, sender)
                socket.send_fds(target, [packet], descriptors)
                for descriptor in descriptors:
                    os.close(descriptor)
        for end in self.sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_WR if end is target else socket.SHUT_RD)

    def keep(self, packet, descriptors, sender):
        """Adds to the record, before the other side can answer."""
        self.record.append((sender + "+fd" * len(descriptors), packet))
        if packet == FILE_REPLY + bytes(4) + b"argv\0" and descriptors:
            size = os.fstat(descriptors[0]).st_size
            self.record.append(("argv", os.pread(descriptors[0], size, 0)))

    def close(self):
        """Ends it."""
        for end in self.sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(5)
        for end in self.sockets:
            end.close()


def start_server(command, connection):
    """Starts a server for a connection, which is the server's from then on."""
    with connection:
        # The shell has the number of the process that it will be.
        return subprocess.Popen(
            ["/bin/sh", "-c", 'exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"',
             *command],
            stdin=connection.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", env={"PATH": "/usr/bin:/bin"})


class RealServer:
    """A program behind a socket: one process a connection, which has no rights, and is relayed.

    `calls` has the command line of each helper that connected, as the kernel keeps it.
    """

    def __init__(self, subtype, program, words=()):
        self.path = os.path.join(SOCKET_DIRECTORY, subtype)
        self.command = [program, *words]
        self.processes = []
        self.relays = []
        self.calls = []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(16)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        """Starts a server for each connection."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                process = struct.unpack("3i", connection.getsockopt(
                    socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
                with open(f"/proc/{process}/cmdline", "rb") as file:
                    self.calls.append(file.read())
                ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                self.processes.append(start_server(self.command, theirs))
                self.relays.append(Relay(connection, ours))

    def record(self):
        """What was sent in the only conversation, once it is over."""
        # It begins inside Relay(), so the helper may have ended before `accept` adds it.
        eventually(lambda: self.relays)
        assert len(self.relays) == 1, f"{len(self.relays)} conversations"
        for thread in self.relays[0].threads:
            thread.join(5)
        return self.relays[0].record

    def statuses(self, timeout=5.0):
        """The exit statuses of all servers, once they have ended; None for one that has not."""
        eventually(lambda: all(process.poll() is not None for process in self.processes), timeout)
        return [process.returncode for process in self.processes]

    def close(self):
        """Ends it all."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)
        for process in self.processes:
            process.kill()
            process.wait()
        for relay in self.relays:
            relay.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
