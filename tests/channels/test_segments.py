"""How many segments an SMS takes (3GPP TS 23.038 and 23.040)."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crudauth_django.channels.segments import (
    BASIC,
    EXTENSION,
    Encoding,
    encoding,
    segments,
    shortened,
    size,
    without_costly_accents,
)


def long_and_short(letters):
    """Texts that are mostly near or past the end of a segment."""
    return st.text(letters, max_size=20) | st.text(letters, min_size=60, max_size=350)


gsm7 = long_and_short(st.sampled_from(sorted(BASIC)))
extended = long_and_short(st.sampled_from(sorted(BASIC | EXTENSION)))
any_text = long_and_short(st.characters(codec="utf-8"))


def test_alphabet_has_each_code_but_the_escape():
    assert len(BASIC) == 2**7 - 1
    assert len(EXTENSION) == 10
    assert not BASIC & EXTENSION


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 459, 3),
        ("é" * 160, 1),
        ("€" * 80, 1),
        ("€" * 80 + "a", 2),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("a" * 69 + "á", 1),
        ("a" * 70 + "á", 2),
    ],
)
def test_segments_follow_the_standard(text, expected):
    counted = segments(text)

    assert counted == expected


def test_escape_sequence_stays_in_one_segment():
    """306 septets would fill two segments, if they could be cut anywhere."""
    text = "a" * 152 + "€" + "a" * 152

    assert segments(text) == 3


def test_surrogate_pair_stays_in_one_segment():
    text = "я" * 66 + "😀" + "я" * 66

    assert segments(text) == 3


@given(gsm7)
def test_basic_characters_take_one_septet(text):
    expected = 1 if len(text) <= 160 else math.ceil(len(text) / 153)

    assert encoding(text) is Encoding.GSM7
    assert segments(text) == expected


@given(extended)
def test_extended_characters_take_two_septets(text):
    septets = sum(2 if letter in EXTENSION else 1 for letter in text)

    counted = segments(text)

    assert encoding(text) is Encoding.GSM7
    assert (counted == 1) == (septets <= 160)
    if counted > 1:
        assert math.ceil(septets / 153) <= counted <= math.ceil(septets / 152)


@given(any_text, st.characters(codec="utf-8", min_codepoint=0x4E00))
def test_other_characters_take_utf16_code_units(start, letter):
    text = start + letter
    units = len(text.encode("utf-16-le")) // 2

    counted = segments(text)

    assert encoding(text) is Encoding.UCS2
    assert (counted == 1) == (units <= 70)
    if counted > 1:
        assert math.ceil(units / 67) <= counted <= math.ceil(units / 66)


@given(any_text, any_text)
def test_more_text_takes_no_fewer_segments(text, more):
    assert segments(text + more) >= segments(text)


@given(any_text, st.integers(min_value=3, max_value=80))
def test_shortened_text_has_the_size(text, limit):
    cut = shortened(text, limit)

    assert size(cut) <= limit
    assert cut == text or (cut.endswith("...") and text.startswith(cut[:-3]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("joão", "joao"),
        ("Åsa_Müller", "Åsa_Müller"),
        ("émile", "émile"),
        ("françois", "francois"),
        ("иван", "иван"),
        ("joão-иван", "joão-иван"),
        ("أحمد", "أحمد"),
    ],
)
def test_accents_are_dropped_if_the_name_becomes_gsm7(name, expected):
    assert without_costly_accents(name) == expected


@given(any_text)
def test_dropping_accents_adds_no_segment(text):
    assert segments(without_costly_accents(text)) <= segments(text)
