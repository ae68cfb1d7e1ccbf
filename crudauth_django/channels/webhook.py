"""Your own gateway: signed JSON over HTTPS."""

import base64
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from crudauth_django.channels.addresses import require_https
from crudauth_django.channels.base import DeliveryIntent, set_provider_id
from crudauth_django.channels.provider import (
    TemplateChannel,
    channel_options,
    provider_error,
    unreachable,
)
from crudauth_django.exceptions import DeliveryError

__all__ = ["WebhookChannel"]

#: With these statuses, a gateway says that no attempt can succeed.
FINAL_STATUSES = (HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY)
#: The option that a gateway refuses with these statuses: it can't verify the
#: signature, or it has no such resource (RFC 9110, section 15).
MISCONFIGURED_STATUSES: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: channel_options("secret"),
    HTTPStatus.FORBIDDEN: channel_options("secret"),
    HTTPStatus.MOVED_PERMANENTLY: channel_options("url"),
    HTTPStatus.PERMANENT_REDIRECT: channel_options("url"),
    HTTPStatus.NOT_FOUND: channel_options("url"),
    HTTPStatus.METHOD_NOT_ALLOWED: channel_options("url"),
}
#: The rest of a longer response is not read.
MAX_RESPONSE_BYTES = 64 * 1024
#: Longer values in a response are cut.
MAX_VALUE_LENGTH = 40
#: Shorter secrets can be guessed (Standard Webhooks requires 24 to 64 bytes).
MIN_SECRET_BYTES = 24
#: The beginning of a secret in base64 (Standard Webhooks).
SECRET_PREFIX = "whsec_"  # noqa: S105 (a prefix, not a secret)


class WebhookChannel(TemplateChannel):
    """Posts each message to ``url``, signed by the rules of Standard Webhooks.

    ``secret`` is one secret or, while you replace it, several. Redirects and the
    environment's proxies are ignored.
    """

    loggers = ()

    def __init__(
        self,
        *,
        url: str,
        secret: str | Iterable[str],
        timeout: float = 10.0,
        ca_file: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._url = urlsplit(require_https("url", url))
        secrets = [secret] if isinstance(secret, str) else secret
        self._keys = [_signing_key(one) for one in secrets]
        if not self._keys:
            raise ValueError("secret must not be empty")
        address = (self._url.hostname or "", self._url.port)
        self._connect: Callable[[], HTTPConnection]
        self._connect = partial(HTTPConnection, *address, timeout=timeout)
        if self._url.scheme == "https":
            tls = ssl.create_default_context(cafile=ca_file)
            self._connect = partial(
                HTTPSConnection, *address, timeout=timeout, context=tls
            )

    def send(self, intent: DeliveryIntent) -> DeliveryError | None:
        texts = asdict(self._render(intent))
        body = json.dumps({**intent.to_dict(), **texts}).encode()
        path = self._url.path or "/"
        target = f"{path}?{self._url.query}" if self._url.query else path
        connected = False
        try:
            with closing(self._connect()) as connection:
                connection.connect()
                connected = True
                connection.request("POST", target, body, self._headers(intent.id, body))
                response = connection.getresponse()
                content = _read_object(response.read(MAX_RESPONSE_BYTES))
        except (OSError, HTTPException) as error:
            return unreachable("The gateway", error, maybe_taken=connected)
        if HTTPStatus(200) <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            set_provider_id(content.get("id", ""))
            return None
        return provider_error(
            "The gateway",
            code=content.get("code") or str(response.status),
            final=response.status in FINAL_STATUSES,
            setting=MISCONFIGURED_STATUSES.get(response.status),
            retry_after=response.headers.get("Retry-After"),
        )

    def _headers(self, intent_id: str, body: bytes) -> dict[str, str]:
        now = str(int(time.time()))
        return {
            "Content-Type": "application/json",
            "User-Agent": "crudauth-django",
            "Idempotency-Key": intent_id,
            "Webhook-Id": intent_id,
            "Webhook-Timestamp": now,
            "Webhook-Signature": " ".join(
                sign(key, id=intent_id, timestamp=now, body=body) for key in self._keys
            ),
        }


def sign(key: bytes, *, id: str, timestamp: str, body: bytes) -> str:  # noqa: A002 (the standard's word)
    """Sign a message by version 1 of Standard Webhooks.

    See https://www.standardwebhooks.com; most languages have a library that
    verifies it.
    """
    signed = b".".join([id.encode(), timestamp.encode(), body])
    digest = hmac.digest(key, signed, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def _signing_key(secret: str) -> bytes:
    """Decode a secret; raise ``ValueError`` if it is too short."""
    key = secret.encode()
    if secret.startswith(SECRET_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
        except ValueError:
            key = b""
    if len(key) < MIN_SECRET_BYTES:
        raise ValueError(f"secret must have at least {MIN_SECRET_BYTES} bytes")
    return key


def _read_object(content: bytes) -> dict[str, str]:
    """Return the texts and numbers of a JSON object; of other content, nothing."""
    try:
        values = json.loads(content).items()
    except (AttributeError, ValueError, RecursionError):  # no JSON, or no object
        return {}
    return {
        key: str(value)[:MAX_VALUE_LENGTH]
        for key, value in values
        if isinstance(value, (str, int))
    }
