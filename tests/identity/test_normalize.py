"""One normalized form for every identifier and recovery value."""

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
from crudauth_django.users import field_of, user_model
from tests.support.mail import smtp_recipient

USERNAME = user_model()._meta.get_field("username")
TEXT = Group._meta.get_field("name")
EMAIL = models.EmailField()
PHONE = PhoneNumberField()
US_PHONE = PhoneNumberField(region="US")


def normalized(field, value) -> str | None:
    try:
        return normalize(field, value)
    except ValidationError:
        return None


def error_code(field, value) -> str:
    with pytest.raises(ValidationError) as caught:
        normalize(field, value)
    return caught.value.error_list[0].code


@pytest.mark.parametrize("field", [USERNAME, EMAIL, PHONE], ids=type)
@given(text=st.text(max_size=30))
def test_normalize_is_idempotent(field, text):
    once = normalized(field, text)

    assert once is None or normalize(field, once) == once


@given(text=st.text(max_size=30))
def test_username_ignores_case_and_composition(text):
    once = normalized(USERNAME, text)

    assert once is None or (
        once == normalized(USERNAME, unicodedata.normalize("NFD", text))
        and once == once.lower()
        and once == unicodedata.normalize("NFKC", once)
    )


@pytest.mark.parametrize("text", ["Ada", "ADA", " ada ", "\uff21\uff24\uff21", "ada\n"])
def test_username_is_normalized(text):
    assert normalize(USERNAME, text) == "ada"


@pytest.mark.parametrize(
    "text", ["Ada@Example.COM", " ada@example.com ", "ADA@EXAMPLE.COM"]
)
def test_email_is_normalized(text):
    assert normalize(EMAIL, text) == "ada@example.com"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bob@\uff45xample.com", "bob@example.com"),
        ("bob@\u24d4xample.com", "bob@example.com"),
        ("bob@example\uff0ecom", "bob@example.com"),
        ("bob@example\u3002com", "bob@example.com"),
        ("bob@EX\u00c4MPLE.com", "bob@xn--exmple-cua.com"),
        ("bob@exa\u0308mple.com", "bob@xn--exmple-cua.com"),
        ("bob@XN--exmple-cua.com", "bob@xn--exmple-cua.com"),
        (
            "bob@\u041f\u041e\u0427\u0422\u0410.\u0440\u0444",
            "bob@xn--80a1acny.xn--p1ai",
        ),
        ("first.last+tag@localhost", "first.last+tag@localhost"),
    ],
    ids=ascii,
)
def test_domain_of_email_is_idna(text, expected):
    assert normalize(EMAIL, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "\u017fmith@example.com",
        "\uff42ob@example.com",
        "\u212aim@example.com",
        "bo\u0431@example.com",
        '"bob"@example.com',
        '"bob@evil.example"@example.com',
        "=?utf-8?q?bob?=@example.com",
        "bob@[127.0.0.1]",
        "bob@[::1]",
        "bob@intranet",
        "bob@fa\u00df.de",
        "bob@FA\u1e9e.de",
        "bob@\u03b4\u03cc\u03bc\u03bf\u03c2.gr",
        "bob\uff20example.com",
        "bob\ufe6bexample.com",
        "bob@evil.example\uff20example.com",
        "bob@a\u2100b.com",
        "bob@\uff3b127.0.0.1]",
        "bob@example\u2024\u2024com",
        "bob@example.com\u3002",
        "bob@" + "\u00e4" * 64 + ".com",
        "bob@" + "a." * 500 + "com",
        "bob@\u3164.com",
        "bob@",
        "@example.com",
        "example.com",
    ],
    ids=ascii,
)
def test_email_of_several_readings_is_refused(text):
    assert error_code(EMAIL, text) in {"invalid", "unprintable"}


def test_validator_of_email_field_gets_normalized_value():
    seen = []
    field = models.EmailField(validators=[seen.append])

    normalize(field, "Bob@\uff45xample.com")

    assert seen == ["bob@example.com"]


letters = st.characters(codec="utf-8") | st.sampled_from(
    'aB.-@_\u00e4\u00df\u017f\uff41\uff0e\u3002\uff20\ufe6b\u2100\u2024"=?[]\u00ad\u200d\u212a'
)
addresses = st.builds(
    "{}@{}.com".format, st.text(letters, max_size=8), st.text(letters, max_size=12)
)


@given(text=addresses)
def test_any_email_is_stored_in_one_form_or_refused(text):
    once = normalized(EMAIL, text)

    assert once is None or (
        once.isascii()
        and once.count("@") == 1
        and normalize(EMAIL, once) == once
        and normalized(EMAIL, unicodedata.normalize("NFD", text)) == once
    )


@given(text=addresses)
def test_mail_goes_to_the_stored_address(text):
    once = normalized(EMAIL, text)

    # SMTP's commands hold what the parser of Python and IDNA make of an address.
    assert once is None or smtp_recipient(once) == once


@pytest.mark.parametrize(
    "letter",
    [
        "\u3164",
        "\u115f",
        "\u1160",
        "\uffa0",
        "\u034f",
        "\u17b4",
        "\u180b",
        "\ufe0f",
        "\U000e0100",
        "\u2800",
        "\ufffc",
        "\U0001d159",
        "\U00013441",
        "\U00016fe4",
        "\ufffe",
        "\u0378",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("field", [USERNAME, TEXT, EMAIL, PHONE], ids=type)
@pytest.mark.parametrize("text", ["{}", "a{}da", "\u5c0f{}", "{0}{0}"], ids=ascii)
def test_blank_letter_is_refused_alone_and_beside_others(field, text, letter):
    assert error_code(field, text.format(letter)) == "unprintable"


@pytest.mark.parametrize(
    "text", ["\u0301", "\u0301a", "\u0301 \u0301", "\u00a8", "\uff9e"]
)
@pytest.mark.parametrize("field", [USERNAME, TEXT], ids=type)
def test_combining_mark_without_a_letter_is_refused(field, text):
    assert error_code(field, text) in {"unprintable", "invalid"}


@pytest.mark.parametrize(
    "text", ['"ada"@example.com', "ada@[127.0.0.1]", "ada@fa\u00df.de"]
)
def test_text_identifier_like_refused_email_is_refused(monkeypatch, text):
    monkeypatch.setattr(Group, "LOGIN_IDENTIFIERS", ("name",), raising=False)

    assert error_code(TEXT, text) == "ambiguous"


@pytest.mark.parametrize(
    "text",
    [
        "+12125552368",
        "+1 212 555 2368",
        "+1 (212) 555-2368",
        "tel:+1-212-555-2368",
        " +1.212.555.2368 ",
        "(+1) 212.555.2368",
        "+1\u2011212\u2011555\u20112368",
        "\uff0b\uff11 212\u00a0555 2368",
        "+1/212/555/2368",
        "\uff0b\uff11\uff12\uff11\uff12\uff15\uff15\uff15\uff12\uff13\uff16\uff18",
        phonenumbers.parse("+12125552368"),
        PhoneNumber.from_string("+12125552368"),
    ],
)
def test_phone_is_normalized_to_e164(text):
    assert normalize(PHONE, text) == "+12125552368"


@given(
    number=st.from_regex(r"\+1[2-9]\d{9}", fullmatch=True),
    filler=st.sampled_from([" ", "-", ".", "("]),
)
def test_phone_ignores_punctuation(number, filler):
    spread = number[:2] + filler + number[2:5] + filler + number[5:]

    assert normalized(PHONE, spread) == normalized(PHONE, number)


def test_phone_with_region_accepts_local_number():
    assert normalize(US_PHONE, "(212) 555-2368") == "+12125552368"
    assert error_code(PHONE, "(212) 555-2368") == "invalid"


def test_phone_of_unassigned_range_is_accepted():
    assert normalize(PHONE, "+15551234567") == "+15551234567"


@pytest.mark.parametrize(
    "text", ["1", "+1", "+1212555", "+1212555236899999", "ada", "+12125552368x12"]
)
def test_phone_malformed_is_refused(text):
    assert error_code(PHONE, text) == "invalid"


def test_field_validator_gets_normalized_value():
    seen = []
    field = PhoneNumberField(validators=[seen.append])

    normalize(field, "+1 212 555 2368")

    assert seen == ["+12125552368"]


@pytest.mark.parametrize("field", [USERNAME, EMAIL, PHONE], ids=type)
@pytest.mark.parametrize("value", [None, "", "   ", "\t\n"])
def test_blank_value_is_refused(field, value):
    assert error_code(field, value) == "blank"


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
def test_unprintable_character_is_refused(field, letter):
    assert error_code(field, f"ad{letter}a@example.com") == "unprintable"


@pytest.mark.parametrize(
    "text",
    ["ada@example.com", "a@b", "+12125552368", "2125552368", "212-555-2368", "1234567"],
)
def test_username_like_another_identifier_is_refused(text):
    assert normalized(USERNAME, text) is None


@pytest.mark.parametrize("text", ["ada lovelace", "ada!", "a/b", "<ada>"])
def test_username_outside_djangos_letters_is_refused(text):
    assert error_code(USERNAME, text) == "invalid"


@pytest.mark.parametrize(
    "text",
    [
        "g\u0966\u0966gle",
        "g\u3007\u3007gle",
        "a\u06f1",
        "\u0430\u0966",
        "\u0905\u09661",
        "\u0628\u0661\u06f1",
        "a\u1372",
    ],
    ids=[
        "other script",
        "letter-like",
        "persian",
        "cyrillic",
        "with ascii",
        "two sets",
        "no decimal",
    ],
)
def test_username_with_digits_of_other_script_is_refused(text):
    assert error_code(USERNAME, text) == "mixed_scripts"


@pytest.mark.parametrize(
    "text",
    ["\u0905\u0966\u0967", "\u0905 1".replace(" ", ""), "\u06a9\u06f1", "\u0628\u0661"],
)
def test_username_with_digits_of_same_script_is_accepted(text):
    assert normalized(USERNAME, text) == text


@pytest.mark.parametrize("text", ["+43 00 664 1234567", "+44 00 20 7946 0000"])
def test_number_with_two_trunk_prefixes_is_refused(text):
    assert error_code(PHONE, text) == "invalid"


@given(
    code=st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
    prefix=st.sampled_from(["", "0", "00", "1", "8", "06"]),
    digits=st.from_regex(r"[0-9]{6,11}", fullmatch=True),
)
def test_normal_form_of_number_is_stable(code, prefix, digits):
    once = normalized(PHONE, f"+{code} {prefix} {digits}")

    assert once is None or normalized(PHONE, once) == once


@pytest.mark.parametrize(
    "text", ["p\u0430ypal", "\u0430da", "ad\u0430", "a\u03bfda", "\u0441at"]
)
def test_username_of_mixed_scripts_is_refused(text):
    # Cyrillic and Greek letters among Latin ones (but one whole word of them is fine).
    assert error_code(USERNAME, text + "z") == "mixed_scripts"


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
def test_username_of_one_script_is_accepted(text):
    assert normalize(USERNAME, text) == text


def test_value_longer_than_field_is_refused():
    assert error_code(USERNAME, "a" * 151) == "max_length"


def test_length_is_counted_normalized():
    # One letter that NFKC writes as three.
    assert normalize(TEXT, "\ufb03" * 50) == "ffi" * 50
    assert error_code(TEXT, "\ufb03" * 50 + "x") == "max_length"


def test_text_that_is_no_identifier_is_not_lowercased():
    assert normalize(TEXT, " Ab ") == "Ab"


def test_other_field_types_use_their_own_rule():
    assert normalize(models.IntegerField(), " 042 ") == "42"
    assert normalized(models.IntegerField(), "x") is None


@pytest.mark.parametrize("field", [USERNAME, EMAIL, PHONE], ids=type)
@given(value=st.text(max_size=200) | st.integers() | st.booleans() | st.none())
def test_normalize_raises_validation_error_only(field, value):
    normalized(field, value)


def test_to_text_returns_stored_value():
    unreadable = PhoneNumber(raw_input="not a number")

    assert to_text(None) is None
    assert to_text("ada") == "ada"
    assert to_text(PhoneNumber.from_string("+12125552368")) == "+12125552368"
    assert to_text(unreadable) == "not a number"
    assert to_text(PhoneNumber()) is None


def test_email_and_phone_are_personal():
    assert is_personal(EMAIL)
    assert is_personal(PHONE)
    assert not is_personal(USERNAME)


@pytest.fixture
def phone_identifies(monkeypatch):
    """Log in by phone, too."""
    monkeypatch.setattr(user_model(), "LOGIN_IDENTIFIERS", ("username", "phone"))


@pytest.mark.parametrize("name", ["030123", "1-2-3-4-5-6", "12125552368"])
def test_username_read_as_local_number_is_refused(phone_identifies, settings, name):
    settings.PHONENUMBER_DEFAULT_REGION = "DE"

    with pytest.raises(ValidationError) as caught:
        normalize(field_of("username"), name)

    assert caught.value.code == "ambiguous"


@pytest.mark.parametrize("name", ["eve+12125552368", "ada.2125552368", "1-800-flowers"])
def test_username_that_ends_in_number_is_no_phone(phone_identifies, settings, name):
    settings.PHONENUMBER_DEFAULT_REGION = "US"

    assert normalize(field_of("username"), name) == name
    with pytest.raises(ValidationError):
        normalize(field_of("phone"), name)
