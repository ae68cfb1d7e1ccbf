"""Hand one message to every channel that serves it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from crudauth_django.channels.attempts import DeliveryAttempt, try_channel
from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent, get_channels
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.delivery.reporting import report_error, report_outcome
from crudauth_django.exceptions import DeliveryFailed, DeliveryMisconfigured
from crudauth_django.kinds import Outcome

logger = logging.getLogger(__name__)

#: Is called with the rest of a message whenever a part of it is done.
Checkpoint = Callable[[PendingMessage], None]


def channels_for(message: PendingMessage, factor: str) -> dict[str, DeliveryChannel]:
    """Return the channels still to be tried, by label."""
    serving = {k: v for k, v in get_channels().items() if v.serves(factor)}
    if not serving:
        logger.error("No channel serves %r: %s is lost.", factor, message.kind)
    if message.channels is None:
        return serving
    return {k: v for k, v in serving.items() if k in message.channels}


def send_to_channels(
    message: PendingMessage,
    intent: DeliveryIntent,
    *,
    channels: Mapping[str, DeliveryChannel],
    checkpoint: Checkpoint,
) -> dict[str, DeliveryAttempt]:
    """Try every channel; return the attempts that failed and may be repeated.

    The failure of one channel does not keep the next from being tried.
    """
    failed: dict[str, DeliveryAttempt] = {}
    remaining = list(channels)
    for label, channel in channels.items():
        attempt = try_channel(channel, intent)
        report_error(channel, intent, attempt)
        if isinstance(attempt.error, (DeliveryFailed, DeliveryMisconfigured)):
            failed[label] = attempt
            continue
        remaining.remove(label)
        if remaining:
            checkpoint(replace(message, channels=list(remaining)))
        outcome = Outcome.REJECTED if attempt.error else Outcome.DELIVERED
        report_outcome(channel, intent, attempt, label=label, outcome=outcome)
    return failed


def report_failures(
    failed: Mapping[str, DeliveryAttempt],
    intent: DeliveryIntent,
    *,
    channels: Mapping[str, DeliveryChannel],
    ended: bool,
) -> None:
    """Report the failed attempts; ``ended`` if there will be no other one."""
    outcome = Outcome.GAVE_UP if ended else Outcome.FAILED
    for label, attempt in failed.items():
        report_outcome(channels[label], intent, attempt, label=label, outcome=outcome)
