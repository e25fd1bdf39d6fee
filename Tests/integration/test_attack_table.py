# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/attacks.md says which test holds which attack; this says that what it says is so."""

import os
import re
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
TABLE = os.path.join(os.path.dirname(TESTS), "docs", "attacks.md")
CLASSES = {str(number) for number in range(1, 44)} | {"20a", "20b", "20c", "38a"}


def rows():
    """The table's lines: class, case, tests."""
    with open(TABLE, encoding="utf-8") as file:
        for line in file:
            if line.startswith("| ") and not line.startswith("| class"):
                number, case, tests = line.strip("| \n").split(" | ")
                yield number, case, re.findall(r"`([^`]+)`", tests)


def existing():
    """Every test there is, as the table writes it."""
    found = set()
    for folder in os.listdir(TESTS):
        path = os.path.join(TESTS, folder)
        for name in os.listdir(path) if os.path.isdir(path) else ():
            suffix = os.path.splitext(name)[1]
            if suffix not in (".py", ".swift") or suffix == ".py" and not name.startswith("test_"):
                continue
            with open(os.path.join(path, name), encoding="utf-8") as file:
                content = file.read()
            if suffix == ".py":
                found |= {f"{name[:-3]}.{test}"
                          for test in re.findall(r"^    def (test_\w+)", content, re.M)}
            else:
                found |= {f"{folder}/{test}" for test in re.findall(r"func `([^`]+)`", content)}
    return found


class AttackTable(unittest.TestCase):
    """The table of attacks."""

    def test_each_class_has_a_test_on_the_real_helper(self):
        held = {number for number, _, tests in rows() if any(".test_" in test for test in tests)}
        self.assertEqual(held, CLASSES)

    def test_each_case_has_a_test(self):
        self.assertEqual([(number, case) for number, case, tests in rows() if not tests], [])

    def test_each_test_in_it_exists(self):
        named = {test for _, _, tests in rows() for test in tests}
        self.assertGreater(len(named), 200)
        self.assertEqual(named - existing(), set())
