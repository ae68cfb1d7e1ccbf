"""Try one message over one channel."""

import asyncio
import inspect
import time
from dataclasses import dataclass

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent, provider_ids
from crudauth_django.channels.masking import redact
from crudauth_django.exceptions import (
    DeliveryError,
    DeliveryFailed,
    DeliveryMisconfigured,
    DeliveryRejected,
)


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
    before = provider_ids.set(ids)
    try:
        error = _call(channel, intent)
    finally:
        provider_ids.reset(before)
    return DeliveryAttempt(
        error=error,
        provider_id=_redacted(ids[-1], intent) if ids else "",
        seconds=time.monotonic() - started,
    )


def _call(channel: DeliveryChannel, intent: DeliveryIntent) -> DeliveryError | None:
    """Return the error without its cause: a chained one could show a secret."""
    try:
        call_channel(channel, intent)
    except (DeliveryFailed, DeliveryMisconfigured, DeliveryRejected) as error:
        reason, code = _redacted(str(error), intent), _redacted(error.code, intent)
        wait = error.retry_after
        if isinstance(error, DeliveryMisconfigured):
            return DeliveryMisconfigured(
                reason, setting=error.setting, code=code, retry_after=wait
            )
        if isinstance(error, DeliveryRejected):
            return DeliveryRejected(reason, code=code, retry_after=wait)
        return DeliveryFailed(
            reason, code=code, retry_after=wait, maybe_taken=error.maybe_taken
        )
    except asyncio.CancelledError:
        return DeliveryFailed("CancelledError")
    # A bug in one channel must not keep the next one from being tried.
    except Exception as error:  # noqa: BLE001 (the reason is the line above)
        return DeliveryFailed(
            f"{type(error).__name__}: {_redacted(str(error), intent)}"
        )
    return None


def _redacted(text: str, intent: DeliveryIntent) -> str:
    return redact(text, intent.link, intent.token, intent.recipient)
