"""Hide recovery values and secrets in texts for logs."""

import re
from urllib.parse import quote

#: A value of up to this length is masked whole.
MAX_HIDDEN_LENGTH = 6
#: This many digits at the end of a number tell it from other numbers.
IDENTIFYING_DIGITS = 7


def mask(value: str) -> str:
    """Keep two characters at each end: ``+15551234567`` is ``+1********67``."""
    if len(value) <= MAX_HIDDEN_LENGTH:
        return "*" * len(value)
    return value[:2] + "*" * (len(value) - 4) + value[-2:]


def redact(text: str, *secrets: str | None) -> str:
    """Return a text with every secret masked, also in its form for URLs.

    The end of a phone number is masked however a provider groups the digits:
    ``(555) 123-4567``, ``15551234567``.
    """
    for secret in filter(None, secrets):
        for form in (secret, quote(secret, safe="")):
            text = text.replace(form, mask(form))
        if secret.startswith("+"):
            digits = re.sub(r"\D", "", secret)[-IDENTIFYING_DIGITS:]
            text = re.sub(r"[^\d\w]{0,3}".join(digits), "*" * IDENTIFYING_DIGITS, text)
    return text
