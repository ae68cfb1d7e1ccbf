"""Telling the application, once what happened is sure to stay."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction

from crudauth_django.client import Client
from crudauth_django.identity import user_database, user_model

if TYPE_CHECKING:
    from django.dispatch import Signal

    from crudauth_django.models import AbstractAuthUser


def announce(
    *signals: Signal, user: AbstractAuthUser, client: Client | None, **values: Any
) -> None:
    """Send signals after the commit; no receiver can undo or stop anything."""
    for signal in signals:
        transaction.on_commit(
            partial(
                signal.send_robust,
                sender=user_model(),
                user=user,
                client=client or Client(),
                **values,
            ),
            using=user_database(),
            robust=True,
        )
