"""The port of counter stores."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

from django.utils.crypto import salted_hmac

#: The attempts at a write that conflicts with another one.
MAX_TRIES = 5


def counter_key(*parts: str) -> str:
    """Return a keyed hash of the parts.

    A store, a dump or a metric does not show the value that it counts.
    """
    return salted_hmac(
        "crudauth_django.counters", "\0".join(parts), algorithm="sha256"
    ).hexdigest()[:40]


class CounterStore(ABC):
    """Atomic operations on numbers that expire.

    Keys come from :func:`counter_key`. Periods are in seconds. Every method
    raises ``CountersUnavailable`` if the store does not respond.

    Five methods are abstract. The others call them once for each key: override
    them if the store can do the same in one round trip.
    """

    @abstractmethod
    def increment(self, key: str, *, period: int) -> int:
        """Add one and return the new value, a different one for every caller.

        The first increment starts the period; later ones do not extend it.
        """

    @abstractmethod
    def decrement(self, key: str) -> None:
        """Subtract one, to undo an :meth:`increment` that has not expired."""

    @abstractmethod
    def get_many(self, keys: Iterable[str]) -> dict[str, int]:
        """Return the values by key, without the keys that have expired."""

    @abstractmethod
    def set(self, key: str, value: int, *, period: int) -> None:
        """Set a value; it expires after ``period``."""

    @abstractmethod
    def delete_many(self, keys: Iterable[str]) -> None:
        """Delete the keys; an unknown key is no error."""

    def increment_many(self, periods: Mapping[str, int]) -> dict[str, int]:
        """Add one to each key, which has its period; return the new values."""
        return {key: self.increment(key, period=p) for key, p in periods.items()}

    def set_many(self, entries: Mapping[str, tuple[int, int]]) -> None:
        """Set each key to its value for its period."""
        for key, (value, period) in entries.items():
            self.set(key, value, period=period)

    def clear(self, *, delete: Iterable[str] = (), decrement: Iterable[str]) -> None:
        """Delete some keys and subtract one from others."""
        self.delete_many(delete)
        for key in decrement:
            self.decrement(key)
