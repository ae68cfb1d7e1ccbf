"""Make and read short tokens, signed with the state of an account.

A token is base64url (RFC 4648 §5, no padding) of::

    purpose   1 byte
    issued    4 bytes, seconds since 1970, big-endian
    MAC      16 bytes, the first half of HMAC-SHA256
    key       the user's primary key: big-endian without leading zeros,
              16 bytes for a UUID, UTF-8 otherwise

The MAC covers purpose, time and key. Its key is derived from the state that the
purpose names. A token reveals nothing of that state, and a changed state voids
the token. Redeeming a token changes the state, so no table of redeemed tokens
is needed. NIST SP 800-107 recommends a tag of at least 128 bits.
"""

import base64
import json
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.debug import sensitive_variables

from crudauth_django.exceptions import InvalidToken
from crudauth_django.identity.fields import AnyField
from crudauth_django.kinds import MessageKind
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import user_model

logger = logging.getLogger(__name__)

_HEADER = 5
_MAC = 16
#: The longest token, in characters.
MAX_LENGTH = 200
#: The longest primary key that fits, in bytes.
MAX_KEY = MAX_LENGTH * 3 // 4 - _HEADER - _MAC
#: How far another server's clock may be ahead, in seconds.
CLOCK_SKEW = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Purpose:
    """The use of a token, and the state that it is signed with."""

    #: The kind of the message that carries the token.
    kind: MessageKind
    #: The first byte of the token.
    code: int
    #: The first byte instead, if another account had the value, too; ``None`` if that
    #: makes no difference.
    contested_code: int | None = None
    #: Returns the token's lifetime; called at each use.
    max_age: Callable[[], timedelta]
    #: Returns the signed state of an account.
    state: Callable[[AbstractAuthUser], tuple[str | int | bool | None, ...]]


@sensitive_variables()
def make_token(
    purpose: Purpose, user: AbstractAuthUser, *, contested: bool = False
) -> str:
    """Return a token for the present state of this user.

    ``contested`` marks it for a value that another account holds or claims.
    """
    code = purpose.contested_code if contested else purpose.code
    if code is None:
        raise ValueError(f"A {purpose.kind} token has no mark.")
    head = bytes([code]) + int(time.time()).to_bytes(4, "big")
    key = _encode_key(user.pk)
    mac = _sign(purpose, user, head + key, settings.SECRET_KEY)
    return _encode(head + mac + key)


@sensitive_variables()
def read_token(purpose: Purpose, token: str) -> AbstractAuthUser:
    """Return the active user of a token; reading never redeems it.

    Raises ``InvalidToken`` for every reason, and logs the reason at DEBUG.
    """
    try:
        return _read(purpose, token)
    except InvalidToken as error:
        logger.debug("A %s token was refused: %s.", purpose.kind, error)
        raise


def purpose_code(token: str) -> int:
    """Return the first byte of a token, unchecked; raises ``InvalidToken``."""
    return _decode(token)[0]


@sensitive_variables()
def _read(purpose: Purpose, token: str) -> AbstractAuthUser:
    raw = _decode(token)
    head, mac, key = raw[:_HEADER], raw[_HEADER : _HEADER + _MAC], raw[_HEADER + _MAC :]
    if head[0] not in {purpose.code, purpose.contested_code}:
        raise InvalidToken("another purpose")
    age = time.time() - int.from_bytes(head[1:], "big")
    if not -CLOCK_SKEW <= age <= purpose.max_age().total_seconds():
        raise InvalidToken("expired")
    rows = user_model()._default_manager
    user: AbstractAuthUser | None = rows.filter(pk=_decode_key(key)).first()
    if user is None or not user.is_active:
        raise InvalidToken("no such account")
    macs = [
        _sign(purpose, user, head + key, secret)
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]
    if not any([constant_time_compare(mac, expected) for expected in macs]):  # noqa: C419 (all are compared)
        raise InvalidToken("the state has changed")
    return user


@sensitive_variables()
def _sign(
    purpose: Purpose, user: AbstractAuthUser, message: bytes, secret: str | bytes
) -> bytes:
    state = json.dumps([purpose.kind, *purpose.state(user)])
    salt = f"crudauth_django.tokens{state}"
    digest = salted_hmac(salt, message, secret=secret, algorithm="sha256").digest()
    return digest[:_MAC]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(token: str) -> bytes:
    """Decode strictly: each token has exactly one encoding."""
    if len(token) > MAX_LENGTH or not token.isascii():
        raise InvalidToken("malformed")
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError as error:
        raise InvalidToken("malformed") from error
    if _encode(raw) != token or len(raw) <= _HEADER + _MAC:
        raise InvalidToken("malformed")
    return raw


def key_field() -> AnyField:
    """Return the primary key's field; for a relation, the field that it refers to."""
    field = user_model()._meta.pk
    while field.remote_field is not None:
        field = cast("models.ForeignKey[Any, Any]", field).target_field
    return field


def _encode_key(key: object) -> bytes:
    match key:
        case uuid.UUID():
            return key.bytes
        case int():
            return key.to_bytes((key.bit_length() + 7) // 8 or 1, "big")
        case _:
            return str(key).encode()


def _decode_key(raw: bytes) -> object:
    field = key_field()
    key: object
    try:
        if isinstance(field, models.UUIDField):
            key = uuid.UUID(bytes=raw)
        elif isinstance(field, models.IntegerField):
            key = int.from_bytes(raw, "big")
        else:
            key = field.to_python(raw.decode())
        field.run_validators(key)
    except (ValueError, ValidationError) as error:
        raise InvalidToken("malformed") from error
    if _encode_key(key) != raw:
        raise InvalidToken("malformed")
    return key
