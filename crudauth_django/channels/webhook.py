"""Your own gateway: signed JSON over HTTPS."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from crudauth_django.channels.addresses import require_https
from crudauth_django.channels.base import DeliveryIntent
from crudauth_django.channels.masking import redact
from crudauth_django.channels.provider import (
    TEMPLATES,
    ProviderChannel,
    one_of,
    render_text,
    seconds_to_wait,
    unreachable,
)
from crudauth_django.channels.provider_ids import set_provider_id
from crudauth_django.exceptions import DeliveryError, DeliveryFailed, DeliveryRejected

#: What a gateway answers for a message that nobody can ever deliver.
REJECTING = (HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY)
#: Of a longer answer, the rest is not read.
LONGEST_ANSWER = 64 * 1024
#: Shorter secrets can be guessed (Standard Webhooks asks for 24 to 64 bytes).
SHORTEST_SECRET = 24
#: How secrets begin that are base64 (Standard Webhooks).
SECRET_PREFIX = "whsec_"  # noqa: S105 (how one begins)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    status: int
    retry_after: str | None
    #: What its JSON says under ``code`` and ``id``.
    code: str = field(repr=False)
    id: str = field(repr=False)


class WebhookChannel(ProviderChannel):
    """Posts each message to ``url``, signed as Standard Webhooks says.

    ``secret`` is one secret or, while you change it, several. Redirects and
    the environment's proxies are not followed. ``template`` says how the message
    is worded: ``"sms"``, or ``"email"`` with a subject and HTML.
    """

    loggers = ()

    def __init__(
        self,
        *,
        url: str,
        secret: str | Iterable[str],
        timeout: float = 10.0,
        ca_file: str | None = None,
        template: str = "sms",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._url = urlsplit(require_https("url", url))
        secrets = [secret] if isinstance(secret, str) else secret
        self._keys = [_key(one) for one in secrets]
        if not self._keys:
            raise ValueError("secret must not be empty")
        self._timeout = timeout
        self._trusted = ssl.create_default_context(cafile=ca_file)
        self._template = one_of("template", template, TEMPLATES)

    def send(self, intent: DeliveryIntent) -> DeliveryError | None:
        body = json.dumps(self._payload(intent)).encode()
        try:
            answer = self._post(body, intent.id)
        except (OSError, HTTPException) as error:
            return unreachable("The gateway", error)
        if HTTPStatus(200) <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            set_provider_id(answer.id)
            return None
        return _refused(answer, intent)

    def _payload(self, intent: DeliveryIntent) -> dict[str, Any]:
        written = render_text(intent, template=self._template)
        lifetime = intent.expires_in
        return {
            "id": intent.id,
            "kind": intent.kind,
            "recipient": intent.recipient,
            "account": intent.account,
            "language": intent.language,
            "token": intent.token,
            "link": intent.link,
            "expires_in": None if lifetime is None else int(lifetime.total_seconds()),
            "subject": written.subject,
            "text": written.text,
            "html": written.html,
        }

    def _post(self, body: bytes, intent_id: str) -> _Answer:
        path = self._url.path or "/"
        target = f"{path}?{self._url.query}" if self._url.query else path
        with closing(self._connection()) as connection:
            connection.request("POST", target, body, self._headers(body, intent_id))
            response = connection.getresponse()
            said = _said(response.read(LONGEST_ANSWER))
            return _Answer(
                status=response.status,
                retry_after=response.headers.get("Retry-After"),
                code=said.get("code", ""),
                id=said.get("id", ""),
            )

    def _connection(self) -> HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "http":
            return HTTPConnection(host, port, timeout=self._timeout)
        return HTTPSConnection(host, port, timeout=self._timeout, context=self._trusted)

    def _headers(self, body: bytes, intent_id: str) -> dict[str, str]:
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
    """Sign a message as Standard Webhooks does, version 1.

    See https://www.standardwebhooks.com; libraries that check it exist for
    most languages.
    """
    signed = b".".join([id.encode(), timestamp.encode(), body])
    digest = hmac.digest(key, signed, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def _key(secret: str) -> bytes:
    if secret.startswith(SECRET_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
        except binascii.Error:
            key = b""
    else:
        key = secret.encode()
    if len(key) < SHORTEST_SECRET:
        raise ValueError(f"secret must have at least {SHORTEST_SECRET} bytes")
    return key


def _said(content: bytes) -> dict[str, str]:
    """Read a gateway's answer: a JSON object, of which texts and numbers count."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(answer, dict):
        return {}
    return {
        key: str(value)[:40]
        for key, value in answer.items()
        if isinstance(value, (str, int))
    }


def _refused(answer: _Answer, intent: DeliveryIntent) -> DeliveryError:
    code = redact(answer.code, intent.link, intent.token, intent.recipient)
    code = code or str(answer.status)
    if answer.status in REJECTING:
        return DeliveryRejected("The gateway will not deliver it", code=code)
    return DeliveryFailed(
        "The gateway did not take it",
        code=code,
        retry_after=seconds_to_wait(answer.retry_after),
    )
