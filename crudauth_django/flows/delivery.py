"""From a question to the channels, off the request."""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.translation import get_language

from crudauth_django import signals
from crudauth_django.channels.attempts import Attempt, attempt
from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.registry import get_channels
from crudauth_django.conf import get_settings
from crudauth_django.counters import counter_key, get_counters
from crudauth_django.deliveries import Delivery, Outcome, record
from crudauth_django.dispatch import get_dispatcher
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected
from crudauth_django.flows.messages import Message, message_for
from crudauth_django.identity import field_of, shape, user_database
from crudauth_django.masking import mask
from crudauth_django.questions import (
    NOTICE_MAX_AGE,
    Keeper,
    Question,
    answers_questions,
)
from crudauth_django.rates import Rate
from crudauth_django.spelling import country_of
from crudauth_django.tokens import make_token

logger = logging.getLogger(__name__)


def ask(kind: str, value: str, *, key: object = None) -> None:
    """Leave a question for the dispatcher; what it finds changes no answer."""
    if not get_settings().channels:
        return
    get_dispatcher().dispatch(
        Question(
            kind=kind,
            value=value,
            key=None if key is None else str(key),
            language=get_language() or "",
        )
    )


def together() -> AbstractContextManager[Any]:
    """Make a change and the question it leaves one transaction.

    Where the queue is durable, that is: neither is ever there without the
    other. Elsewhere there is nothing to hold a transaction open for.
    """
    durable = get_dispatcher().durable
    return transaction.atomic(using=user_database()) if durable else nullcontext()


@answers_questions
def deliver(question: Question, keep: Keeper) -> Question | None:
    """Find the account, mint the token, and hand both to every channel.

    Every channel that serves the factor is tried, whatever becomes of the
    others. Returns the next try for those that failed, while the message is
    still worth sending.
    """
    message = message_for(question)
    if message is None:
        logger.debug("Question %s (%s): nobody to tell.", question.id, question.kind)
        _count(question.value, scope="nobody")
        return None
    if _is_too_late(question, message, at=time.time()):
        return None
    channels = _channels_for(question)
    if not channels or (question.channels is None and not _within_budget(message)):
        return None
    if question.channels is None:
        # Counted: whoever begins here again must not count it again.
        question = replace(question, channels=list(channels))
        keep(question)
    intent = _intent(question, message)
    refusals = _send(channels, intent, question=question, keep=keep)
    follow_up = _next_try(question, message, refusals)
    for label, refusal in refusals.items():
        outcome = Outcome.GAVE_UP if follow_up is None else Outcome.FAILED
        _record(label, intent, outcome=outcome, code=refusal.code)
    return follow_up


def _send(
    channels: dict[str, DeliveryChannel],
    intent: DeliveryIntent,
    *,
    question: Question,
    keep: Keeper,
) -> dict[str, DeliveryFailed]:
    """Hand it to every channel; return why those failed that may yet take it."""
    refusals: dict[str, DeliveryFailed] = {}
    left = list(channels)
    for label, channel in channels.items():
        result = attempt(channel, intent)
        if result.refusal is not None:
            _report(channel, intent, result.refusal)
        if isinstance(result.refusal, DeliveryFailed):
            refusals[label] = result.refusal
            continue
        left.remove(label)
        if left:
            keep(replace(question, channels=list(left)))
        _record_end(label, intent, result)
    return refusals


def _channels_for(question: Question) -> dict[str, DeliveryChannel]:
    factor = shape().recovery_factor
    serving = {
        label: channel
        for label, channel in get_channels().items()
        if channel.serves(factor)
    }
    if not serving:
        logger.error("No channel serves %r: %s is lost.", factor, question.kind)
    if question.channels is None:
        return serving
    return {k: v for k, v in serving.items() if k in question.channels}


def _within_budget(message: Message) -> bool:
    """Count one more message to this value; too many are dropped in silence."""
    exceeded = _count(message.recipient, scope="target")
    if exceeded is None:
        return True
    logger.warning(
        "%s has had %d messages in %d s: no more for now.",
        mask(message.recipient),
        exceeded.count,
        exceeded.period,
    )
    return False


def _count(value: str, *, scope: str) -> Rate | None:
    """Count one more in every rate; return the first that it is too many for.

    A value that nobody waits at is counted, too, on a counter of its own that
    nothing reads: on a database with one writer, somebody else's request waits
    for these writes, and must not wait for known values alone.
    """
    for rate in get_settings().target_budget:
        key = counter_key(scope, value, str(rate.period))
        if get_counters().add(key, period=rate.period) > rate.count:
            return rate
    return None


def _intent(question: Question, message: Message) -> DeliveryIntent:
    purpose = message.recovery.purpose if message.recovery else None
    token = make_token(purpose, message.user) if purpose else None
    address = get_settings().frontend_url.get(message.kind, "")
    return DeliveryIntent(
        id=question.id,
        kind=message.kind,
        token=token,
        recipient=message.recipient,
        account=message.account,
        language=getattr(message.user, "language", "") or question.language,
        expires_in=purpose.max_age() if purpose else None,
        link=_with_token(address, token) if address and token else "",
    )


def _with_token(address: str, token: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}token={token}"


def _record_end(label: str, intent: DeliveryIntent, result: Attempt) -> None:
    if result.refusal is None:
        outcome, code = Outcome.DELIVERED, ""
    else:
        outcome, code = Outcome.REJECTED, result.refusal.code
    _record(label, intent, outcome=outcome, code=code, provider_id=result.receipt)


def _record(label: str, intent: DeliveryIntent, **outcome: Any) -> None:
    factor = field_of(shape().recovery_factor)
    record(
        Delivery(
            message_id=intent.id,
            kind=intent.kind,
            channel=label,
            recipient=mask(intent.recipient),
            country=country_of(factor, intent.recipient),
            **outcome,
        )
    )


def _report(
    channel: DeliveryChannel,
    intent: DeliveryIntent,
    refusal: DeliveryFailed | DeliveryRejected,
) -> None:
    recipient = mask(intent.recipient)
    reason = f"{type(refusal).__name__}: {refusal}"
    logger.error(
        "%s did not deliver %s (%s) to %s: %s",
        type(channel).__qualname__,
        intent.id,
        intent.kind,
        recipient,
        reason,
    )
    signals.delivery_failed.send_robust(
        sender=type(channel),
        intent_id=intent.id,
        kind=intent.kind,
        recipient=recipient,
        reason=reason,
        code=refusal.code,
    )


def _next_try(
    question: Question,
    message: Message,
    refusals: dict[str, DeliveryFailed],
) -> Question | None:
    if not refusals:
        return None
    waits = [refusal.retry_after or 0 for refusal in refusals.values()]
    follow_up = question.again(channels=list(refusals), retry_after=max(waits))
    if _is_too_late(question, message, at=follow_up.due_at):
        return None
    return follow_up


def _is_too_late(question: Question, message: Message, *, at: float) -> bool:
    """Whether a token that was asked for then would be dead at that Unix time."""
    purpose = message.recovery.purpose if message.recovery else None
    lifetime = purpose.max_age() if purpose else NOTICE_MAX_AGE
    if at <= question.asked_at + lifetime.total_seconds():
        return False
    logger.error(
        "Gave up on %s (%s) to %s after %d tries in %d s.",
        question.id,
        question.kind,
        mask(message.recipient),
        question.attempt,
        time.time() - question.asked_at,
    )
    return True
