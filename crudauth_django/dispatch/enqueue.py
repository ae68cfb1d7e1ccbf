"""Hand messages to the dispatcher."""

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import get_language

from crudauth_django.conf.settings import get_settings
from crudauth_django.delivery.budget import find_held_back
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch.base import get_dispatcher
from crudauth_django.kinds import Cause, MessageKind
from crudauth_django.users import user_database


def enqueue_message(
    kind: MessageKind,
    value: str,
    *,
    user_pk: object = None,
    cause: Cause = Cause.REQUEST,
) -> None:
    """Hand a message to the dispatcher; the account is looked up later."""
    if not can_send():
        return
    get_dispatcher().dispatch(
        PendingMessage(
            kind=str(kind),
            value=value,
            user_pk=None if user_pk is None else str(user_pk),
            cause=str(cause),
            language=get_language() or "",
        )
    )


def can_send() -> bool:
    """Return whether the project has a channel."""
    return bool(get_settings().channels)


def held_back_until(value: str) -> datetime | None:
    """Return when a value's budget allows requests again; ``None`` for now.

    Nothing is counted. Raises ``CountersUnavailable``.
    """
    request = PendingMessage(kind=MessageKind.RESET_PASSWORD, value=value)
    held = find_held_back(request)
    return datetime.fromtimestamp(held.until, tz=UTC) if held else None


def atomic_with_outbox() -> AbstractContextManager[Any]:
    """Open one transaction for a change and its messages.

    With a durable queue, both are stored or neither is. Other dispatchers need
    no transaction.
    """
    durable = get_dispatcher().durable
    return transaction.atomic(using=user_database()) if durable else nullcontext()
