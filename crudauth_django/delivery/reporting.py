"""Report attempts to the log and to applications."""

import logging

from crudauth_django import signals
from crudauth_django.channels.attempts import DeliveryAttempt
from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.masking import mask
from crudauth_django.identity.normalize import country_of
from crudauth_django.kinds import Outcome
from crudauth_django.users import field_of, user_shape

logger = logging.getLogger(__name__)


def report_error(
    channel: DeliveryChannel, intent: DeliveryIntent, attempt: DeliveryAttempt
) -> None:
    """Log a failed attempt and send ``delivery_failed``; no secret is in either."""
    error = attempt.error
    if error is None:
        return
    recipient = mask(intent.recipient)
    reason = f"{type(error).__name__}: {error}"
    if setting := getattr(error, "setting", ""):  # of DeliveryMisconfigured
        reason = f"{reason}. Check the setting {setting}."
    logger.error(
        "%s did not deliver %s (%s) to %s, code %s: %s",
        type(channel).__qualname__,
        intent.id,
        intent.kind,
        recipient,
        error.code or "-",
        reason,
    )
    signals.delivery_failed.send_robust(
        sender=type(channel),
        intent_id=intent.id,
        kind=intent.kind,
        recipient=recipient,
        reason=reason,
        code=error.code,
    )


def report_outcome(
    channel: DeliveryChannel,
    intent: DeliveryIntent,
    attempt: DeliveryAttempt,
    *,
    label: str,
    outcome: Outcome,
) -> None:
    """Send ``delivery_attempted``."""
    signals.delivery_attempted.send_robust(
        sender=type(channel),
        message_id=intent.id,
        kind=intent.kind,
        channel=label,
        recipient=mask(intent.recipient),
        country=country_of(field_of(user_shape().recovery_factor), intent.recipient),
        outcome=outcome,
        code="" if attempt.error is None else attempt.error.code,
        provider_id=attempt.provider_id,
        seconds=attempt.seconds,
    )
