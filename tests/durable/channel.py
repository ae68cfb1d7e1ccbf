"""A channel that posts to the provider of these tests, as a project writes one."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter
from typing import ClassVar

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.provider_ids import set_provider_id
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected


class GatewayChannel(DeliveryChannel):
    """Posts each message to ``url`` as JSON."""

    def __init__(self, *, url: str, timeout: float = 10, **options) -> None:
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
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                set_provider_id(answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                wait = error.headers.get("Retry-After")
                raise DeliveryFailed(
                    "refused", code=str(error.code), retry_after=wait and int(wait)
                ) from error
        except OSError as error:
            raise DeliveryFailed(f"unreachable for {intent.recipient}") from error


class TalkativeChannel(DeliveryChannel):
    """Fails, then breaks, then refuses, and repeats every secret as it does."""

    tries: ClassVar[Counter[str]] = Counter()

    def deliver(self, intent: DeliveryIntent) -> None:
        self.tries[intent.id] += 1
        said = f"no {intent.token} {intent.link} {intent.recipient}"
        match self.tries[intent.id]:
            case 1:
                raise DeliveryFailed(said, code="503", retry_after=1)
            case 2:
                raise RuntimeError(said)
            case _:
                raise DeliveryRejected(said, code="400")
