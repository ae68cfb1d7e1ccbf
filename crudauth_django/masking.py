"""Showing a recovery value without giving it away."""

from __future__ import annotations

#: A value this short is hidden whole.
SHORT = 6


def mask(value: str) -> str:
    """Keep two characters at each end: ``+15551234567`` is ``+1********67``."""
    if len(value) <= SHORT:
        return "*" * len(value)
    return value[:2] + "*" * (len(value) - 4) + value[-2:]


def redact(text: str, *secrets: str | None) -> str:
    """Return a text in which every one of the secrets is masked or cut out."""
    for secret in filter(None, secrets):
        text = text.replace(secret, mask(secret))
        # Providers like to repeat a number without its plus sign.
        if secret.startswith("+"):
            text = text.replace(secret[1:], mask(secret[1:]))
    return text
