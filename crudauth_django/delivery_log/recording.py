"""Record attempts, and delete old records."""

import logging
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, router, transaction
from django.db.models import F
from django.utils import timezone

from crudauth_django.delivery_log.models import LoggedDelivery

logger = logging.getLogger(__name__)

#: Providers choose the length of their codes.
MAX_LENGTH = 100


def record_attempt(
    *,
    message_id: str,
    kind: str,
    channel: str,
    recipient: str,
    country: str,
    outcome: str,
    code: str,
    provider_id: str,
    **_kwargs: Any,
) -> None:
    """Record one attempt; a log that cannot be written delays no message.

    One worker tries a message at a time, so no other one writes the same row.
    """
    key = {"message_id": message_id, "channel": channel}
    result: dict[str, Any] = {
        "outcome": outcome,
        "provider_id": provider_id[:MAX_LENGTH],
        "code": code[:MAX_LENGTH],
        "tried_at": timezone.now(),
    }
    first = {"kind": kind, "recipient": recipient, "country": country}
    rows = LoggedDelivery._default_manager
    try:
        with transaction.atomic(using=router.db_for_write(LoggedDelivery)):
            if not rows.filter(**key).update(attempts=F("attempts") + 1, **result):
                rows.create(**key, **first, **result)
    except (DatabaseError, InterfaceError) as error:
        logger.error(
            "The delivery of %s could not be logged: %s.",
            message_id,
            type(error).__name__,  # a traceback could show the value
        )


def prune(*, older_than: timedelta) -> int:
    """Delete records whose last attempt is older; return their number."""
    old = LoggedDelivery._default_manager.filter(
        tried_at__lt=timezone.now() - older_than
    )
    return old.delete()[0]
