"""Try one message over one channel."""

import asyncio
import inspect
import time
from dataclasses import dataclass
from typing import Any

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent, provider_ids
from crudauth_django.channels.masking import redact
from crudauth_django.exceptions import (
    DeliveryError,
    DeliveryFailed,
    DeliveryMisconfigured,
    DeliveryRejected,
)


class UnexpectedFailure(DeliveryFailed):
    """A channel raised an error of another kind, such as a bug; few attempts follow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryAttempt:
    """The result of one message over one channel."""

    #: ``None`` if the channel accepted the message. Its text has no secret.
    error: DeliveryError | None
    #: The provider's id of the message; ``""`` if there is none.
    provider_id: str
    #: How long the channel took.
    seconds: float


def call_channel(channel: DeliveryChannel, intent: DeliveryIntent) -> None:
    """Call a channel, sync or async; raises the channel's own error."""
    result = channel.deliver(intent)
    if inspect.iscoroutine(result):
        asyncio.run(result)


def try_channel(channel: DeliveryChannel, intent: DeliveryIntent) -> DeliveryAttempt:
    """Call a channel; its error is part of the result."""
    started = time.monotonic()
    ids: list[str] = []
    error: DeliveryError | None = None
    before = provider_ids.set(ids)
    try:
        call_channel(channel, intent)
    # A bug in one channel must not keep the next one from being tried.
    except (Exception, asyncio.CancelledError) as raised:  # noqa: BLE001 (the reason is the line above)
        error = delivery_error(raised, intent)
    finally:
        provider_ids.reset(before)
    return DeliveryAttempt(
        error=error,
        provider_id=_redacted(ids[-1], intent) if ids else "",
        seconds=time.monotonic() - started,
    )


def delivery_error(error: BaseException, intent: DeliveryIntent) -> DeliveryError:
    """Return the package's own error for one that a channel raised.

    It has no cause and no secret: a chained error could show one.
    """
    text = _redacted(str(error), intent)
    if isinstance(error, DeliveryError):
        details: dict[str, Any] = {
            "code": _redacted(error.code, intent),
            "retry_after": error.retry_after,
        }
        match error:
            case DeliveryRejected():
                return DeliveryRejected(text, **details)
            case DeliveryMisconfigured():
                return DeliveryMisconfigured(text, setting=error.setting, **details)
            case UnexpectedFailure():
                return UnexpectedFailure(text, **details)
        maybe_taken = isinstance(error, DeliveryFailed) and error.maybe_taken
        return DeliveryFailed(text, maybe_taken=maybe_taken, **details)
    reason = f"{type(error).__name__}: {text}"
    if isinstance(error, OSError):
        # The network: without a response in time, the message may be on its way.
        return DeliveryFailed(reason, maybe_taken=isinstance(error, TimeoutError))
    return UnexpectedFailure(reason)


def _redacted(text: str, intent: DeliveryIntent) -> str:
    return redact(text, intent.link, intent.token, intent.recipient)
