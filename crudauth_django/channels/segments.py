"""How many segments an SMS takes, and so what it costs.

3GPP TS 23.038 (GSM 03.38) defines the alphabets, 3GPP TS 23.040 the header of
concatenated messages: 140 octets are 160 characters of 7 bits or 70 code units
of 16; six octets of header leave 153 and 67.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from enum import StrEnum

#: 3GPP TS 23.038 §6.2.1, in the order of the table, without the escape code.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: 3GPP TS 23.038 §6.2.1.1: an escape code and another one, two septets.
EXTENSION = frozenset("\f^{}\\[~]|€")


class Encoding(StrEnum):
    """The alphabet in which a message travels."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


#: The room in a message of one segment, and in each segment of a longer one.
ROOM = {Encoding.GSM7: (160, 153), Encoding.UCS2: (70, 67)}


def encoding(text: str) -> Encoding:
    """Return GSM-7 where every character is in it, UCS-2 for all others."""
    return Encoding.GSM7 if set(text) <= BASIC | EXTENSION else Encoding.UCS2


def segments(text: str) -> int:
    """Return how many segments a text is sent in; an empty one takes one, too.

    No escape sequence and no surrogate pair is torn apart by a segment's end.
    """
    alphabet = encoding(text)
    alone, each = ROOM[alphabet]
    sizes = list(_sizes(text, alphabet))
    if sum(sizes) <= alone:
        return 1
    count, used = 1, 0
    for size in sizes:
        if used + size > each:
            count, used = count + 1, 0
        used += size
    return count


def without_costly_accents(text: str) -> str:
    """Drop accents where that is enough to make a text GSM-7; else change nothing."""
    if encoding(text) is Encoding.GSM7:
        return text
    plain = "".join(_plainest(letter) for letter in text)
    return plain if encoding(plain) is Encoding.GSM7 else text


def _plainest(letter: str) -> str:
    if letter in BASIC:
        return letter
    parts = unicodedata.normalize("NFD", letter)
    return "".join(part for part in parts if not unicodedata.combining(part))


def _sizes(text: str, alphabet: Encoding) -> Iterator[int]:
    for letter in text:
        if alphabet is Encoding.GSM7:
            yield 2 if letter in EXTENSION else 1
        else:
            yield len(letter.encode("utf-16-le", "surrogatepass")) // 2
