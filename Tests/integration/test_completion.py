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
# A line editor without a screen: what it would insert is printed, one candidate a line.
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
}
bindkey '^T' complete-word
PS1='READY> '
print BEGINNING
"""


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

    def zsh(self, *words):
        """What zsh offers, at a terminal, since it completes nowhere else."""
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(self.work)
            os.setgroups([])
            os.setgid(ALICE.gid)
            os.setuid(ALICE.uid)
            os.execvpe("zsh", ["zsh", "-f", "-i"], self.environment)
        shown = b""

        def until(mark):
            nonlocal shown
            end = time.monotonic() + 20
            while not re.search(mark, shown):
                ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
                self.assertTrue(ready, shown)
                shown += os.read(terminal, 1 << 16)
        try:
            script = self.file(ALICE, (ZSH % f"{COMPLETIONS}/zsh").encode(), name="rc")
            os.write(terminal, f". {script}\n".encode())
            until(rb"BEGINNING[\s\S]*READY> ")
            os.write(terminal, " ".join(["fuservicemount3", *words]).encode() + b"\x14")
            time.sleep(0.5)
            os.write(terminal, b"\x15print THE''END\n")
            until(rb"THEEND")
        finally:
            os.close(terminal)
            os.waitpid(process, 0)
        return set(re.findall(r"FOUND:([^\r\n\x1b]+)", shown.decode(errors="replace")))

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
