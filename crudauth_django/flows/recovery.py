"""Verify, reset, change: each a request and a confirmation.

Values come in their one spelling (``crudauth_django.spelling.normalize``). A
request does the same for every value; what it leads to happens elsewhere.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.contrib.auth import (
    get_user,
    password_validation,
    update_session_auth_hash,
)
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from crudauth_django import lockout, passwords, signals
from crudauth_django.backends import verify_again
from crudauth_django.channels import base as kinds
from crudauth_django.client import Client
from crudauth_django.exceptions import (
    CountersUnavailable,
    InvalidCredentials,
    InvalidToken,
)
from crudauth_django.flows.accounts import (
    clean_new_password,
    notify_password_changed,
)
from crudauth_django.flows.announcing import announce
from crudauth_django.flows.delivery import ask, together
from crudauth_django.flows.purposes import CHANGE, RESET, VERIFY, unchanged
from crudauth_django.identity import as_django_user, shape
from crudauth_django.tokens import read_token

if TYPE_CHECKING:
    from django.http import HttpRequest

    from crudauth_django.models import AbstractAuthUser

logger = logging.getLogger(__name__)


def request_verification(*, value: str, key: object = None) -> None:
    """Have a verification sent to a value, if an account waits for one.

    ``key`` is the primary key of the account that asks, where one is signed
    in; of several that claim the value, it is the one that is meant then.
    """
    ask(kinds.VERIFY_RECOVERY, value, key=key)


def request_reset(*, value: str) -> None:
    """Have a reset sent to a value, if an account recovers by it."""
    ask(kinds.RESET_PASSWORD, value)


@sensitive_variables()
def request_change(
    *, user: AbstractAuthUser, value: str, password: str, client: Client | None = None
) -> None:
    """Claim another recovery value; it is the account's once control is proven.

    Raises ``InvalidCredentials``, ``LockedOut``, ``CountersUnavailable``, and
    ``ValidationError`` for the value that the account shows already.
    """
    verify_again(user=user, password=password, client=client or Client())
    if value == user.recovery_value:
        unchanged_value = _("This is what your account has already.")
        raise ValidationError({f"new_{shape().factor}": [unchanged_value]})
    # Back to a value that the account holds, there is nothing but to prove it.
    held = value == user.held_value
    row = unchanged(user, password=user.password, auth_epoch=user.auth_epoch)
    with together():
        if not row.update(**{shape().pending: None if held else value}):
            raise InvalidCredentials
        kind = kinds.VERIFY_RECOVERY if held else kinds.CHANGE_RECOVERY
        ask(kind, value, key=user.pk)


@sensitive_variables()
def confirm_verification(
    *, token: str, client: Client | None = None
) -> AbstractAuthUser:
    """Spend a verification token; raises ``InvalidToken``."""
    user = read_token(VERIFY.purpose, token)
    if not VERIFY.spend(user, {}):
        raise InvalidToken("spent meanwhile")
    announce(signals.recovery_verified, user=user, client=client)
    return user


@sensitive_variables()
def confirm_reset(
    *, token: str, new_password: str, client: Client | None = None
) -> AbstractAuthUser:
    """Spend a reset token: set the password, end every session, lift the lock.

    Raises ``InvalidToken``, and ``ValidationError`` for a refused password,
    which leaves the token alive.
    """
    user = read_token(RESET.purpose, token)
    cleaned = clean_new_password(new_password, user=user, field="new_password")
    encoded = passwords.hash_password(cleaned)
    with together():
        if not RESET.spend(user, {"password": encoded}):
            raise InvalidToken("spent meanwhile")
        notify_password_changed(user)
    password_validation.password_changed(cleaned, as_django_user(user))
    announce(
        signals.password_reset, signals.credentials_revoked, user=user, client=client
    )
    try:
        lockout.lift(user)
    except CountersUnavailable:
        logger.error("A reset could not lift the account's lock: no counters.")  # noqa: TRY400 (nothing to trace)
    return user


@sensitive_variables()
def confirm_change(
    *,
    token: str,
    request: HttpRequest | None = None,
    client: Client | None = None,
) -> AbstractAuthUser:
    """Spend a change token: the new value holds, and the old one is told.

    Every older token is dead and every session ended but that of ``request``,
    if it is this user's. Raises ``InvalidToken``, also when somebody else has
    proven the value meanwhile.
    """
    # Before the epoch moves: a session is read with the epoch it began in. And
    # from the session itself: a view that asks for no authentication shows
    # everybody as a stranger.
    signed_in = None if request is None else get_user(request).pk
    user = read_token(CHANGE.purpose, token)
    old, was_proven = user.held_value, user.is_recovery_verified
    with together():
        if user.pending_value is None or not CHANGE.spend(user, {}):
            raise InvalidToken("spent or taken meanwhile")
        if old is not None and was_proven:
            ask(kinds.RECOVERY_CHANGED, old, key=user.pk)
    if request is not None and signed_in == user.pk:
        request.user = user  # type: ignore[assignment]
        update_session_auth_hash(request, as_django_user(user))
    announce(
        signals.recovery_changed,
        signals.credentials_revoked,
        user=user,
        client=client,
        old_value=old,
    )
    return user
