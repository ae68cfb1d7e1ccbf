"""The port of counter stores."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

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
