"""What the tests of system checks have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.core.checks import CheckMessage

LOCMEM = "crudauth_django.channels.locmem.LocMemChannel"


def ids(check: Callable[[], Iterable[CheckMessage]]) -> list[str]:
    """Return the sorted ids of a check; each message has a cause and a hint."""
    messages = list(check())
    for message in messages:
        assert message.hint
        assert message.msg
    return sorted(str(m.id).removeprefix("crudauth.") for m in messages)


def fallback_on(*channels: object) -> dict[str, object]:
    path = "crudauth_django.channels.fallback.FallbackChannel"
    return {"BACKEND": path, "OPTIONS": {"channels": channels}}
