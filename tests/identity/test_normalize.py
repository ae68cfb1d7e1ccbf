"""One spelling for every identifier and recovery value."""

from __future__ import annotations

import unicodedata

import phonenumbers
import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from hypothesis import given
from hypothesis import strategies as st
from phonenumber_field.modelfields import PhoneNumberField
from phonenumber_field.phonenumber import PhoneNumber

from crudauth_django.identity.normalize import is_personal, normalize, to_text
from crudauth_django.users import user_model

USERNAME = user_model()._meta.get_field("username")
TEXT = Group._meta.get_field("name")
EMAIL = models.EmailField()
PHONE = PhoneNumberField()
US_PHONE = PhoneNumberField(region="US")


def spelled(field, value) -> str | None:
    try:
        return normalize(field, value)
    except ValidationError:
        return None


def code_of(field, value) -> str:
    with pytest.raises(ValidationError) as caught:
        normalize(field, value)
    return caught.value.error_list[0].code


@pytest.mark.parametrize("field", [USERNAME, EMAIL, PHONE], ids=type)
@given(text=st.text(max_size=30))
def test_spelling_a_spelling_changes_nothing(field, text):
    once = spelled(field, text)

    assert once is None or normalize(field, once) == once


@given(text=st.text(max_size=30))
def test_an_identifier_has_no_case_and_no_composition(text):
    once = spelled(USERNAME, text)

    assert once is None or (
        once == spelled(USERNAME, unicodedata.normalize("NFD", text))
        and once == once.lower()
        and once == unicodedata.normalize("NFKC", once)
    )


@pytest.mark.parametrize("text", ["Ada", "ADA", " ada ", "\uff21\uff24\uff21", "ada\n"])
def test_one_username_has_many_spellings(text):
    assert normalize(USERNAME, text) == "ada"


@pytest.mark.parametrize(
    "text", ["Ada@Example.COM", " ada@example.com ", "ADA@EXAMPLE.COM"]
)
def test_one_address_has_many_spellings(text):
    assert normalize(EMAIL, text) == "ada@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "+12125552368",
        "+1 212 555 2368",
        "+1 (212) 555-2368",
        "tel:+1-212-555-2368",
        " +1.212.555.2368 ",
        "\uff0b\uff11\uff12\uff11\uff12\uff15\uff15\uff15\uff12\uff13\uff16\uff18",
        phonenumbers.parse("+12125552368"),
        PhoneNumber.from_string("+12125552368"),
    ],
)
def test_two_spellings_of_one_number_are_one_number(text):
    assert normalize(PHONE, text) == "+12125552368"


@given(
    number=st.from_regex(r"\+1[2-9]\d{9}", fullmatch=True),
    filler=st.sampled_from([" ", "-", ".", "("]),
)
def test_punctuation_is_no_part_of_a_number(number, filler):
    spread = number[:2] + filler + number[2:5] + filler + number[5:]

    assert spelled(PHONE, spread) == spelled(PHONE, number)


def test_a_column_with_a_region_reads_local_numbers():
    assert normalize(US_PHONE, "(212) 555-2368") == "+12125552368"
    assert code_of(PHONE, "(212) 555-2368") == "invalid"


def test_a_number_of_the_right_length_is_taken_before_its_range_is_in_use():
    assert normalize(PHONE, "+15551234567") == "+15551234567"


@pytest.mark.parametrize(
    "text", ["1", "+1", "+1212555", "+1212555236899999", "ada", "+12125552368x12"]
)
def test_what_is_no_number_is_refused(text):
    assert code_of(PHONE, text) == "invalid"


def test_a_validator_that_a_column_adds_is_asked_with_the_spelling():
    asked = []
    field = PhoneNumberField(validators=[asked.append])

    normalize(field, "+1 212 555 2368")

    assert asked == ["+12125552368"]


@pytest.mark.parametrize("field", [USERNAME, EMAIL, PHONE], ids=type)
@pytest.mark.parametrize("value", [None, "", "   ", "\t\n"])
def test_nothing_is_no_value(field, value):
    assert code_of(field, value) == "blank"


@pytest.mark.parametrize("field", [USERNAME, EMAIL, PHONE], ids=type)
@pytest.mark.parametrize(
    "letter",
    [
        "\0",
        "\x7f",
        "\u200b",
        "\u202e",
        "\u2066",
        "\ufeff",
        "\ud800",
        "\ue000",
        "\u2028",
    ],
    ids=lambda letter: f"{ord(letter):04x}",
)
def test_what_cannot_be_seen_is_refused(field, letter):
    assert code_of(field, f"ad{letter}a@example.com") == "unprintable"


@pytest.mark.parametrize(
    "text",
    ["ada@example.com", "a@b", "+12125552368", "2125552368", "212-555-2368", "1234567"],
)
def test_a_username_may_not_look_like_another_identifier(text):
    assert spelled(USERNAME, text) is None


@pytest.mark.parametrize("text", ["ada lovelace", "ada!", "a/b", "<ada>"])
def test_a_username_keeps_to_djangos_letters(text):
    assert code_of(USERNAME, text) == "invalid"


@pytest.mark.parametrize(
    "text", ["p\u0430ypal", "\u0430da", "ad\u0430", "a\u03bfda", "\u0441at"]
)
def test_a_username_of_letters_that_only_look_alike_is_refused(text):
    # Cyrillic and Greek letters among Latin ones (but one whole word of them is fine).
    assert code_of(USERNAME, text + "z") == "mixed_scripts"


@pytest.mark.parametrize(
    "text",
    [
        "\u0430\u0434\u0430",
        "\u5c0f\u6797",
        "\u5c0f\u6797sen",
        "\u30c6\u30b9\u30c8\u5c0f\u6797",
        "\ud55c\uad6d",
        "jos\u00e9",
        "ada_99",
        "123456",
    ],
)
def test_a_username_of_one_way_of_writing_is_taken(text):
    assert normalize(USERNAME, text) == text


def test_a_value_longer_than_its_column_is_refused():
    assert code_of(USERNAME, "a" * 151) == "max_length"


def test_the_length_is_that_of_the_spelling():
    # One letter that NFKC writes as three.
    assert normalize(TEXT, "\ufb03" * 50) == "ffi" * 50
    assert code_of(TEXT, "\ufb03" * 50 + "x") == "max_length"


def test_a_text_that_nobody_logs_in_with_keeps_its_case():
    assert normalize(TEXT, " Ab ") == "Ab"


def test_a_column_of_another_type_is_spelled_by_its_own_rule():
    assert normalize(models.IntegerField(), " 042 ") == "42"
    assert spelled(models.IntegerField(), "x") is None


@pytest.mark.parametrize("field", [USERNAME, EMAIL, PHONE], ids=type)
@given(value=st.text(max_size=200) | st.integers() | st.booleans() | st.none())
def test_nothing_but_a_validation_error_is_raised(field, value):
    spelled(field, value)


def test_stored_values_read_as_they_were_spelled():
    unreadable = PhoneNumber(raw_input="not a number")

    assert to_text(None) is None
    assert to_text("ada") == "ada"
    assert to_text(PhoneNumber.from_string("+12125552368")) == "+12125552368"
    assert to_text(unreadable) == "not a number"
    assert to_text(PhoneNumber()) is None


def test_addresses_are_personal_and_names_are_not():
    assert is_personal(EMAIL)
    assert is_personal(PHONE)
    assert not is_personal(USERNAME)
