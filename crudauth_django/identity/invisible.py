"""Characters that leave no mark on a screen.

``unicodedata`` lacks the property ``Default_Ignorable_Code_Point``. The table is
that of ``DerivedCoreProperties-17.0.0.txt`` of Unicode 17.0.0: 4,174 code points,
unchanged since Unicode 14. For a newer file, print it with
``python -m tests.support.unicode_table DerivedCoreProperties.txt``.
"""

import re
from unicodedata import category

#: Refused Unicode categories: control, format (bidi marks, zero-width
#: characters), surrogate, private use, line and paragraph separators. A later
#: version of Unicode may give a code point without a character another
#: canonical form.
FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})

#: Ranges of a regular expression, as ``tests.support.unicode_table`` prints them.
DEFAULT_IGNORABLE = (
    r"\u00ad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
#: Characters with another property and an empty glyph: Braille pattern blank,
#: object replacement, two Egyptian hieroglyphs, a Khitan filler, a notehead.
BLANK = r"\u2800\ufffc\U00013441-\U00013442\U00016fe4\U0001d159"

_INVISIBLE = re.compile(f"[{DEFAULT_IGNORABLE}{BLANK}]")


def is_invisible(letter: str) -> bool:
    """Return whether a character shows nothing; spaces are not meant."""
    return category(letter) in FORBIDDEN_CATEGORIES or bool(_INVISIBLE.match(letter))


def is_printable(text: str) -> bool:
    """Return whether each character of a text shows something or is a space.

    A combining mark shows nothing of its own, so it must not come first.
    """
    return category(text[0])[0] != "M" and not any(map(is_invisible, text))


def is_blank(text: str) -> bool:
    """Return whether a text has nothing but spaces and invisible characters."""
    return all(letter.isspace() or is_invisible(letter) for letter in text)
