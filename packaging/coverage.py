# SPDX-License-Identifier: LGPL-2.1-or-later
"""coverage.py REPORT MODULE PERCENT: fails when fewer lines of Sources/MODULE were run.

REPORT is what llvm-cov exports and `swift test --show-codecov-path` names.
"""

import json
import sys


def main(report, module, percent):
    """Sums the lines of the module's files."""
    with open(report, encoding="utf-8") as file:
        files = json.load(file)["data"][0]["files"]
    count = covered = 0
    for entry in files:
        if f"/Sources/{module}/" in entry["filename"]:
            lines = entry["summary"]["lines"]
            count += lines["count"]
            covered += lines["covered"]
            print(f"{lines['covered']}/{lines['count']} {entry['filename']}")
    share = 100 * covered / count if count else 0
    print(f"{module}: {covered} of {count} lines, {share:.1f} %")
    return 0 if count and share >= percent else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
