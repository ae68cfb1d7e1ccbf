"""Keep messages in memory, for tests."""

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent

__all__ = ["LocMemChannel", "outbox"]

#: Every message of this process, in order; ``crudauth_django.testing`` clears it.
outbox: list[DeliveryIntent] = []


class LocMemChannel(DeliveryChannel):
    """Appends every message to ``crudauth_django.channels.locmem.outbox``."""

    def deliver(self, intent: DeliveryIntent) -> None:
        outbox.append(intent)
