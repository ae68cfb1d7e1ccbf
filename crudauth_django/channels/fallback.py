"""Try several channels in order, until one accepts the message."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from crudauth_django.channels.attempts import UnexpectedFailure, try_channel
from crudauth_django.channels.base import (
    DeliveryChannel,
    DeliveryIntent,
    set_provider_id,
)
from crudauth_django.channels.masking import mask
from crudauth_django.conf.readers import read_backends
from crudauth_django.exceptions import (
    DeliveryError,
    DeliveryFailed,
    DeliveryMisconfigured,
    DeliveryRejected,
)

__all__ = ["FallbackChannel"]

logger = logging.getLogger(__name__)


class FallbackChannel(DeliveryChannel):
    """Tries ``channels`` in order and stops at the first success.

    Each channel is a dotted path or a dict with ``BACKEND`` and ``OPTIONS``, as in
    ``CRUDAUTH_CHANNELS``. The message is rejected if every channel rejects it.
    Otherwise all channels are tried again later.
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
        """Return whether every one of the channels can reach such values."""
        return super().serves(factor) and all(
            channel.serves(factor) for channel in self.channels
        )

    def deliver(self, intent: DeliveryIntent) -> None:
        errors: list[DeliveryError] = []
        for channel in self.channels:
            attempt = try_channel(channel, intent)
            if attempt.error is None:
                set_provider_id(attempt.provider_id)
                return
            errors.append(attempt.error)
            setting = getattr(attempt.error, "setting", "")
            logger.log(
                logging.ERROR if setting else logging.WARNING,
                "%s did not deliver %s (%s) to %s, code %s: %s.%s",
                type(channel).__qualname__,
                intent.id,
                intent.kind,
                mask(intent.recipient),
                attempt.error.code or "-",
                attempt.error,
                f" Check the setting {setting}." if setting else "",
            )
        raise combined(errors)


def combined(errors: Sequence[DeliveryError]) -> DeliveryError:
    """Return one error; a temporary failure outweighs a misconfiguration.

    Both outweigh a rejection: as long as one channel may still accept the message,
    it is tried again.
    """
    reason = "; ".join(map(str, errors))
    failures = [error for error in errors if isinstance(error, DeliveryFailed)]
    if failures and all(isinstance(f, UnexpectedFailure) for f in failures):
        return UnexpectedFailure(reason, code=failures[0].code)
    if failures:
        waits = [f.retry_after for f in failures if f.retry_after is not None]
        return DeliveryFailed(
            reason,
            code=failures[0].code,
            retry_after=max(waits, default=None),
            maybe_taken=any(failure.maybe_taken for failure in failures),
        )
    for error in errors:
        if isinstance(error, DeliveryMisconfigured):
            return DeliveryMisconfigured(reason, setting=error.setting, code=error.code)
    return DeliveryRejected(reason, code=errors[-1].code)
