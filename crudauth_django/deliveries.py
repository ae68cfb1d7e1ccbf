"""What became of a message over one channel, for whoever keeps a record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How one try ended."""

    DELIVERED = "delivered"
    #: It will be tried again.
    FAILED = "failed"
    #: The provider will never take it.
    REJECTED = "rejected"
    #: It failed until it was no longer worth sending.
    GAVE_UP = "gave_up"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One try at one message over one channel. It holds no token."""

    #: The same for every try at this message.
    message_id: str
    #: A kind of message (``crudauth_django.channels.base.KINDS``).
    kind: str
    #: The label of the channel.
    channel: str
    #: Masked.
    recipient: str
    #: ISO 3166; ``""`` for what is no phone number.
    country: str
    outcome: Outcome
    #: The provider's own code, where it refused with one.
    code: str = ""
    #: The provider's id of the message.
    provider_id: str = ""


Recorder = Callable[[Delivery], None]

_recorders: list[Recorder] = []


def records_deliveries(function: Recorder) -> Recorder:
    """Register what keeps the record; it must not raise."""
    _recorders[:] = [function]
    return function


def record(delivery: Delivery) -> None:
    """Hand it to whoever keeps a record, if anybody does."""
    for recorder in _recorders:
        recorder(delivery)
