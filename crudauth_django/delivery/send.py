"""Hand one message to every channel that serves it."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from django.db import InterfaceError, OperationalError

from crudauth_django.channels.attempts import (
    DeliveryAttempt,
    UnexpectedFailure,
    try_channel,
)
from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent, get_channels
from crudauth_django.delivery.held_back import log_given_up
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.delivery.reporting import report_error, report_outcome
from crudauth_django.exceptions import (
    CountersUnavailable,
    DeliveryError,
    DeliveryFailed,
    DeliveryMisconfigured,
    DeliveryRejected,
)
from crudauth_django.kinds import Outcome

logger = logging.getLogger(__name__)

#: Is called with the rest of a message whenever a part of it is done.
Checkpoint = Callable[[PendingMessage], None]

#: A provider that did not respond in time may have sent the message each time.
MAX_MAYBE_TAKEN = 2
#: An error that a channel does not expect, such as a bug, rarely passes.
MAX_UNEXPECTED = 5
#: Errors, before a channel is reached, of services that come back.
OUTAGES = (OperationalError, InterfaceError, CountersUnavailable, OSError)
#: The least wait, in seconds, until a person has corrected the set-up.
MISCONFIGURED_WAIT = 900


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
        if attempt.error and not isinstance(attempt.error, DeliveryRejected):
            failed[label] = attempt
            continue
        remaining.remove(label)
        if remaining:
            checkpoint(replace(message, channels=list(remaining)))
        outcome = Outcome.REJECTED if attempt.error else Outcome.DELIVERED
        report_outcome(channel, intent, attempt, label=label, outcome=outcome)
    return failed


def plan_next_attempt(
    message: PendingMessage, errors: Mapping[str, Exception | None]
) -> PendingMessage:
    """Return the next attempt at what failed; ``errors`` has the labels.

    A label that has failed too often in one way is not in its ``channels``.
    """
    failures, waits = Counter(message.failures), [0]
    channels = []
    for label, error in errors.items():
        limit, name = failure_limit(error)
        failures.update([f"{name} {label}"] if name else [])
        if name and failures[f"{name} {label}"] >= limit:
            continue
        channels.append(label)
        if isinstance(error, DeliveryError):
            waits.append(error.retry_after or 0)
        if isinstance(error, DeliveryMisconfigured):
            waits.append(MISCONFIGURED_WAIT)
    following = message.next_attempt(channels=channels, retry_after=max(waits))
    return replace(following, failures=dict(failures))


def failure_limit(error: Exception | None) -> tuple[int, str]:
    """Return how often an error may occur, and its name; ``""`` for any number."""
    if isinstance(error, UnexpectedFailure):
        return MAX_UNEXPECTED, "unexpected"
    if isinstance(error, DeliveryFailed) and error.maybe_taken:
        return MAX_MAYBE_TAKEN, "maybe_taken"
    if isinstance(error, (DeliveryError, *OUTAGES)):
        return 0, ""
    return MAX_UNEXPECTED, "unexpected"


def report_failures(
    message: PendingMessage,
    failed: Mapping[str, DeliveryAttempt],
    intent: DeliveryIntent,
    *,
    channels: Mapping[str, DeliveryChannel],
    following: PendingMessage,
) -> None:
    """Report the failed attempts; the channels of ``following`` are tried again."""
    for label, attempt in failed.items():
        outcome = Outcome.FAILED
        if label not in (following.channels or ()):
            log_given_up(message, reason=label)
            outcome = Outcome.GAVE_UP
        report_outcome(channels[label], intent, attempt, label=label, outcome=outcome)
