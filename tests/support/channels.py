"""Channels of sites in other processes, for the test process to look into.

:class:`RecordingChannel` needs no provider. :class:`GatewayChannel` sends to the
:class:`~tests.support.providers.Provider` of the test, which can be down, slow or
busy.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from crudauth_django.channels.base import (
    DeliveryChannel,
    DeliveryIntent,
    set_provider_id,
)
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected


class RecordingChannel(DeliveryChannel):
    """Appends each message to ``path`` as a line of JSON, after ``seconds``.

    ``<path>.begun`` gets a line as soon as a delivery begins.
    """

    def __init__(self, *, path: str, seconds: float = 0, **options: Any) -> None:
        super().__init__(**options)
        self._path = Path(path)
        self._seconds = seconds

    def deliver(self, intent: DeliveryIntent) -> None:
        message = asdict(intent)
        expires_in = message.pop("expires_in")
        message["seconds"] = expires_in and expires_in.total_seconds()
        with self._path.with_suffix(".begun").open("a") as begun:
            begun.write(f"{intent.kind}\n")
        time.sleep(self._seconds)
        with self._path.open("a") as outbox:
            outbox.write(json.dumps(message) + "\n")


class RoutingChannel(RecordingChannel):
    """Records each message, but for the numbers that it finds no route to.

    ``<path>.refused`` gets a line for each of those.
    """

    def deliver(self, intent: DeliveryIntent) -> None:
        if intent.recipient.startswith("+1900"):
            with self._path.with_suffix(".refused").open("a") as refused:
                refused.write(f"{intent.id}\n")
            raise RuntimeError("no route")
        super().deliver(intent)


class GatewayChannel(DeliveryChannel):
    """Posts each message to ``url`` as JSON, as a project's own channel does."""

    def __init__(self, *, url: str, timeout: float = 10, **options: Any) -> None:
        super().__init__(**options)
        self._url = url
        self._timeout = timeout

    def deliver(self, intent: DeliveryIntent) -> None:
        message = {
            "id": intent.id,
            "kind": intent.kind,
            "to": intent.recipient,
            "token": intent.token,
        }
        request = urllib.request.Request(self._url, data=json.dumps(message).encode())
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:
                set_provider_id(response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                wait = error.headers.get("Retry-After")
                raise DeliveryFailed(
                    "refused", code=str(error.code), retry_after=wait and int(wait)
                ) from error
        except OSError as error:
            raise DeliveryFailed(f"unreachable for {intent.recipient}") from error


class LeakingChannel(DeliveryChannel):
    """Fails, then breaks, then rejects; each error repeats every secret."""

    tries: ClassVar[Counter[str]] = Counter()

    def deliver(self, intent: DeliveryIntent) -> None:
        self.tries[intent.id] += 1
        text = f"no {intent.token} {intent.link} {intent.recipient}"
        match self.tries[intent.id]:
            case 1:
                raise DeliveryFailed(text, code="503", retry_after=1)
            case 2:
                raise RuntimeError(text)
            case _:
                raise DeliveryRejected(text, code="400")
