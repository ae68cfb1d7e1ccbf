"""Record the attempts to deliver a message."""

import logging
from typing import Any

from django.db import DatabaseError, InterfaceError, router, transaction
from django.db.models import F
from django.utils import timezone

from crudauth_django.delivery_log.models import LoggedDelivery

logger = logging.getLogger(__name__)

#: Providers choose the length of their codes.
MAX_LENGTH = 100


def record_attempt(*, message_id: str, channel: str, **attempt: Any) -> None:
    """Record one attempt; a log that cannot be written delays no message.

    One worker tries a message at a time, so no other one writes the same row.
    """
    key = {"message_id": message_id, "channel": channel}
    result = {
        "outcome": attempt["outcome"],
        "provider_id": attempt["provider_id"][:MAX_LENGTH],
        "code": attempt["code"][:MAX_LENGTH],
        "tried_at": timezone.now(),
    }
    first = {name: attempt[name] for name in ("kind", "recipient", "country")}
    rows = LoggedDelivery._default_manager
    try:
        with transaction.atomic(using=router.db_for_write(LoggedDelivery)):
            if not rows.filter(**key).update(attempts=F("attempts") + 1, **result):
                rows.create(**key, **first, **result)
    except (DatabaseError, InterfaceError) as error:
        # A traceback could show the value.
        name = type(error).__name__
        logger.error("The delivery of %s could not be logged: %s.", message_id, name)
