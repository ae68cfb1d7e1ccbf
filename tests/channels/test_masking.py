"""Recovery values in logs: masked, or redacted from a text."""

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
def test_mask_shows_two_characters_at_each_end_if_long(value, shown):
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
def test_redact_hides_number_in_any_form(text):
    redacted = redact(text, "+15551234567")

    digits = "".join(letter for letter in redacted if letter.isdigit())
    assert "1234567" not in digits
    assert "4567" not in digits


def test_redact_hides_address_in_url():
    redacted = redact("ada@example.com: /to/ada%40example.com?x", "ada@example.com")

    assert "ada@" not in redacted
    assert "ada%40" not in redacted


def test_redact_leaves_other_text():
    assert redact("code 21610 after 3 s", "+15551234567", None, "") == (
        "code 21610 after 3 s"
    )
