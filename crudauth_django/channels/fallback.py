"""One channel after the other, until one takes the message."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from crudauth_django.channels.attempts import try_channel
from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.masking import mask
from crudauth_django.channels.provider_ids import set_provider_id
from crudauth_django.conf.readers import read_backends
from crudauth_django.exceptions import DeliveryError, DeliveryFailed, DeliveryRejected

logger = logging.getLogger(__name__)


class FallbackChannel(DeliveryChannel):
    """Tries ``channels`` in order; the first that takes the message is the last.

    Each is a dotted path or a dict with ``BACKEND`` and ``OPTIONS``, as in
    ``CRUDAUTH_CHANNELS``. If one *failed*, so has this channel, and all are
    tried again later; it *rejects* what every one of them rejects.
    """

    #: The channels in order.
    channels: list[DeliveryChannel]

    def __init__(
        self, *, channels: Sequence[str | Mapping[str, Any]], **options: Any
    ) -> None:
        super().__init__(**options)
        self.channels = [backend.build() for backend in read_backends(channels)]
        if not self.channels:
            raise ValueError("channels must name at least one channel")
        for channel in self.channels:
            if not isinstance(channel, DeliveryChannel):
                raise TypeError(f"{type(channel).__qualname__} is not a channel")
        self.sends_sms = any(channel.sends_sms for channel in self.channels)

    def serves(self, factor: str) -> bool:
        """Whether every channel in the row can reach values of this factor."""
        return super().serves(factor) and all(
            channel.serves(factor) for channel in self.channels
        )

    def deliver(self, intent: DeliveryIntent) -> None:
        refusals: list[DeliveryError] = []
        for channel in self.channels:
            outcome = try_channel(channel, intent)
            if outcome.error is None:
                set_provider_id(outcome.provider_id)
                return
            refusals.append(outcome.error)
            _report(channel, intent, outcome.error)
        raise _summary(refusals)


def _report(
    channel: DeliveryChannel, intent: DeliveryIntent, refusal: DeliveryError
) -> None:
    logger.warning(
        "%s did not take %s (%s) for %s, code %s: %s.",
        type(channel).__qualname__,
        intent.id,
        intent.kind,
        mask(intent.recipient),
        refusal.code or "-",
        refusal,
    )


def _summary(refusals: list[DeliveryError]) -> DeliveryError:
    """Return one error for all: a single hope of success is worth another try."""
    said = "; ".join(str(refusal) for refusal in refusals)
    failures = [r for r in refusals if isinstance(r, DeliveryFailed)]
    if not failures:
        return DeliveryRejected(said, code=refusals[-1].code)
    waits = [f.retry_after for f in failures if f.retry_after is not None]
    return DeliveryFailed(
        said, code=failures[0].code, retry_after=max(waits, default=None)
    )
