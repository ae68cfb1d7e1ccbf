"""The messages and signals that follow a change, or a refused link."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone

from crudauth_django import signals
from crudauth_django.client import Client
from crudauth_django.dispatch.enqueue import enqueue_message
from crudauth_django.exceptions import PasswordRequired
from crudauth_django.kinds import MessageKind
from crudauth_django.models import AbstractAuthUser, FormerValue
from crudauth_django.users import user_database, user_model

#: How long a former value gets the notices of changed passwords.
FORMER_VALUE_MAX_AGE = timedelta(days=1)


def notify_password_changed(user: AbstractAuthUser) -> None:
    """Send a notice to the account's verified value, and to those of the last day."""
    if user.shape().factor is None:
        return
    former = FormerValue._default_manager.filter(
        user_pk=str(user.pk), expires_at__gt=timezone.now()
    )
    # MySQL's default collation also finds the rows of other keys.
    values = {row.value for row in former if row.user_pk == str(user.pk)}
    if user.is_recovery_verified and user.held_value:
        values.add(user.held_value)
    for value in sorted(values):
        enqueue_message(MessageKind.PASSWORD_CHANGED, value, user_pk=user.pk)


def notify_recovery_changed(user: AbstractAuthUser, *, old_value: str | None) -> None:
    """Send a notice to the old value, and remember it for a day.

    ``None`` if it was not verified.
    """
    if old_value:
        FormerValue._default_manager.create(
            user_pk=str(user.pk),
            value=old_value,
            expires_at=timezone.now() + FORMER_VALUE_MAX_AGE,
        )
        enqueue_message(MessageKind.RECOVERY_CHANGED, old_value, user_pk=user.pk)


@contextmanager
def reset_if_refused() -> Iterator[None]:
    """Send a reset to the value of a link that only the account's owner may redeem.

    So the person who reads the messages to the value can choose the password. The
    value's budget limits these messages.
    """
    try:
        yield
    except PasswordRequired as error:
        reset = MessageKind.RESET_PASSWORD
        enqueue_message(reset, error.value, user_pk=error.user_pk)
        raise


def _send_after_commit(
    *events: Signal, user: AbstractAuthUser, client: Client | None, **values: Any
) -> None:
    """Send signals after the commit; no receiver can undo the change."""
    values |= {"sender": user_model(), "user": user, "client": client or Client()}
    for event in events:
        send = partial(event.send_robust, **values)
        transaction.on_commit(send, using=user_database(), robust=True)


user_registered = partial(_send_after_commit, signals.user_registered)
recovery_verified = partial(_send_after_commit, signals.recovery_verified)
password_reset = partial(
    _send_after_commit, signals.password_reset, signals.credentials_revoked
)
password_changed = partial(
    _send_after_commit, signals.password_changed, signals.credentials_revoked
)
#: Call it with ``old_value``, too.
recovery_changed = partial(
    _send_after_commit, signals.recovery_changed, signals.credentials_revoked
)
credentials_revoked = partial(_send_after_commit, signals.credentials_revoked)
