"""Count the segments of an SMS; each one is paid for.

3GPP TS 23.038 (GSM 03.38) defines the alphabets, 3GPP TS 23.040 the header of
concatenated messages. 140 octets hold 160 characters of 7 bits or 70 code units
of 16 bits. Six octets of header leave room for 153 and 67.
"""

from enum import StrEnum
from unicodedata import combining, normalize

__all__ = ["Encoding", "encoding", "segments"]

#: 3GPP TS 23.038 §6.2.1, in the order of the table, without the escape code.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: 3GPP TS 23.038 §6.2.1.1: an escape code and a second code, so two septets.
EXTENSION = frozenset("\f^{}\\[~]|€")


class Encoding(StrEnum):
    """The alphabet of a message."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


#: The room in a message of one segment, and in each segment of a longer one.
ROOM = {Encoding.GSM7: (160, 153), Encoding.UCS2: (70, 67)}


def encoding(text: str) -> Encoding:
    """Return GSM-7 if it has every character of the text, otherwise UCS-2."""
    return Encoding.GSM7 if set(text) <= BASIC | EXTENSION else Encoding.UCS2


def segments(text: str) -> int:
    """Return the number of segments of a text; an empty text has one.

    Escape sequences and surrogate pairs are not split between segments.
    """
    alone, each = ROOM[encoding(text)]
    sizes = _sizes(text)
    if sum(sizes) <= alone:
        return 1
    count, used = 1, 0
    for one in sizes:
        if used + one > each:
            count, used = count + 1, 0
        used += one
    return count


def size(text: str) -> int:
    """Return the length of a text in septets, or in code units if it is UCS-2."""
    return sum(_sizes(text))


def shortened(text: str, limit: int) -> str:
    """Cut a text to a size; the three dots at its end are part of it."""
    if size(text) <= limit:
        return text
    text = text[: limit - 3]
    while size(text) > limit - 3:
        text = text[:-1]
    return text + "..."


def _sizes(text: str) -> list[int]:
    if encoding(text) is Encoding.GSM7:
        return [2 if letter in EXTENSION else 1 for letter in text]
    return [2 if letter > "\uffff" else 1 for letter in text]


def without_costly_accents(text: str) -> str:
    """Drop accents if the text fits GSM-7 without them; otherwise change nothing."""
    if encoding(text) is Encoding.GSM7:
        return text
    plain = "".join(
        part
        for letter in text
        for part in (letter if letter in BASIC else normalize("NFD", letter))
        if not combining(part)
    )
    return plain if encoding(plain) is Encoding.GSM7 else text
