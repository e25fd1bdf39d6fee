# SPDX-License-Identifier: LGPL-2.1-or-later
"""Says how many conversations there are, and with how many of them the helpers differ."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from conversations import ROWS  # the path has to be there first

different = [row for row in ROWS if row.peer]
sections = {section for row in different for section in row.peer.sections}
print(f"{len(ROWS)} conversations, {sum(len(row.callers) for row in ROWS)} with each caller: "
      f"{len(ROWS) - len(different)} the same, {len(different)} different, "
      f"for {len(sections)} reasons")
