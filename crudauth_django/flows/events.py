"""The notices and signals that follow a change."""

from functools import partial
from typing import Any

from django.contrib.auth import user_login_failed
from django.db import transaction
from django.dispatch import Signal
from django.http import HttpRequest

from crudauth_django import signals
from crudauth_django.client import Client
from crudauth_django.dispatch.enqueue import enqueue_message
from crudauth_django.kinds import MessageKind
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import user_database, user_model


def user_registered(user: AbstractAuthUser, client: Client | None) -> None:
    """Send the signal of a new account."""
    _send_after_commit(signals.user_registered, user=user, client=client)


def recovery_verified(user: AbstractAuthUser, client: Client | None) -> None:
    """Send the signal of a verified recovery value."""
    _send_after_commit(signals.recovery_verified, user=user, client=client)


def password_reset(user: AbstractAuthUser, client: Client | None) -> None:
    """Send the signals of a password that a token replaced."""
    _send_after_commit(
        signals.password_reset, signals.credentials_revoked, user=user, client=client
    )


def password_changed(user: AbstractAuthUser, client: Client | None) -> None:
    """Send the signals of a password that its owner replaced."""
    _send_after_commit(
        signals.password_changed, signals.credentials_revoked, user=user, client=client
    )


def recovery_changed(
    user: AbstractAuthUser, client: Client | None, *, old_value: str | None
) -> None:
    """Send the signals of a new recovery value."""
    _send_after_commit(
        signals.recovery_changed,
        signals.credentials_revoked,
        user=user,
        client=client,
        old_value=old_value,
    )


def credentials_revoked(user: AbstractAuthUser, client: Client | None) -> None:
    """Send the signal of ended sessions."""
    _send_after_commit(signals.credentials_revoked, user=user, client=client)


def send_login_failed(*, identifier: str, request: HttpRequest | None) -> None:
    """Send Django's ``user_login_failed``, as ``authenticate()`` does."""
    user_login_failed.send(
        sender=__name__,
        credentials={"username": identifier, "password": "*" * 20},
        request=request,
    )


def notify_password_changed(user: AbstractAuthUser) -> None:
    """Send a notice to the account's verified recovery value."""
    if user.is_recovery_verified and user.held_value:
        enqueue_message(MessageKind.PASSWORD_CHANGED, user.held_value, user_pk=user.pk)


def notify_recovery_changed(user: AbstractAuthUser, *, old_value: str | None) -> None:
    """Send a notice to the old value; ``None`` if it was not verified."""
    if old_value:
        enqueue_message(MessageKind.RECOVERY_CHANGED, old_value, user_pk=user.pk)


def _send_after_commit(
    *events: Signal, user: AbstractAuthUser, client: Client | None, **values: Any
) -> None:
    """Send signals after the commit; no receiver can undo the change."""
    for event in events:
        transaction.on_commit(
            partial(
                event.send_robust,
                sender=user_model(),
                user=user,
                client=client or Client(),
                **values,
            ),
            using=user_database(),
            robust=True,
        )
