"""Showing a recovery value without giving it away."""

from __future__ import annotations

import re
from urllib.parse import quote

#: A value this short is hidden whole.
SHORT = 6
#: So many digits at its end tell one number from another.
TELLING_DIGITS = 7


def mask(value: str) -> str:
    """Keep two characters at each end: ``+15551234567`` is ``+1********67``."""
    if len(value) <= SHORT:
        return "*" * len(value)
    return value[:2] + "*" * (len(value) - 4) + value[-2:]


def redact(text: str, *secrets: str | None) -> str:
    """Return a text in which every one of the secrets is masked or cut out.

    Also as part of a URL, and a number in whatever way a provider groups it.
    """
    for secret in filter(None, secrets):
        for spelling in (secret, quote(secret, safe="")):
            text = text.replace(spelling, mask(spelling))
        if secret.startswith("+"):
            text = _grouped(secret).sub("*" * TELLING_DIGITS, text)
    return text


def _grouped(number: str) -> re.Pattern[str]:
    """Match the end of a number: ``(555) 123-4567``, ``15551234567``."""
    digits = re.sub(r"\D", "", number)[-TELLING_DIGITS:]
    return re.compile(r"[^\d\w]{0,3}".join(digits))
