"""Show messages on the console, for development."""

import sys
from typing import Any, TextIO

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent

__all__ = ["ConsoleChannel"]


class ConsoleChannel(DeliveryChannel):
    """Writes every message, token included, to ``stream`` (standard output).

    Do not use it on a site: every reader of the console can redeem the tokens.
    """

    def __init__(self, *, stream: TextIO | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._stream = stream

    def deliver(self, intent: DeliveryIntent) -> None:
        lines = [f"{intent.kind} to {intent.recipient} (account {intent.account})"]
        if intent.token is not None:
            lines.append(f"token: {intent.token}")
        if intent.link:
            lines.append(f"link: {intent.link}")
        stream = self._stream or sys.stdout
        stream.write("\n  ".join(lines) + "\n")
        stream.flush()
