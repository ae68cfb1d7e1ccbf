"""Deliver one pending message: look up, make the token, send.

This runs off the request. A request for an unknown value takes the same time,
because the look-up happens here.
"""

import logging
import time
from dataclasses import replace

from crudauth_django.channels.masking import mask
from crudauth_django.delivery.budget import count_unknown, is_within_budget
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.delivery.recipients import ResolvedMessage, resolve
from crudauth_django.delivery.send import (
    Checkpoint,
    channels_for,
    report_failures,
    send_to_channels,
)

logger = logging.getLogger(__name__)


def deliver_message(
    message: PendingMessage, *, checkpoint: Checkpoint | None = None
) -> PendingMessage | None:
    """Try a message once; return its next attempt, or ``None`` if it is done.

    An error before a channel is reached, such as a lost database connection, is
    retried like a failed channel. ``checkpoint`` records finished steps, so
    that a retry after a crash does not repeat them. Raises no ``Exception``.
    """
    remaining = message

    def record(rest: PendingMessage) -> None:
        nonlocal remaining
        remaining = rest
        if checkpoint is not None:
            checkpoint(rest)

    if message.is_outdated():
        logger.error("Gave up on %s (%s).", message.id, message.kind)
        return None
    try:
        return _deliver(message, record)
    # An unforeseen error must neither lose the message nor end the worker.
    except Exception as error:  # noqa: BLE001 (the reason is the line above)
        logger.error(
            "Message %s (%s) could not be delivered: %s.",
            message.id,
            message.kind,
            type(error).__name__,  # a traceback could show the value
        )
        return remaining.next_attempt(channels=remaining.channels)


def _deliver(message: PendingMessage, checkpoint: Checkpoint) -> PendingMessage | None:
    resolved = resolve(message)
    if resolved is None:
        logger.debug("No account waits for %s (%s).", message.id, message.kind)
        count_unknown(message.value)
        return None
    if _is_too_late(message, resolved, at=time.time()):
        return None
    channels = channels_for(message, resolved.user.shape().recovery_factor)
    if message.channels is None:
        if not channels or not is_within_budget(message.value):
            return None
        # It is counted: a retry after a crash must not count it again.
        message = replace(message, channels=list(channels))
        checkpoint(message)
    intent = resolved.make_intent(message)
    failed = send_to_channels(message, intent, channels=channels, checkpoint=checkpoint)
    if not failed:
        return None
    waits = [a.error.retry_after or 0 for a in failed.values() if a.error is not None]
    following = message.next_attempt(channels=list(failed), retry_after=max(waits))
    ended = _is_too_late(message, resolved, at=following.due_at)
    report_failures(failed, intent, channels=channels, ended=ended)
    return None if ended else following


def _is_too_late(
    message: PendingMessage, resolved: ResolvedMessage, *, at: float
) -> bool:
    """Return whether a token of the request's time has expired at a Unix time."""
    if at <= message.requested_at + resolved.max_age.total_seconds():
        return False
    logger.error(
        "Gave up on %s (%s) to %s after %d tries in %d s.",
        message.id,
        message.kind,
        mask(message.value),
        message.attempt,
        time.time() - message.requested_at,
    )
    return True
