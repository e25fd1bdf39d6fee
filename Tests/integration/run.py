#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The integration tests on the real kernel: run.py [-v] [-k PATTERN]... [MODULE]...

As root. Everything happens in private mount and process namespaces, so the machine stays as it
was whatever the tests do. FSM_HELPER names the helper under test. The last line printed is
`N passed, N failed`; under CI=true a skipped test counts as failed. With --may-skip REASON one that
is skipped for another reason does, and no other.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

ROOT = os.path.dirname(os.path.dirname(HERE))
DEFAULT_HELPER = os.path.join(ROOT, ".build/embedded/release/fuservicemount3")


def flatten(suite):
    """The single tests of a suite."""
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


class Result(unittest.TestResult):
    """One line a failure as it happens, its reason below it."""

    def __init__(self, verbose):
        super().__init__()
        self.verbose = verbose
        self.passed = 0
        self.begun = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.begun = time.monotonic()

    def line(self, word, test, detail=None):
        """One outcome."""
        spent = time.monotonic() - self.begun
        print(f"{word} {test.id()} ({spent:.2f} s)", flush=True)
        if detail:
            print("    " + detail.strip().replace("\n", "\n    "), flush=True)

    def explain(self, error):
        """The end of a traceback, shortened to our own frames."""
        frames = [frame for frame in traceback.extract_tb(error[2])
                  if frame.filename.startswith(HERE) and frame.name != "run"]
        return "".join(f"{os.path.basename(frame.filename)}:{frame.lineno}: {frame.line}\n"
                       for frame in frames) + f"{error[0].__name__}: {error[1]}"

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1
        if self.verbose:
            self.line("ok  ", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line("FAIL", test, self.explain(err))

    def addError(self, test, err):
        super().addError(test, err)
        self.line("FAIL", test, self.explain(err))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.line("FAIL", subtest, self.explain(err))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line("skip", test, reason)


def run_tests(options, base):
    """Inside the namespaces: runs the tests, prints the sum, gives the exit status."""
    import support  # after the sandbox exists
    support.prepare(base, options.helper)
    names = options.modules or sorted(
        name[:-3] for name in os.listdir(HERE) if name.startswith("test_"))
    loader = unittest.TestLoader()
    tests = list(flatten(loader.loadTestsFromNames(names)))
    if options.k:
        tests = [test for test in tests if any(word in test.id() for word in options.k)]
    result = Result(options.verbose)
    for test in tests:
        test.run(result)
    failed = len({test for test, _ in result.failures + result.errors})
    skipped = len(result.skipped)
    if options.may_skip or os.environ.get("CI") == "true":
        failed += sum(reason not in options.may_skip for _, reason in result.skipped)
    passed = len(tests) - len({test for test, _ in result.failures + result.errors}) - skipped
    if skipped:
        print(f"{skipped} skipped")
    if not tests:
        print("no test was found")
        failed += 1
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def first_process(options):
    """Process 1 of the namespace: reaps what is left to it until the tests end."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = run_tests(options, options.inside)
        except Exception:
            traceback.print_exc()
            print("0 passed, 1 failed", flush=True)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def main():
    """Outside: makes the namespaces and a directory, and removes the latter at the end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("-k", action="append", help="only tests whose name has this in it")
    parser.add_argument("--helper", default=os.environ.get("FSM_HELPER", DEFAULT_HELPER))
    parser.add_argument("--may-skip", action="append", default=[], metavar="REASON")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("modules", nargs="*")
    options = parser.parse_args()
    if options.inside:
        sys.exit(first_process(options))
    if os.geteuid() != 0:
        sys.exit("run.py: the integration tests need root")
    if not os.path.exists(options.helper):
        sys.exit(f"run.py: {options.helper} is missing; run packaging/build or set FSM_HELPER")
    base = tempfile.mkdtemp(prefix="fsm-", dir="/var/tmp")
    os.chmod(base, 0o755)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    child = None
    try:
        child = os.spawnv(os.P_NOWAIT, "/usr/bin/unshare", [
            "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child",
            "--mount-proc", "/usr/bin/python3", "-B", os.path.abspath(__file__), "--inside",
            base, *sys.argv[1:]])
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        child = None
    finally:
        if child is not None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        shutil.rmtree(base, ignore_errors=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
