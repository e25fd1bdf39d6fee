# SPDX-License-Identifier: LGPL-2.1-or-later
"""The server's side of the fuse service protocol, and a small FUSE server.

Written from the protocol's description alone, so that a misreading shared by the helper and the
FuseService library would show. Everything that a hostile server could do is possible here: raw
packets, silence, unwanted descriptors, early death.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import select
import socket
import stat
import struct
import threading
import time

SOCKET_DIRECTORY = os.environ.get("FSM_SOCKET_DIR", "/run/filesystems")

HELLO = b"SAFT"
HELLO_REPLY = b"LAST"
OPEN = b"OPEN"
BDEV = b"BDEV"
TYPE = b"TYPE"
NAME = b"NAME"
OPTS = b"OPTS"
MTAB = b"MTAB"
MNTP = b"MNTP"
DOIT = b"DOIT"
IOMA = b"IOMA"
SAYS = b"SAYS"
BYEE = b"BYEE"
FILE_REPLY = b"FILE"
SIMPLE_REPLY = b"REPL"
ARGUMENTS = b"ARGS"

ALLOW_OTHER = 1
FUSEBLK = 2
QUIET = 1
LOOP = 2

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_SYNCHRONOUS = 16
MS_REMOUNT = 32
MS_DIRSYNC = 128
MS_NOSYMFOLLOW = 256
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_MOVE = 8192
MS_REC = 16384
MS_UNBINDABLE = 1 << 17
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MS_RELATIME = 1 << 21
MS_STRICTATIME = 1 << 24

FUSE_DEV_IOC_SYNC_INIT = 0xE503

LOOKUP, FORGET, GETATTR, SETATTR = 1, 2, 3, 4
F_OPEN, READ, WRITE, STATFS, RELEASE = 14, 15, 16, 17, 18
FSYNC, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR = 20, 25, 26, 27, 28, 29
ACCESS, INTERRUPT, DESTROY, BATCH_FORGET, READDIRPLUS = 34, 36, 38, 42, 44


def be32(value):
    """A number as it travels."""
    return struct.pack(">I", value)


class SessionEnded(Exception):
    """The helper closed the connection."""


class Node:
    """A file or directory of the served tree."""

    def __init__(self, number, content, owner, group, mode=None):
        self.number = number
        self.owner = owner
        self.group = group
        if isinstance(content, dict):
            self.children = {}
            self.data = None
            self.mode = stat.S_IFDIR | (mode or 0o755)
        else:
            self.children = None
            self.data = bytearray(content)
            self.mode = stat.S_IFREG | (mode or 0o644)


class FuseServer:
    """Answers the kernel on a fuse device from a thread of its own.

    `tree` is a dict of names to bytes or dicts, or bytes when the root is a file. Requests whose
    opcode is in `silent` are never answered; with `silent` None nothing is. `slow` has seconds by
    opcode that an answer takes.
    """

    def __init__(self, device, tree, owner=0, group=0, silent=()):
        self.device = device
        self.silent = silent
        self.seen = []
        self.unanswered = []
        self.init_error = 0
        self.slow = {}
        self.block_size = 4096  # 0 leaves it to the kernel
        self.valid = 1  # seconds for which the kernel need not ask again for what it knows of a file
        self.nodes = {}
        self._build(tree, owner, group)
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC)
        flags = fcntl.fcntl(device, fcntl.F_GETFL)
        fcntl.fcntl(device, fcntl.F_SETFL, flags | os.O_NONBLOCK)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _build(self, content, owner, group):
        node = Node(len(self.nodes) + 1, content, owner, group)
        self.nodes[node.number] = node
        if node.children is not None:
            for name, child in content.items():
                node.children[os.fsencode(name)] = self._build(child, owner, group)
        return node

    def file(self, name):
        """The bytes that a file of the root has now."""
        root = self.nodes[1]
        return bytes(root.data if root.children is None else root.children[os.fsencode(name)].data)

    def answer_at_last(self):
        """Answers what was left without an answer, and from now on everything."""
        self.silent = ()
        while self.unanswered:
            self._answer(*self.unanswered.pop(0))

    def stop(self):
        """Stops answering and closes the device, which ends the connection."""
        if self.device < 0:
            return
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"x")
        self.thread.join(5)
        for descriptor in (self.device, self._wake_read, self._wake_write):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self.device = -1

    def _run(self):
        poll = select.poll()
        poll.register(self.device, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if self._wake_read in ready:
                return
            try:
                request = os.read(self.device, 1 << 20)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.ENOENT, errno.EINTR):
                    continue
                return
            if not request:
                return
            opcode, unique, nodeid = struct.unpack_from("<4xIQQ", request)
            self.seen.append(opcode)
            if self.silent is None or opcode in self.silent:
                self.unanswered.append((opcode, unique, nodeid, request[40:]))
                continue
            time.sleep(self.slow.get(opcode, 0))
            self._answer(opcode, unique, nodeid, request[40:])

    def _answer(self, opcode, unique, nodeid, body):
        if opcode in (FORGET, BATCH_FORGET, INTERRUPT):
            return
        try:
            if opcode == INIT and self.init_error:
                raise OSError(self.init_error, "init")
            reply, code = self._reply(opcode, self.nodes[nodeid or 1], body), 0
        except OSError as error:
            reply, code = b"", error.errno
        with contextlib.suppress(OSError):
            os.write(self.device, struct.pack("<IiQ", 16 + len(reply), -code, unique) + reply)

    def _attributes(self, node):
        size = len(node.data) if node.data is not None else 0
        return struct.pack(
            "<QQQQQQIIIIIIIIII", node.number, size, (size + 511) // 512, 0, 0, 0, 0, 0, 0,
            node.mode, 1, node.owner, node.group, 0, self.block_size, 0)

    def _entry(self, node):
        return struct.pack("<QQQQII", node.number, 1, 1, self.valid, 0, 0) + self._attributes(node)

    def _reply(self, opcode, node, body):
        if opcode == INIT:
            minor = struct.unpack_from("<II", body)[1]
            return struct.pack(
                "<IIIIHHIIHHI28x", 7, min(minor, 31), 65536, 1 << 5, 12, 9, 65536, 1, 0, 0, 0)
        if opcode == GETATTR:
            return struct.pack("<QII", self.valid, 0, 0) + self._attributes(node)
        if opcode == SETATTR:
            valid, size = struct.unpack_from("<I4x8xQ", body)
            if valid & 8 and node.data is not None:
                node.data[:] = node.data[:size].ljust(size, b"\0")
            return struct.pack("<QII", self.valid, 0, 0) + self._attributes(node)
        if opcode == LOOKUP:
            child = (node.children or {}).get(body.split(b"\0", 1)[0])
            if child is None:
                raise OSError(errno.ENOENT, "lookup")
            return self._entry(child)
        if opcode in (F_OPEN, OPENDIR):
            return struct.pack("<QII", 0, 0, 0)
        if opcode == READ:
            offset, size = struct.unpack_from("<8xQI", body)
            return bytes(node.data[offset:offset + size])
        if opcode == WRITE:
            offset, size = struct.unpack_from("<8xQI", body)
            if len(node.data) < offset:
                node.data.extend(bytes(offset - len(node.data)))
            node.data[offset:offset + size] = body[40:40 + size]
            return struct.pack("<II", size, 0)
        if opcode in (READDIR, READDIRPLUS):
            return self._directory(opcode, node, *struct.unpack_from("<8xQI", body))
        if opcode == STATFS:
            return struct.pack("<QQQQQIIII24x", 100, 50, 50, 10, 5, 4096, 255, 4096, 0)
        if opcode in (RELEASE, RELEASEDIR, FLUSH, FSYNC, DESTROY):
            return b""
        raise OSError(errno.ENOSYS, "request")

    def _directory(self, opcode, node, offset, size):
        entries = [(b".", node), (b"..", node), *sorted(node.children.items())]
        result = b""
        for index, (name, child) in enumerate(entries[offset:], offset + 1):
            entry = struct.pack("<QQII", child.number, index, len(name), child.mode >> 12) + name
            entry = entry.ljust((len(entry) + 7) & ~7, b"\0")
            if opcode == READDIRPLUS:
                entry = (self._entry(child) if index > 2 else bytes(128)) + entry
            if len(result) + len(entry) > size:
                break
            result += entry
        return result


class Session:
    """One helper that has connected."""

    def __init__(self, connection):
        self.connection = connection
        self.connection.settimeout(30)
        self.flags = None
        self.arguments = None
        self.arguments_bytes = None
        self.device = -1
        self.fuse = None
        self.received = []
        # The test may end the session while its script is still at work; a server that began then
        # would read from whatever has the device's number by now.
        self.ending = threading.Lock()
        self.is_over = False

    def close(self):
        """Ends everything that this session holds."""
        with self.ending:
            self.is_over = True
            if self.fuse is not None:
                self.fuse.stop()
            elif self.device >= 0:
                os.close(self.device)
            self.device = -1
        self.close_received()
        self.connection.close()

    def close_received(self):
        """Closes all descriptors that came."""
        for descriptor in self.received:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self.received = []

    # Packets

    def send(self, packet, descriptors=()):
        """Sends one datagram, with descriptors that nobody asked for where given."""
        try:
            if descriptors:
                socket.send_fds(self.connection, [packet], list(descriptors))
            else:
                self.connection.send(packet)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise SessionEnded(str(error)) from None

    def receive(self):
        """One datagram and its descriptors."""
        try:
            packet, descriptors, flags, _ = socket.recv_fds(self.connection, 1 << 17, 8)
        except ConnectionResetError as error:
            raise SessionEnded(str(error)) from None
        assert not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC), "a packet was cut"
        if not packet:
            raise SessionEnded("end of file")
        return packet, descriptors

    def simple_reply(self):
        """The error number of the simple reply that comes next."""
        packet, descriptors = self.receive()
        assert not descriptors, "a descriptor came with a simple reply"
        assert packet[:4] == SIMPLE_REPLY and len(packet) == 8, f"no simple reply: {packet!r}"
        return struct.unpack(">I", packet[4:])[0]

    def file_reply(self, path):
        """Error number and descriptor (-1 if none) of the file reply that comes next."""
        packet, descriptors = self.receive()
        self.received += descriptors
        assert packet[:4] == FILE_REPLY, f"no file reply: {packet!r}"
        assert packet[8:] == path + b"\0", f"path {packet[8:]!r} in the reply for {path!r}"
        error = struct.unpack(">I", packet[4:8])[0]
        assert len(descriptors) == (1 if error == 0 else 0), "wrong number of descriptors"
        return error, (descriptors or [-1])[0]

    def ask(self, magic, body, descriptors=()):
        """Sends a command that has a simple reply; the reply's error number."""
        self.send(magic + body, descriptors)
        return self.simple_reply()

    # The commands

    def hello(self, version=1):
        """Both hellos."""
        packet, descriptors = self.receive()
        assert not descriptors
        assert packet[:4] == HELLO and len(packet) == 12, f"no hello: {packet!r}"
        lowest, highest, self.flags = struct.unpack(">HHI", packet[4:])
        assert (lowest, highest) == (1, 1), "the helper offers other versions"
        assert self.flags & ~(ALLOW_OTHER | FUSEBLK) == 0, "libfuse would refuse this hello"
        self.send(HELLO_REPLY + struct.pack(">HH", version, 0))

    def receive_files(self):
        """The command line and the fuse device."""
        error, descriptor = self.file_reply(b"argv")
        assert error == 0
        size = os.fstat(descriptor).st_size
        self.arguments_bytes = os.pread(descriptor, size, 0)
        self.arguments = decode_arguments(self.arguments_bytes)
        error, descriptor = self.file_reply(b"fusedev")
        assert error == 0
        self.received.remove(descriptor)
        self.device = descriptor

    def begin(self):
        """All that comes before the server's first request."""
        self.hello()
        self.receive_files()

    def open(self, path, flags=os.O_RDONLY, mode=0, request_flags=0, block_size=0, magic=OPEN):
        """Asks for a file; error number and descriptor."""
        path = os.fsencode(path)
        self.send(magic + struct.pack(">IIII", flags, mode, request_flags, block_size) + path
                  + b"\0")
        return self.file_reply(path)

    def open_block_device(self, path, block_size=0, flags=os.O_RDONLY, request_flags=0):
        """Asks for a block device; error number and descriptor."""
        return self.open(path, flags, 0, request_flags, block_size, BDEV)

    def type(self, flags=0):
        """fuse, or fuseblk with flags 1."""
        return self.ask(TYPE, be32(flags))

    def name(self, source=b"demo"):
        """The mount's source."""
        return self.ask(NAME, os.fsencode(source) + b"\0")

    def options(self, options):
        """Superblock options."""
        return self.ask(OPTS, os.fsencode(options) + b"\0")

    def table_options(self, options):
        """Userspace options."""
        return self.ask(MTAB, os.fsencode(options) + b"\0")

    def mount_point(self, path, expected=0, padding=0):
        """The mount point and its expected format."""
        return self.ask(MNTP, struct.pack(">HH", expected, padding) + os.fsencode(path) + b"\0")

    def mount(self, flags=MS_NOSUID | MS_NODEV):
        """DOIT."""
        return self.ask(DOIT, be32(flags))

    def says(self, words):
        """Last words."""
        self.send(SAYS + os.fsencode(words) + b"\0")

    def goodbye(self, code=0):
        """BYEE; then the connection is shut for writing, as a server's close would."""
        self.send(BYEE + be32(code))

    def prepare(self, target, source=b"demo"):
        """All that a mount needs before DOIT; fails when anything is refused."""
        for reply in (self.type(), self.name(source), self.mount_point(target)):
            assert reply == 0, f"refused with {reply}"

    def wait_for_end(self):
        """Waits until the helper has closed its end; the errors of queued replies on the way."""
        replies = []
        with contextlib.suppress(SessionEnded):
            while True:
                packet, descriptors = self.receive()
                self.received += descriptors
                replies.append(struct.unpack(">I", packet[4:8])[0])
        return replies

    def serve(self, tree=None, owner=0, group=0, silent=()):
        """Answers the kernel from now on, from a thread."""
        content = {"hello": b"hello, world\n"} if tree is None else tree
        with self.ending:
            if self.is_over or self.device < 0:
                raise SessionEnded("the test has ended the session")
            self.fuse = FuseServer(self.device, content, owner, group, silent)
        return self.fuse

    def synchronous_init(self):
        """Makes the creation of the superblock wait for INIT's answer (Linux 6.18)."""
        fcntl.ioctl(self.device, FUSE_DEV_IOC_SYNC_INIT)


def decode_arguments(content):
    """The command line in the memory file."""
    assert content[:4] == ARGUMENTS, content[:4]
    count = struct.unpack(">I", content[4:8])[0]
    result = []
    for index in range(count):
        offset, length = struct.unpack_from(">II", content, 8 + 8 * index)
        element = content[offset:offset + length]
        assert len(element) == length and element[-1:] == b"\0" and b"\0" not in element[:-1]
        result.append(element[:-1])
    return result


def encode_arguments(words):
    """The memory file that a command line must give, byte for byte."""
    offset = 8 + 8 * len(words)
    table, strings = b"", b""
    for word in words:
        table += struct.pack(">II", offset + len(strings), len(word) + 1)
        strings += word + b"\0"
    return ARGUMENTS + be32(len(words)) + table + strings


class Service:
    """A service socket whose every connection is handled by `script(session)` in a thread."""

    def __init__(self, subtype, script, mode=0o666):
        self.path = os.path.join(SOCKET_DIRECTORY, subtype)
        self.script = script
        self.sessions = []
        self.results = []
        self.failures = []
        self.done = threading.Semaphore(0)
        self.threads = []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        os.chmod(self.path, mode)
        self.listener.listen(16)
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            session = Session(connection)
            self.sessions.append(session)
            thread = threading.Thread(target=self._run, args=(session,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _run(self, session):
        try:
            self.results.append(self.script(session))
        except Exception as error:  # whatever it is, the test must hear of it
            self.failures.append(error)
            session.connection.close()
        self.done.release()

    def result(self, timeout=20):
        """What the script returned for the next connection; raises what it raised."""
        if not self.done.acquire(timeout=timeout):
            raise AssertionError("the server's script did not end")
        if self.failures:
            raise AssertionError(f"in the server's script: {self.failures[0]!r}") \
                from self.failures[0]
        return self.results[-1]

    @property
    def session(self):
        """The latest session."""
        return self.sessions[-1]

    def close(self):
        """Stops listening and ends every session."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.acceptor.join(5)
        for session in self.sessions:
            session.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def mounting(target, *, name=b"demo", flags=MS_NOSUID | MS_NODEV, superblock=None, table=None,
             kind=None, tree=None, owner=0, group=0, code=0, before=None, silent=(),
             expected=0):
    """A script that mounts as an ordinary server does and then serves; its replies' sum is 0."""
    def script(session):
        session.begin()
        value = before(session) if before else None
        if kind is not None:
            assert session.type(kind) == 0
        assert session.name(name) == 0, "NAME refused"
        assert session.mount_point(target, expected) == 0, "MNTP refused"
        if superblock is not None:
            assert session.options(superblock) == 0, "OPTS refused"
        if table is not None:
            assert session.table_options(table) == 0, "MTAB refused"
        reply = session.mount(flags)
        assert reply == 0, f"DOIT refused: {os.strerror(reply)}"
        session.goodbye(code)
        session.serve(tree, owner, group, silent)
        return value
    return script


libc = ctypes.CDLL(None, use_errno=True)
