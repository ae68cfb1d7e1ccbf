"""One message over one channel, and what became of it."""

from __future__ import annotations

import asyncio
import inspect
import time
from dataclasses import dataclass

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.receipts import receipts
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected
from crudauth_django.masking import redact

#: Why a channel did not take a message.
Refusal = DeliveryFailed | DeliveryRejected


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What became of one message over one channel."""

    #: Why it was not taken; ``None`` if it was. Its text is free of secrets.
    refusal: Refusal | None
    #: The provider's id of the message; ``""`` if there is none.
    receipt: str
    #: How long the channel took.
    seconds: float


def hand_over(channel: DeliveryChannel, intent: DeliveryIntent) -> None:
    """Call a channel, sync or async; raises whatever it raises."""
    result = channel.deliver(intent)
    if inspect.iscoroutine(result):
        asyncio.run(result)


def attempt(channel: DeliveryChannel, intent: DeliveryIntent) -> Attempt:
    """Hand a message to a channel; whatever it raises is in what this returns."""
    began = time.monotonic()
    with receipts() as noted:
        refusal = _refusal(channel, intent)
    return Attempt(
        refusal=refusal,
        receipt=_free_of_secrets(noted[-1], intent) if noted else "",
        seconds=time.monotonic() - began,
    )


def _refusal(channel: DeliveryChannel, intent: DeliveryIntent) -> Refusal | None:
    """Return why it was not taken, in an error that is chained to no other."""
    try:
        hand_over(channel, intent)
    except DeliveryRejected as error:
        return DeliveryRejected(
            _free_of_secrets(str(error), intent),
            code=_free_of_secrets(error.code, intent),
        )
    except DeliveryFailed as error:
        return DeliveryFailed(
            _free_of_secrets(str(error), intent),
            code=_free_of_secrets(error.code, intent),
            retry_after=error.retry_after,
        )
    except asyncio.CancelledError:
        return DeliveryFailed("CancelledError")
    # One channel's bug must not keep the next one from being tried.
    except Exception as error:  # noqa: BLE001
        told = _free_of_secrets(str(error), intent)
        return DeliveryFailed(f"{type(error).__name__}: {told}")
    return None


def _free_of_secrets(text: str, intent: DeliveryIntent) -> str:
    return redact(text, intent.link, intent.token, intent.recipient)
