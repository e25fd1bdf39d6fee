# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What packaging/lint, quick, test and deep have in common; they source it. Each of them ends with
# `finish`, whose line is `N passed, N failed`.

passed=0
failed=0
checks_work=$(mktemp -d)
trap 'rm -rf "$checks_work"' EXIT
trap 'exit 143' TERM INT HUP
command -v swift >/dev/null || PATH=$PATH:/opt/swift/usr/bin

# lose WHAT: one failure, without a command.
lose() {
  failed=$((failed + 1))
  echo "FAIL $1"
}

# check NAME COMMAND...: one check, counted as one; its output is shown when it fails.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    passed=$((passed + 1))
    echo "ok   $name"
  else
    lose "$name"
    printf '%s\n' "$output"
  fi
}

# follow NAME COMMAND...: the same, but its output is shown as it comes.
follow() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok   $name"
  else
    lose "$name"
  fi
}

# count NAME COMMAND...: tests that end with a sum of their own, which is added to this one's.
count() {
  local name=$1 log=$checks_work/count summary status
  shift
  "$@" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  summary=$(tail -n 1 "$log")
  if [[ $summary =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    # A sum without failures does not hide that the program itself says otherwise.
    if [ "$status" != 0 ] && [ "${BASH_REMATCH[2]}" = 0 ]; then lose "$name: status $status"; fi
  else
    lose "$name did not run to their end"
  fi
}

# swift_tests: the Swift tests, each of which counts, and the coverage of the pure modules. quick and
# test build them in the same way, so that neither has to build what the other has built.
swift_tests() {
  local log=$checks_work/swift status run bad coverage module
  swift test --enable-code-coverage 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  # One summary a run: "Test run with N tests in N suites passed after …"; a failed test has a line
  # of its own, "Test … failed after …".
  run=$(sed -nE 's/.*Test run with ([0-9]+) tests?.*/\1/p' "$log" |
    awk '{sum += $1} END {print sum + 0}')
  bad=$(grep '✘ Test .* failed after' "$log" | grep -vc 'Test run with')
  if [ "$status" != 0 ] && [ "$bad" = 0 ]; then
    echo 'FAIL swift test'
    bad=1
    run=$((run > 0 ? run : 1))
  fi
  if [ "$run" = 0 ]; then
    echo 'FAIL swift test ran nothing'
    bad=1
    run=1
  fi
  passed=$((passed + run - bad))
  failed=$((failed + bad))

  coverage=$(swift test --show-codecov-path 2>/dev/null | tail -n 1)
  for module in MountProtocol MountPolicy MountSession; do
    check "coverage of $module" /usr/bin/python3 packaging/coverage.py "$coverage" "$module" 95
  done
}

# finish: the sum, and the status, which is 0 only when nothing failed.
finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ] && [ "$passed" != 0 ]
  exit
}
