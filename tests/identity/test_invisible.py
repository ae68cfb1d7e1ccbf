"""The table of invisible characters, against Python's own data on Unicode."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest

from crudauth_django.identity.invisible import (
    BLANK,
    DEFAULT_IGNORABLE,
    is_blank,
    is_printable,
)
from tests.support.unicode_table import escaped, ranges

IGNORABLE = re.compile(f"[{DEFAULT_IGNORABLE}]")
EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1)]
#: Format characters with a glyph of their own, by UAX #44: marks before numbers,
#: interlinear annotations and controls of Egyptian hieroglyphs.
VISIBLE_FORMAT = re.compile(
    r"[\u0600-\u0605\u06dd\u070f\u0890-\u0891\u08e2\ufff9-\ufffb"
    r"\U000110bd\U000110cd\U00013430-\U0001343f]"
)
#: The beginning, a gap and the end of the property in the file of Unicode 17.0.0.
EXCERPT = """\
# DerivedCoreProperties-17.0.0.txt
0041..005A    ; Uppercase # L&  [26] LATIN CAPITAL LETTER A..LATIN CAPITAL LETTER Z
00AD          ; Default_Ignorable_Code_Point # Cf       SOFT HYPHEN
180B..180D    ; Default_Ignorable_Code_Point # Mn   [3] MONGOLIAN FREE VARIATION...
180E          ; Default_Ignorable_Code_Point # Cf       MONGOLIAN VOWEL SEPARATOR
180F          ; Default_Ignorable_Code_Point # Mn       MONGOLIAN FREE VARIATION...
E01F0..E0FFF  ; Default_Ignorable_Code_Point # Cn [3600] <reserved-E01F0>...
# Total code points: 4174
"""


def test_table_has_each_code_point_of_the_property():
    found = [letter for letter in EVERY_CHARACTER if IGNORABLE.match(letter)]

    assert len(found) == 4174
    assert {"\u115f", "\u1160", "\u3164", "\uffa0", "\u034f", "\ufe0f"} <= set(found)
    assert not any(letter.isascii() or letter.isspace() for letter in found)


def test_table_has_format_characters_and_variation_selectors():
    """By UAX #44 the property has nearly all of them."""
    expected = [
        letter
        for letter in EVERY_CHARACTER
        if unicodedata.category(letter) == "Cf"
        or "VARIATION SELECTOR" in unicodedata.name(letter, "")
    ]

    missing = [letter for letter in expected if not IGNORABLE.match(letter)]

    assert missing == [letter for letter in missing if VISIBLE_FORMAT.match(letter)]


def test_script_prints_joined_ranges():
    printed = escaped(ranges(EXCERPT))

    assert printed == r"\u00ad\u180b-\u180f\U000e01f0-\U000e0fff"


def test_blank_letters_are_not_in_the_table():
    assert not re.search(
        f"[{DEFAULT_IGNORABLE}]", BLANK.encode().decode("unicode-escape")
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", True),
        ("e\u0301", True),
        ("\u0301e", False),
        ("\u200da", False),
        ("\u0378", False),
        ("\u2800", False),
    ],
    ids=ascii,
)
def test_text_is_printable_if_all_of_it_is_seen(text, expected):
    assert is_printable(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" \t\u3000\u2003", True),
        ("\u3164\u200b \u2800", True),
        ("  x ", False),
        ("\u0301", False),
    ],
    ids=ascii,
)
def test_text_is_blank_if_nothing_of_it_is_seen(text, expected):
    assert is_blank(text) is expected
