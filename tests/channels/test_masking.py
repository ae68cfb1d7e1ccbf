"""What logs show of a recovery value."""

import pytest

from crudauth_django.channels.masking import mask, redact


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("+15551234567", "+1********67"),
        ("ada@example.com", "ad***********om"),
        ("secret", "******"),
        ("", ""),
    ],
)
def test_a_value_shows_two_characters_at_each_end_unless_it_is_short(value, shown):
    assert mask(value) == shown


@pytest.mark.parametrize(
    "text",
    [
        "The number +15551234567 is no good",
        "15551234567 is no good",
        "POST /to/%2B15551234567",
        "(555) 123-4567 is no good",
        "+1 555 123 45 67",
        "1.555.123.4567",
        "5551234567, and again +1-555-123-4567",
    ],
)
def test_a_number_is_redacted_however_a_provider_spells_it(text):
    said = redact(text, "+15551234567")

    digits = "".join(letter for letter in said if letter.isdigit())
    assert "1234567" not in digits
    assert "4567" not in digits


def test_an_address_is_redacted_in_a_url_too():
    said = redact("ada@example.com: /to/ada%40example.com?x", "ada@example.com")

    assert "ada@" not in said
    assert "ada%40" not in said


def test_what_is_no_secret_stays():
    assert redact("code 21610 after 3 s", "+15551234567", None, "") == (
        "code 21610 after 3 s"
    )
