"""Report messages that no channel was tried for."""

import logging
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from crudauth_django import signals
from crudauth_django.channels.masking import mask
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.identity.normalize import country_of
from crudauth_django.kinds import Outcome
from crudauth_django.users import field_of, user_shape

logger = logging.getLogger(__name__)


def report_held_back(
    message: PendingMessage,
    *,
    labels: Iterable[str],
    code: str,
    kind: str = "",
    until: float | None = None,
) -> None:
    """Send ``delivery_held_back`` for each channel, and log why.

    ``until`` is when a budget allows the message again, in Unix seconds. Without
    it, there will be no further attempt. ``kind`` is that of the resolved message.
    """
    if until is None:
        log_given_up(message, reason=code)
    else:
        logger.warning(
            "Held back %s (%s) to %s for %d s: %s is used up.",
            message.id,
            message.kind,
            mask(message.value),
            until - time.time(),
            code,
        )
    country = country_of(field_of(user_shape().recovery_factor), message.value)
    for label in labels:
        signals.delivery_held_back.send_robust(
            sender=PendingMessage,
            message_id=message.id,
            kind=kind or message.kind,
            channel=label,
            recipient=mask(message.value),
            country=country,
            outcome=Outcome.GAVE_UP if until is None else Outcome.HELD_BACK,
            code=code,
            held_until=None if until is None else datetime.fromtimestamp(until, tz=UTC),
        )


def log_given_up(message: PendingMessage, *, reason: str) -> None:
    """Log that there will be no further attempt."""
    logger.error(
        "Gave up on %s (%s) to %s at attempt %d, after %d s: %s.",
        message.id,
        message.kind,
        mask(message.value),
        message.attempt,
        time.time() - message.requested_at,
        reason,
    )
