"""The port: where failures and requests are counted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from django.utils.crypto import salted_hmac

#: How often a write is tried again that another one got in the way of.
TRIES = 5


def counter_key(*parts: str) -> str:
    """Return a keyed hash: no store, dump or metric shows whom it counts."""
    return salted_hmac(
        "crudauth_django.counters", "\0".join(parts), algorithm="sha256"
    ).hexdigest()[:40]


class CounterStore(ABC):
    """The port: four atomic operations on numbers that expire.

    Keys come from :func:`counter_key`; periods are seconds.
    """

    @abstractmethod
    def increment(self, key: str, *, period: int) -> int:
        """Add one and return the new value, this caller's own place in the row.

        The period begins with the first one and does not move.
        """

    @abstractmethod
    def decrement(self, key: str) -> None:
        """Subtract one that :meth:`increment` added, if it still counts."""

    @abstractmethod
    def get_many(self, keys: Iterable[str]) -> dict[str, int]:
        """Return the values of those that have not expired."""

    @abstractmethod
    def set(self, key: str, value: int, *, period: int) -> None:
        """Set a value that expires after ``period``."""

    @abstractmethod
    def delete_many(self, keys: Iterable[str]) -> None:
        """Remove them."""
