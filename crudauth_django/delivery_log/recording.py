"""Record the attempts to deliver a message, and why one was not made."""

import logging
from typing import Any

from django.db import DatabaseError, InterfaceError, router, transaction
from django.db.models import F
from django.utils import timezone

from crudauth_django.delivery_log.models import LoggedDelivery

logger = logging.getLogger(__name__)

#: Providers choose the length of their codes.
MAX_LENGTH = 100


def record_attempt(*, provider_id: str, **attempt: Any) -> None:
    """Record one attempt over one channel."""
    _record(
        attempt,
        attempts=1,
        provider_id=provider_id[:MAX_LENGTH],
        held_until=None,
        tried_at=timezone.now(),
    )


def record_held_back(**message: Any) -> None:
    """Record that a channel was not tried, and until when."""
    _record(message, attempts=0, held_until=message["held_until"])


def _record(event: dict[str, Any], *, attempts: int, **changes: Any) -> None:
    """Write the row of a message and a channel; an error delays no message.

    One worker tries a message at a time, so no other one writes the same row.
    """
    key = {name: event[name] for name in ("message_id", "channel")}
    first = {name: event[name] for name in ("kind", "recipient", "country")}
    changes |= {"outcome": event["outcome"], "code": event["code"][:MAX_LENGTH]}
    rows = LoggedDelivery._default_manager
    try:
        with transaction.atomic(using=router.db_for_write(LoggedDelivery)):
            raised = {"attempts": F("attempts") + attempts, **changes}
            if not rows.filter(**key).update(**raised):
                first["tried_at"] = timezone.now()
                rows.create(**key, **{**first, "attempts": attempts, **changes})
    except (DatabaseError, InterfaceError) as error:
        # A traceback could show the value.
        name = type(error).__name__
        logger.error("The delivery of %s could not be logged: %s.", key, name)
