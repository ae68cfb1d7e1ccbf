"""Counts in a Django cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from django.core.cache import caches

from crudauth_django.counters.base import TRIES, CounterStore
from crudauth_django.exceptions import CountersUnavailable

T = TypeVar("T")


class CacheCounters(CounterStore):
    """Counts in a Django cache whose increments are atomic and shared.

    Redis or Valkey, or Memcached. ``alias`` names the cache.
    """

    def __init__(self, *, alias: str = "default") -> None:
        self.alias = alias

    def increment(self, key: str, *, period: int) -> int:
        return self._run(partial(self._add, key, period))

    def decrement(self, key: str) -> None:
        self._run(partial(self._decrement, key))

    def get_many(self, keys: Iterable[str]) -> dict[str, int]:
        return self._run(lambda: caches[self.alias].get_many(list(keys)))

    def set(self, key: str, value: int, *, period: int) -> None:
        self._run(lambda: caches[self.alias].set(key, value, timeout=period))

    def delete_many(self, keys: Iterable[str]) -> None:
        self._run(lambda: caches[self.alias].delete_many(list(keys)))

    def _add(self, key: str, period: int) -> int:
        cache = caches[self.alias]
        for _try in range(TRIES):
            cache.add(key, 0, timeout=period)
            try:
                value = cache.incr(key)
            except ValueError:  # it expired between the two
                continue
            if isinstance(value, int):
                if value == 1:
                    # Django's Redis cache looks for the key, then increments:
                    # one that expires between begins anew, and for ever.
                    cache.touch(key, timeout=period)
                return value
        raise CountersUnavailable(f"no place in {TRIES} tries")

    def _decrement(self, key: str) -> None:
        with suppress(ValueError):  # it has expired
            caches[self.alias].decr(key)

    def _run(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except CountersUnavailable:
            raise
        # Each cache backend raises its client library's own errors, which have
        # no common root, and none of them may open the door.
        except Exception as error:
            raise CountersUnavailable(type(error).__name__) from error
