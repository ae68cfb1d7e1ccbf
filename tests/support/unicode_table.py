"""Print the ranges of a property of Unicode, for a class of a regular expression.

``python -m tests.support.unicode_table DerivedCoreProperties.txt`` reads a file of
https://www.unicode.org/Public/UCD/latest/ucd/ and prints the table of
``crudauth_django/identity/invisible.py``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

PROPERTY = "Default_Ignorable_Code_Point"
_LINE = re.compile(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*;\s*(\w+)")


def ranges(source: str) -> list[tuple[int, int]]:
    """Return the ranges of the property in a file, adjacent ones joined."""
    found: list[tuple[int, int]] = []
    for line in source.splitlines():
        match = _LINE.match(line)
        if not match or match[3] != PROPERTY:
            continue
        first, last = int(match[1], 16), int(match[2] or match[1], 16)
        if found and found[-1][1] + 1 == first:
            first = found.pop()[0]
        found.append((first, last))
    return found


def escaped(found: Iterable[tuple[int, int]]) -> str:
    """Return ranges in the notation of Python's regular expressions."""
    return "".join(
        _escape(first) if first == last else f"{_escape(first)}-{_escape(last)}"
        for first, last in found
    )


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


if __name__ == "__main__":
    print(escaped(ranges(Path(sys.argv[1]).read_text("utf-8"))))
