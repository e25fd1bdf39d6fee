# SPDX-License-Identifier: LGPL-2.1-or-later
"""What bash, zsh and fish offer for a command line that is not finished."""

import os
import pty
import re
import select
import shutil
import subprocess
import time

import support
from support import ALICE, parametrized
from test_listing import NO_NAMES, Sockets
from test_manual import BUILT, flags_of_help

COMPLETIONS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), "completions")
BASH = """
. "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_fuservicemount3
printf '%s\\n' "${COMPREPLY[@]}"
"""
# What the line editor would insert is printed, one candidate a line.
ZSH = """
fpath=(%s $fpath)
autoload -Uz compinit && compinit -u -D -d /dev/null
zstyle ':completion:*' format ''
compadd() {
  if [[ " $* " == *' -O '* || " $* " == *' -A '* || " $* " == *' -D '* ]]; then
    builtin compadd "$@"
    return
  fi
  local -a found
  builtin compadd -O found "$@"
  print -rl -- FOUND:${^found}
  builtin compadd "$@"
}
bindkey '^T' complete-word
PS1='READY> '
print BEGINNING
"""
# Where what is completed is used; the program prints its words instead.
TYPED = """
fuservicemount3() { printf 'GOT<%%s>\\n' "$@"; }
PS1='READY> '
echo BEGINNING
"""
TYPED_BASH = ". %s\nbind '\"\\C-t\": complete'\n" + TYPED
TYPED_ZSH = ("fpath=(%s $fpath)\nautoload -Uz compinit && compinit -u -D -d /dev/null\n"
             "bindkey '^T' complete-word\n" + TYPED)


class Completion(Sockets):
    """The files of completions/, in the shells that they are for."""

    def setUp(self):
        super().setUp()
        self.bin = self.directory(ALICE)
        os.symlink(support.stage.helper, f"{self.bin}/fuservicemount3")
        self.work = self.directory(ALICE)
        self.file(ALICE, name="disk.img", directory=self.work)
        self.environment = {"PATH": f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                            "HOME": self.work, "TERM": "dumb"}

    def bash(self, *words):
        """What bash offers."""
        outcome = self.run_as(
            ALICE, "bash", "--norc", "-c", BASH, "bash", f"{COMPLETIONS}/bash/fuservicemount3",
            "fuservicemount3", *words, cwd=self.work, env=self.environment)
        self.assertEqual((outcome.status, outcome.err), (0, ""))
        return set(outcome.out.split("\n")) - {""}

    def fish(self, *words):
        """What fish offers."""
        outcome = self.run_as(
            ALICE, "fish", "--no-config", "-c",
            f"source {COMPLETIONS}/fish/fuservicemount3.fish; complete -C $argv[1]",
            " ".join(["fuservicemount3", *words]), cwd=self.work, env=self.environment)
        self.assertEqual((outcome.status, outcome.err), (0, ""))
        return {line.split("\t")[0] for line in outcome.out.split("\n")} - {""}

    def at_a_terminal(self, shell, script, line, then):
        """What a shell prints that is given a script, a line to complete, and more keys."""
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(self.work)
            os.setgroups([])
            os.setgid(ALICE.gid)
            os.setuid(ALICE.uid)
            os.execvpe(shell[0], shell, self.environment)
        shown = b""

        def until(mark):
            nonlocal shown
            end = time.monotonic() + 20
            while not re.search(mark, shown):
                ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
                self.assertTrue(ready, shown)
                shown += os.read(terminal, 1 << 16)
        try:
            os.write(terminal, f". {self.file(ALICE, script.encode(), name='rc')}\n".encode())
            until(rb"BEGINNING[\s\S]*READY> ")
            os.write(terminal, f"fuservicemount3 {line}\x14".encode())
            time.sleep(0.5)
            os.write(terminal, then + b"echo THE''END\n")
            until(rb"THEEND")
        finally:
            os.close(terminal)
            os.waitpid(process, 0)
        return shown.decode(errors="replace")

    def zsh(self, *words):
        """What zsh offers, at a terminal, since it completes nowhere else."""
        shown = self.at_a_terminal(["zsh", "-f", "-i"], ZSH % f"{COMPLETIONS}/zsh",
                                   " ".join(words), b"\x15")
        return set(re.findall(r"FOUND:([^\r\n\x1b]+)", shown))

    def words_of(self, shell, line):
        """The words that the program gets when a line is completed in a shell, and sent."""
        script, command = {
            "bash": (TYPED_BASH % f"{COMPLETIONS}/bash/fuservicemount3", ["bash", "--norc", "-i"]),
            "zsh": (TYPED_ZSH % f"{COMPLETIONS}/zsh", ["zsh", "-f", "-i"]),
        }[shell]
        if not shutil.which(shell):
            self.skipTest(f"no {shell} here")
        shown = self.at_a_terminal(command, script, line, b"\n")
        return re.findall(r"GOT<([^\r\n]*)>\r", shown)

    def offered(self, shell, *words):
        """What a shell offers that has to be there in CI."""
        if not shutil.which(shell):
            self.skipTest(f"no {shell} here")
        return getattr(self, shell)(*words)

    @parametrized(shell=[(name, name) for name in ("bash", "zsh", "fish")])
    def test_types_that_this_user_may_use_are_offered(self, shell):
        for name in ("ext4", "exfat", "zip"):
            self.socket(name)
        self.socket("closed", 0o600)
        self.assertEqual(self.offered(shell, "-t", "e") - {"zip"}, {"ext4", "exfat"})
        self.assertEqual(self.offered(shell, "-t", "fuse.ex") - {"fuse.zip"},
                         {"fuse.ext4", "fuse.exfat"})

    @parametrized(shell=[(name, name) for name in ("bash", "zsh", "fish")])
    def test_a_name_that_somebody_chose_badly_is_neither_offered_nor_evaluated(self, shell):
        self.socket("plain")
        for name in ("two words", "a yes", "$(touch seen)", "`touch seen`", ";touch seen;", "-rf", "\\x",
                     "x;y", "*"):
            self.socket(name)
        for name in NO_NAMES:
            self.socket(os.fsdecode(name))
        self.assertEqual(self.offered(shell, "-t", "") - {""}, {"plain"})
        self.assertNotIn("seen", os.listdir(self.work))

    @parametrized(shell=[(name, name) for name in ("bash", "zsh", "fish")])
    def test_the_options_are_those_of_the_help(self, shell):
        done = subprocess.run([f"{BUILT}/fuservicemount3", "--help"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=True)
        # mount(8)'s letters are for the other name of the program.
        wanted = flags_of_help(done.stdout) - {"-s", "-f", "-n", "-v"}
        self.assertEqual(self.offered(shell, "-"), wanted)

    @parametrized(shell=[(name, name) for name in ("bash", "zsh", "fish")])
    def test_mount_options_are_offered_behind_a_comma(self, shell):
        offered = {one.removeprefix("ro,") for one in self.offered(shell, "-o", "ro,nos")}
        self.assertEqual({one for one in offered if one.startswith("nos")}, {"nosuid", "nosymfollow"})

    @parametrized(shell=[(name, name) for name in ("bash", "zsh", "fish")])
    def test_files_are_offered_for_the_source(self, shell):
        self.assertIn("disk.img", self.offered(shell, "di"))

    @parametrized(shell=[(name, name) for name in ("bash", "zsh", "fish")])
    def test_directories_are_offered_for_the_mount_point(self, shell):
        self.file(ALICE, name="mine", directory=self.work)
        os.mkdir(f"{self.work}/mnt")
        for words in (["disk.img", "m"], ["-t", "ext4", "-o", "ro", "disk.img", "m"],
                      ["disk.img", "--verbose", "m"]):
            offered = {one.rstrip("/") for one in self.offered(shell, *words)}
            self.assertEqual(offered, {"mnt"}, words)

    @parametrized(shell=[(name, name) for name in ("bash", "zsh", "fish")])
    def test_a_file_is_offered_for_the_mount_point_where_no_directory_is_called_so(self, shell):
        self.file(ALICE, name="place", directory=self.work)
        os.mkdir(f"{self.work}/mnt")
        self.assertEqual(self.offered(shell, "disk.img", "pl"), {"place"})

    @parametrized(line=[
        ("space", ("my", ["my disk.img"])), ("escaped", ("my\\ d", ["my disk.img"])),
        ("quoted", ("'my d", ["my disk.img"])),
        ("command", ("ev", ["ev$(touch seen)`touch seen`"])),
        ("directory", ("disk.img it", ["disk.img", "it's;touch seen"]))],
        shell=["bash", "zsh"])
    def test_a_files_name_reaches_the_program_as_it_is(self, line, shell):
        typed, wanted = line
        for name in ("my disk.img", "ev$(touch seen)`touch seen`"):
            self.file(ALICE, name=name, directory=self.work)
        os.mkdir(f"{self.work}/it's;touch seen")
        # zsh takes the slash behind a directory away again.
        self.assertEqual([word.rstrip("/") for word in self.words_of(shell, typed)], wanted)
        self.assertNotIn("seen", os.listdir(self.work))

    def test_bash_completes_behind_an_equals_sign(self):
        self.assertEqual(self.bash("-o", "fuse-service.timeout", "=", "5,noe"), {"5,noexec"})
        os.mkdir(f"{self.work}/mnt")
        self.assertEqual(self.bash("--timeout", "=", "5", "disk.img", ""), {"mnt"})
        self.assertEqual(self.bash("-o", "fuse-service.timeout", "=", "5", "disk.img", ""), {"mnt"})

    def test_zsh_and_fish_describe_each_option(self):
        done = subprocess.run([f"{BUILT}/fuservicemount3", "--help"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=True)
        wanted = flags_of_help(done.stdout) - {"-s", "-f", "-n", "-v"}
        with open(f"{COMPLETIONS}/zsh/_fuservicemount3", encoding="utf-8") as file:
            in_zsh = re.findall(r"(?m)^  '(?:\(.*\)|\*)?(-[\w-]+)\[[^]]+\]", file.read())
        with open(f"{COMPLETIONS}/fish/fuservicemount3.fish", encoding="utf-8") as file:
            in_fish = re.findall(r"(?m)^complete .* -([sl]) (\w+) .*-d '[^']+'$", file.read())
        self.assertEqual(set(in_zsh), wanted)
        self.assertEqual({("-" if kind == "s" else "--") + name for kind, name in in_fish}, wanted)
