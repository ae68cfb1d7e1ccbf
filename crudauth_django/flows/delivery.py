"""From a question to the channels, off the request."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import get_language

from crudauth_django import signals
from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.registry import get_channels
from crudauth_django.conf import get_settings
from crudauth_django.counters import counter_key, get_counters
from crudauth_django.dispatch import get_dispatcher
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected
from crudauth_django.flows.messages import Message, message_for
from crudauth_django.identity import shape
from crudauth_django.masking import mask, redact
from crudauth_django.questions import Question, answers_questions
from crudauth_django.tokens import make_token

logger = logging.getLogger(__name__)

#: How long a notice, which has no token, is worth another try.
NOTICE_MAX_AGE = timedelta(hours=24)


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
    return transaction.atomic() if get_dispatcher().durable else nullcontext()


@answers_questions
def deliver(question: Question) -> Question | None:
    """Find the account, mint the token, and hand both to every channel.

    Every channel that serves the factor is tried, whatever becomes of the
    others. Returns the next try for those that failed, while the message is
    still worth sending.
    """
    message = message_for(question)
    if message is None:
        logger.debug("Question %s (%s): nobody to tell.", question.id, question.kind)
        return None
    channels = _channels_for(question)
    if not channels or (question.channels is None and not _within_budget(message)):
        return None
    intent = _intent(question, message)
    failures = [
        (label, failure)
        for label, channel in channels.items()
        if (failure := _deliver_over(channel, intent)) is not None
    ]
    return _next_try(question, message, failures)


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
    for rate in get_settings().target_budget:
        key = counter_key("target", message.recipient, str(rate.period))
        if get_counters().add(key, period=rate.period) > rate.count:
            logger.warning(
                "%s has had %d messages in %d s: no more for now.",
                mask(message.recipient),
                rate.count,
                rate.period,
            )
            return False
    return True


def _intent(question: Question, message: Message) -> DeliveryIntent:
    purpose = message.recovery.purpose if message.recovery else None
    token = make_token(purpose, message.user) if purpose else None
    address = get_settings().frontend_url.get(message.kind, "")
    return DeliveryIntent(
        id=question.id,
        kind=message.kind,
        token=token,
        recipient=message.recipient,
        account=message.user.display_name,
        language=getattr(message.user, "language", "") or question.language,
        expires_in=purpose.max_age() if purpose else None,
        link=_with_token(address, token) if address and token else "",
    )


def _with_token(address: str, token: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}token={token}"


def hand_over(channel: DeliveryChannel, intent: DeliveryIntent) -> None:
    """Call a channel, sync or async; raises whatever it raises."""
    result = channel.deliver(intent)
    if inspect.iscoroutine(result):
        asyncio.run(result)


def _deliver_over(
    channel: DeliveryChannel, intent: DeliveryIntent
) -> DeliveryFailed | None:
    """Return why another try is needed, or ``None``."""
    try:
        hand_over(channel, intent)
    except DeliveryRejected as error:
        _report(channel, intent, error, code=error.code)
    except DeliveryFailed as error:
        _report(channel, intent, error, code=error.code)
        return error
    # One channel's bug must not keep the next one from being tried.
    except Exception as error:  # noqa: BLE001
        _report(channel, intent, error)
        return DeliveryFailed(type(error).__name__)
    return None


def _report(
    channel: DeliveryChannel, intent: DeliveryIntent, error: Exception, code: str = ""
) -> None:
    recipient = mask(intent.recipient)
    reason = redact(
        f"{type(error).__name__}: {error}", intent.link, intent.token, intent.recipient
    )
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
        code=code,
    )


def _next_try(
    question: Question,
    message: Message,
    failures: list[tuple[str, DeliveryFailed]],
) -> Question | None:
    if not failures:
        return None
    purpose = message.recovery.purpose if message.recovery else None
    lifetime = purpose.max_age() if purpose else NOTICE_MAX_AGE
    waits = [failure.retry_after or 0 for _label, failure in failures]
    follow_up = question.again(
        channels=[label for label, _failure in failures], retry_after=max(waits)
    )
    if follow_up.due_at > question.asked_at + lifetime.total_seconds():
        logger.error(
            "Gave up on %s (%s) to %s after %d tries in %d s.",
            question.id,
            question.kind,
            mask(message.recipient),
            question.attempt,
            time.time() - question.asked_at,
        )
        return None
    return follow_up
