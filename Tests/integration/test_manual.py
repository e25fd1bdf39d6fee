# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual pages say what the programs do: their options, and examples that were run."""

import glob
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import typing
import unittest

import fuse_service as wire
import support
from loops import reason_for_none
from real_server import RealServer
from support import ALICE, HelperTest, mount_at, parametrized
from test_servers import SINGLEFILEFS

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = {os.path.basename(path): path for path in sorted(glob.glob(f"{ROOT}/man/*.[1-8]"))}
BUILT = os.path.join(ROOT, ".build/embedded/release")
PROGRAMS = [(name, name) for name in ("fuservicemount3", "singlefilefs", "fuse-service-adapter")]
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "FILES", "EXAMPLES", "SEE ALSO",
            "SECURITY CONSIDERATIONS")
OF_PROGRAMS = ("OPTIONS", "EXIT STATUS", "DIAGNOSTICS")
# What --help shows of other programs: mount, systemd-socket-activate and squashfuse.
OF_OTHERS = {"singlefilefs": {"-t", "-o", "-l", "--accept", "--seqpacket"},
             "fuse-service-adapter": {"-f", "-o"}}
# What a summary leaves out.
ONLY_ON_THE_PAGE = {"fuservicemount3": {"-r", "-h", "-V", "-N"}, "singlefilefs": {"-h", "-V"}}
MIB = 1 << 20


class Example(typing.NamedTuple):
    """What a page shows: commands with what they print, or a file."""

    page: str
    section: str
    text: str

    def commands(self):
        """Each command with the words that it prints."""
        found = []
        for line in self.text.splitlines():
            if line[:2] in ("$ ", "# "):
                found.append([line[0] == "#", line[2:], ""])
            elif line.startswith("> "):
                found[-1][1] += "\n" + line[2:]
            elif found:
                found[-1][2] += line + "\n"
        return found


def sections(page):
    """The source of each section, by its title."""
    with open(PAGES[page], encoding="utf-8") as file:
        parts = re.split(r"(?m)^\.Sh (.*)\n", file.read())
    return dict(zip(parts[1::2], parts[2::2]))


def plain(text):
    """The text of a line without its escapes."""
    return text.replace("\\&", "").replace("\\e", "\\").replace("\\-", "-")


def examples():
    """All of them: what stands in literal blocks of EXAMPLES, and every command anywhere."""
    for page in PAGES:
        for section, source in sections(page).items():
            blocks = re.findall(r"(?ms)^\.Bd -literal.*?\n(.*?)^\.Ed", source)
            blocks += re.findall(r"(?m)^\.Dl (.*)$", source)
            for block in blocks:
                example = Example(page, section, plain(block))
                if section == "EXAMPLES" or block[:2] in ("$ ", "# "):
                    yield example


SHELL = [(re.sub(r"\W+", "-", f"{one.page}-{number}"), one)
         for number, one in enumerate(examples()) if one.text[:2] == "$ " or
         one.text.startswith("# ") and "\n" not in one.text]
FILES = [one for one in examples() if one not in [shown for _, shown in SHELL]]


def flags_of_page(page, titles, macro=""):
    """The options that some sections of a page name, in all of its lines or those of one macro."""
    found = set()
    for title in titles:
        for line in re.findall(rf"(?m)^\.{macro}.*\bFl .*", sections(page).get(title, "")):
            for words in re.findall(r"\bFl ((?:(?![A-Z][a-z]\b)\S+ ?)*)", line):
                for word in words.split():
                    if re.fullmatch("-[a-z][a-z-]*=?", word):
                        found.add("-" + word.rstrip("="))
                    elif re.fullmatch("[A-Za-z]+", word):
                        found.update("-" + letter for letter in word)
    return found


def described(program):
    """The options that the program's page has an item for."""
    return flags_of_page(f"{program}.8", ("OPTIONS", "USE BY MOUNT(8)"), "It ")


def flags_of_help(text):
    """The options that --help names."""
    found = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
    found.update(re.findall(r"(?<![\w-])-[A-Za-z](?![\w-])", text))
    for letters in re.findall(r"\[-([a-z]+)\]", text):
        found.update("-" + letter for letter in letters)
    return found


class Manual(HelperTest):
    """What the pages are made of."""

    @parametrized(page=[(page, page) for page in PAGES])
    def test_a_page_has_the_sections_that_a_reader_looks_for(self, page):
        wanted = [*SECTIONS, *(OF_PROGRAMS if page[:-2] in dict(PROGRAMS) else ())]
        self.assertEqual([title for title in wanted if title not in sections(page)], [])

    @parametrized(program=PROGRAMS)
    def test_the_help_and_the_page_name_the_same_options(self, program):
        done = subprocess.run([os.path.join(BUILT, program), "--help"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=True)
        shown = flags_of_help(done.stdout) - OF_OTHERS.get(program, set())
        self.assertEqual(described(program) - shown, ONLY_ON_THE_PAGE.get(program, set()))
        self.assertEqual(shown - described(program), set())

    @parametrized(program=PROGRAMS)
    def test_each_option_of_the_synopsis_is_described(self, program):
        named = flags_of_page(f"{program}.8", ("SYNOPSIS",)) - OF_OTHERS.get(program, set())
        self.assertEqual(named - described(program), set())

    @parametrized(page=[(page, page) for page in PAGES])
    def test_what_the_examples_display_is_what_the_tests_find(self, page):
        source = sections(page)["EXAMPLES"]
        displays = re.findall(r"(?m)^\.(Bd .*|D1 .*|Dl .*|nf|EX)$", source)
        found = [one for one in examples() if (one.page, one.section) == (page, "EXAMPLES")]
        known = [one for one in displays if one.startswith(("Bd -literal", "Dl "))]
        self.assertEqual(displays, known)
        self.assertEqual(len(displays), len(found))
        commands = sum(len(one.commands()) for one in found if one.text[:2] == "$ ")
        self.assertEqual(len(re.findall(r"(?m)^(?:\.Dl )?\$ ", source)), commands)

    @parametrized(page=[(page, page) for page in PAGES])
    def test_every_page_of_ours_that_a_page_names_is_there(self, page):
        with open(PAGES[page], encoding="utf-8") as file:
            named = re.findall(r"(?m)^\.Xr ((?:fuse|singlefile)\S*) (\d)", file.read())
        others = ("fuse.4", "fusermount3.1")
        self.assertEqual([f"{name}.{number}" for name, number in named
                          if f"{name}.{number}" not in (*PAGES, *others)], [])


class Examples(HelperTest):
    """Every example is run, or put where its file belongs."""

    type = "singlefilefs"

    def stage(self):
        """A user's directory with an image, a key and a mount point, and services."""
        home = self.directory(ALICE)
        self.file(ALICE, os.urandom(2 * MIB), name="disk.img", directory=home)
        self.file(ALICE, b"key", name="disk.key", directory=home)
        self.file(ALICE, b"an archive", name="archive.tar", directory=home)
        os.mkdir(f"{home}/bin")
        os.symlink(support.stage.helper, f"{home}/bin/fuservicemount3")
        self.link("mount.fuse.singlefilefs")
        for subtype in ("singlefilefs", "squashfs", "archive"):
            server = RealServer(subtype, SINGLEFILEFS)
            self.addCleanup(server.close)

        def vault(session):
            """A server that wants the key as well."""
            session.begin()
            words = [os.fsdecode(word) for word in session.arguments]
            key = words[words.index("-o") + 1].removeprefix("key=")
            for path in (words[1], key):
                reply, _ = session.open(path)
                assert reply == 0, f"{path}: {os.strerror(reply)}"
            session.prepare(words[2])
            assert session.mount() == 0
            session.goodbye(0)
            session.wait_for_end()
        self.service(vault, "vaultfs")
        return home

    @parametrized(example=SHELL)
    def test_the_example_does_what_the_page_says(self, example):
        home = self.stage()
        for as_root, command, shown in example.commands():
            if "mkdir mnt" not in example.text and "mnt" in command and not os.path.isdir(f"{home}/mnt"):
                os.mkdir(f"{home}/mnt")
                os.chown(f"{home}/mnt", ALICE.uid, ALICE.gid)
            command = command.replace("/home/ann/", f"{home}/")
            environment = {"PATH": f"{home}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
            if as_root:
                link = shlex.split(command)[-1]
                if link.startswith("/usr/sbin/mount.fuse.") and os.path.lexists(link):
                    os.unlink(link)  # it is put there anew, and the stage takes it away
                outcome = self.run_as(support.ROOT, "bash", "-c", command, cwd=home, env=environment)
            else:
                outcome = self.run_as(ALICE, "bash", "-c", command, cwd=home, env=environment)
            self.assertEqual((outcome.status, outcome.err), (0, ""), command)
            self.assertEqual(self.alike(outcome.out), self.alike(shown), command)
        if mount_at(f"{home}/mnt"):
            self.unmount(f"{home}/mnt", ALICE)

    def alike(self, text):
        """Without how long it took, and where a line that is too long for the page ends."""
        return re.sub(r"\d+(\.\d+)? (ms|s)\b", "TIME", " ".join(text.split()))

    def test_a_file_that_is_shown_is_one_that_is_tried_here(self):
        self.assertEqual([(one.page, one.text.split("\n", 1)[0]) for one in FILES], [
            ("fuse-service-adapter.8", "[Service]"),
            ("fuse-service-adapter.8", "[Service]"),
            ("fuse-service.7", "# arfs.socket"),
            ("fuse.conf.5", "# Who uses such a mount asks its server for every answer."),
            ("fuservicemount3.conf.5", "# One image at a time, and room for its journal."),
        ])

    def text_of(self, page, number=0):
        """A file that a page shows."""
        return [one.text for one in FILES if one.page == page][number]

    @parametrized(service=[("squashfs", (0, "squashfs")), ("exfat", (1, "exfat"))])
    def test_the_commands_of_the_adapters_page_are_those_of_the_services(self, service):
        number, kind = service
        made = self.directory(support.ROOT)
        subprocess.run([sys.executable, "-B", f"{ROOT}/packaging/units", made, kind], check=True)
        with open(f"{made}/fuse-service-{kind}@.service", encoding="utf-8") as file:
            real = re.search("(?m)^ExecStart=(.*)", file.read())[1]
        shown = self.text_of("fuse-service-adapter.8", number).replace("\\\n", " ")
        self.assertEqual(shlex.split(shown.split("ExecStart=")[1]), shlex.split(real))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd here")
    def test_systemd_takes_the_units_of_the_protocols_page(self):
        made = self.directory(support.ROOT)
        parts = re.split(r"(?m)^# (arfs\S+)\n", self.text_of("fuse-service.7"))[1:]
        names = dict(zip(parts[::2], parts[1::2]))
        self.assertEqual(set(names), {"arfs.socket", "arfs@.service"})
        for name, text in names.items():
            with open(f"{made}/{name}", "w", encoding="utf-8") as file:
                file.write(text.replace("/usr/libexec/arfs", "/bin/true"))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", f"{made}/arfs.socket", f"{made}/arfs@x.service"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_fuse_conf_as_shown_lets_a_user_give_allow_other(self):
        self.fuse_conf(self.text_of("fuse.conf.5"))
        service, target, _ = self.mount(ALICE, options="allow_other", superblock="allow_other")
        service.close()
        self.unmount(target, ALICE)

    @unittest.skipIf(reason_for_none(), reason_for_none())
    def test_fuservicemount3_conf_as_shown_gives_a_user_two_loop_devices(self):
        self.own_conf(self.text_of("fuservicemount3.conf.5"))
        self.addCleanup(shutil.rmtree, "/run/fuservicemount3", True)
        held = []

        def ask(session):
            session.begin()
            reply, opened = session.open(session.arguments[1], os.O_RDWR, 0, wire.LOOP)
            assert reply == 0, os.strerror(reply)
            held.append(os.dup(opened))
            session.goodbye(1)
            return os.fstat(opened).st_rdev != 0
        outcomes = []
        for _ in range(3):
            outcome, result = self.converse(ask, ALICE, source=self.file(ALICE, bytes(MIB)))
            self.assertNotIn("fuservicemount3.conf", outcome.err)
            outcomes.append(result)
        self.assertEqual(outcomes, [True, True, False])
        for opened in held:
            os.close(opened)


class TwoPrograms(HelperTest):
    """What fuse.conf(5) says of the programs that follow the file, which is not all the same."""

    def attempt(self, program, options=None):
        """Whether a user's mount is made, and what is said."""
        target = self.target(ALICE)
        if program == "fuservicemount3":
            script = wire.mounting(target, owner=ALICE.uid, group=ALICE.gid, superblock=options)
            with self.service(script):
                outcome = self.helper(self.words("demo", target, options), ALICE)
                if outcome.status == 0:
                    self.unmount(target, ALICE)
        else:
            ours, theirs = socket.socketpair()
            with ours, theirs:
                outcome = self.run_as(
                    ALICE, program, *(["-o", options] if options else []), "--", target,
                    pass_fds=[theirs.fileno()], env={
                        "_FUSE_COMMFD": str(theirs.fileno()), "PATH": "/usr/bin:/bin"})
                support.detach(target)
        return outcome.status == 0, outcome.err

    @parametrized(program=[(name, name) for name in ("fuservicemount3", "fusermount3")])
    def test_a_limit_binds_nobody_who_may_not_read_it(self, program):
        self.fuse_conf("mount_max = 0\nuser_allow_other\n", mode=0o600)
        mounted, said = self.attempt(program)
        self.assertTrue(mounted, said)
        self.assertIn("/etc/fuse.conf: Permission denied", said)
        self.assertFalse(self.attempt(program, "allow_other")[0])
        self.fuse_conf("mount_max = 0\nuser_allow_other\n")
        self.assertFalse(self.attempt(program)[0])

    @parametrized(program=[("fuservicemount3", ("fuservicemount3", False)),
                           ("fusermount3", ("fusermount3", True))],
                  kind=[("writable", (0o666, 0)), ("anothers", (0o644, ALICE.uid))])
    def test_only_fusermount3_follows_a_file_that_is_not_roots_alone(self, program, kind):
        name, follows = program
        mode, owner = kind
        self.fuse_conf("user_allow_other\n", mode, owner)
        mounted, said = self.attempt(name, "allow_other")
        self.assertEqual(mounted, follows, said)
        self.assertEqual("not followed" in said, not follows)

    @parametrized(program=[(name, name) for name in ("fuservicemount3", "fusermount3")])
    def test_a_line_has_at_most_255_bytes_with_its_newline(self, program):
        for size, taken in ((255, True), (256, False)):
            self.fuse_conf("user_allow_other".ljust(size - 1) + "\n")
            mounted, said = self.attempt(program, "allow_other")
            self.assertEqual((mounted, "line 1" in said), (taken, not taken), said)
