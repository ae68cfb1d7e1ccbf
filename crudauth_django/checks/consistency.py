"""Do settings that are each well-formed agree with one another, and with a site?"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core import checks

from crudauth_django.channels.addresses import is_loopback
from crudauth_django.checks.loading import parsed

#: A setting, and two of its options of which the first must not be longer.
IN_ORDER = (
    ("CRUDAUTH_LOCKOUT", "BASE", "MAX"),
    ("CRUDAUTH_LOCKOUT", "MAX", "MEMORY"),
    ("CRUDAUTH_RETRY", "BASE", "MAX"),
)


@checks.register("crudauth")
def check_times(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check that no first wait is the longest, and no lock outlasts its memory."""
    messages: list[checks.CheckMessage] = []
    for name, low, high in IN_ORDER:
        options = parsed(name)
        if options and getattr(options, low.lower()) > getattr(options, high.lower()):
            messages.append(
                checks.Error(
                    f"{name}: {low} is longer than {high}.",
                    hint=f"Set a shorter {low}, or a longer {high}; one that is not "
                    "named keeps its default.",
                    id="crudauth.E032",
                )
            )
    return messages


@checks.register("crudauth", deploy=True)
def check_links(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check that links, which hold live tokens, are read by nobody on their way."""
    addresses = parsed("CRUDAUTH_FRONTEND_URL") or {}
    plain = [url for url in addresses.values() if _is_plain(url)]
    if not plain:
        return []
    return [
        checks.Warning(
            f"CRUDAUTH_FRONTEND_URL has plain http:// ({plain[0]}): whoever is "
            "on the way reads the tokens in the links.",
            hint="Use https://.",
            id="crudauth.W013",
        )
    ]


def _is_plain(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")
