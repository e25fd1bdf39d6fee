#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Refuses objects that the linker would take for one another.

usage: check-objects.py DIRECTORY

The optimizer makes static objects of array literals, names them by their number within the function
(`…Tv_`, `…Tv0_`, …), and emits them as weak symbols in Embedded builds. A function that is compiled
again for another module may number them in another way; the linker keeps one object of each name,
and one copy of the function then has the other's literals (docs/review, finding 7). This reads every
object file under DIRECTORY and fails when two have a weak object of one name and different content.
"""

import collections
import pathlib
import re
import struct
import sys

LITERAL = re.compile(rb"Tv\d*_r?\Z")
WEAK, OBJECT, SYMBOLS, RELOCATIONS, NO_BITS, STRINGS = 2, 1, 2, 4, 8, 0x20


def name_at(strings, offset):
    """A terminated string of a string table."""
    return strings[offset:strings.index(b"\0", offset)]


def literals(path):
    """Name and content of each weak object of a literal in an ELF file of 64 bits."""
    data = path.read_bytes()
    if data[:5] != b"\x7fELF\x02":
        return
    order = "<" if data[5] == 1 else ">"
    start, = struct.unpack_from(order + "Q", data, 40)
    size, count = struct.unpack_from(order + "HH", data, 58)
    sections = [struct.unpack_from(order + "IIQQQQIIQQ", data, start + size * number)
                for number in range(count)]

    def content(section):
        return data[section[4]:section[4] + section[5]]
    table = next((section for section in sections if section[1] == SYMBOLS), None)
    if table is None:
        return
    strings = content(sections[table[6]])
    symbols = list(struct.iter_unpack(order + "IBBHQQ", content(table)))

    def target(symbol, addend):
        """What a relocation leads to: the text of a string literal, or a name and an offset."""
        section = sections[symbol[3]] if symbol[3] < len(sections) else None
        if section and section[2] & STRINGS:
            return name_at(content(section), symbol[4] + addend), 0
        # A symbol of a section has no name; the section's number stands for it.
        return name_at(strings, symbol[0]) or b"%d" % symbol[3], addend
    relocations = collections.defaultdict(list)
    for section in sections:
        if section[1] == RELOCATIONS:
            for offset, info, addend in struct.iter_unpack(order + "QQq", content(section)):
                relocations[section[7]].append(
                    (offset, info & 0xffffffff, *target(symbols[info >> 32], addend)))
    for name, info, _, section, value, length in symbols:
        name = name_at(strings, name)
        if info >> 4 == WEAK and info & 15 == OBJECT and LITERAL.search(name) and length:
            place = sections[section]
            body = (bytes(length) if place[1] == NO_BITS
                    else content(place)[value:value + length])
            yield name, (body, tuple(sorted(
                (offset - value, *what) for offset, *what in relocations[section]
                if value <= offset < value + length)))


def main():
    """Compares what all files have."""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.o")):
        for name, content in literals(path):
            found[name][content].append(path.name)
    bad = 0
    for name, contents in sorted(found.items()):
        if len(contents) > 1:
            bad += 1
            files = " and ".join(sorted({file for names in contents.values() for file in names}))
            print(f"check-objects: {name.decode()} is not the same in {files}; "
                  "write the function without array literals", file=sys.stderr)
    if not found:
        print("check-objects: no object file with a literal; is the directory right?",
              file=sys.stderr)
    return 1 if bad or not found else 0


sys.exit(main())
