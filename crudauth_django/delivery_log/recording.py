"""Writing the log, and keeping it short."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, router, transaction
from django.db.models import F
from django.utils import timezone

from crudauth_django.deliveries import Delivery
from crudauth_django.delivery_log.models import LoggedDelivery

logger = logging.getLogger(__name__)

#: Providers choose the length of their codes.
LONGEST = 100


def write(delivery: Delivery) -> None:
    """Write one try down; a log that can't be written stops no message."""
    try:
        with transaction.atomic(using=router.db_for_write(LoggedDelivery)):
            _write(delivery)
    except (DatabaseError, InterfaceError) as error:
        logger.error(  # noqa: TRY400 (a traceback could show the value)
            "The delivery of %s could not be logged: %s.",
            delivery.message_id,
            type(error).__name__,
        )


def _write(delivery: Delivery) -> None:
    line = {"message_id": delivery.message_id, "channel": delivery.channel}
    outcome: dict[str, Any] = {
        "outcome": delivery.outcome,
        "provider_id": delivery.provider_id[:LONGEST],
        "code": delivery.code[:LONGEST],
        "tried_at": timezone.now(),
    }
    rows = LoggedDelivery._default_manager
    # A message is tried by one worker at a time: none can come in between.
    if rows.filter(**line).update(attempts=F("attempts") + 1, **outcome):
        return
    rows.create(
        kind=delivery.kind,
        recipient=delivery.recipient,
        country=delivery.country,
        **line,
        **outcome,
    )


def prune(*, older_than: timedelta) -> int:
    """Delete what was last tried before that; return how many lines that were."""
    old = LoggedDelivery._default_manager.filter(
        tried_at__lt=timezone.now() - older_than
    )
    return old.delete()[0]
