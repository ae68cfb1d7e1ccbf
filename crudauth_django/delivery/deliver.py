"""Deliver one pending message: look up, make the token, send.

This runs off the request. A request for an unknown value takes the same time,
because the look-up happens here.
"""

import logging
from dataclasses import replace

from crudauth_django.delivery.budget import count_attempt, count_unknown
from crudauth_django.delivery.held_back import report_held_back
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.delivery.recipients import resolve
from crudauth_django.delivery.send import (
    Checkpoint,
    channels_for,
    plan_next_attempt,
    report_failures,
    send_to_channels,
)

logger = logging.getLogger(__name__)

#: The label of errors before a channel is reached.
NO_CHANNEL = "none"


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
        report_held_back(message, labels=message.channels or (), code="expired")
        return None
    try:
        return _deliver(message, record)
    # An unforeseen error must neither lose the message nor end the worker.
    except Exception as error:  # noqa: BLE001 (the reason is the line above)
        name = type(error).__name__  # a traceback could show the value
        logger.error(
            "Message %s (%s) could not be delivered: %s.",
            message.id,
            message.kind,
            name,
        )
        following = plan_next_attempt(message, {NO_CHANNEL: error})
        if following.channels and not following.end_reason():
            return replace(following, channels=remaining.channels)
        report_held_back(message, labels=remaining.channels or (), code=name)
        return None


def _deliver(message: PendingMessage, checkpoint: Checkpoint) -> PendingMessage | None:
    resolved = resolve(message)
    if resolved is None:
        logger.debug("No account waits for %s (%s).", message.id, message.kind)
        count_unknown(message)
        return None
    channels = channels_for(message, resolved.user.shape().recovery_factor)
    if not channels:
        return None
    expires_at = message.requested_at + resolved.max_age.total_seconds()
    if ended := message.end_reason(expires_at=expires_at):
        report_held_back(message, kind=resolved.kind, labels=channels, code=ended)
        return None
    if held := count_attempt(message):
        waiting = message.wait(until=held.until, channels=list(channels))
        lost = waiting is not None and waiting.end_reason(expires_at=expires_at)
        report_held_back(
            message,
            kind=resolved.kind,
            labels=channels,
            code=held.code,
            until=None if lost else held.until,
        )
        return None if lost else waiting
    # An attempt whose worker is killed counts like any other: the provider may
    # have taken the message.
    started = replace(message, attempt=message.attempt + 1, channels=list(channels))
    checkpoint(started)
    intent = resolved.make_intent(message)
    failed = send_to_channels(started, intent, channels=channels, checkpoint=checkpoint)
    following = plan_next_attempt(message, {k: a.error for k, a in failed.items()})
    if following.end_reason(expires_at=expires_at):
        following = replace(following, channels=[])
    report_failures(message, failed, intent, channels=channels, following=following)
    return following if following.channels else None
