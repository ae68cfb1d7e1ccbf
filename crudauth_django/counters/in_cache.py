"""Count in a Django cache."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from django.core.cache import BaseCache, caches

from crudauth_django.counters.base import MAX_TRIES, CounterStore
from crudauth_django.exceptions import CountersUnavailable


@contextmanager
def _outages_reported() -> Iterator[None]:
    """Turn every error of a cache backend into ``CountersUnavailable``."""
    try:
        yield
    except CountersUnavailable:
        raise
    except Exception as error:  # client libraries share no class, and none may pass
        raise CountersUnavailable(type(error).__name__) from error


class CacheCounters(CounterStore):
    """Counts in a Django cache with atomic and shared increments.

    These are Redis, Valkey and Memcached. ``alias`` names the cache.
    """

    def __init__(self, *, alias: str = "default") -> None:
        self.alias = alias

    @property
    def _cache(self) -> BaseCache:
        return caches[self.alias]

    @_outages_reported()
    def increment(self, key: str, *, period: int) -> int:
        for _try in range(MAX_TRIES):
            self._cache.add(key, 0, timeout=period)
            try:
                value = self._cache.incr(key)
            except ValueError:  # expired between the two
                continue
            if isinstance(value, int):
                if value == 1:
                    # Django's Redis backend checks the key and then increments
                    # it. If the key expires in between, INCR creates it again
                    # without an expiry.
                    self._cache.touch(key, timeout=period)
                return value
        raise CountersUnavailable(f"no increment in {MAX_TRIES} tries")

    @_outages_reported()
    def decrement(self, key: str) -> None:
        with suppress(ValueError):  # expired
            self._cache.decr(key)

    @_outages_reported()
    def get_many(self, keys: Iterable[str]) -> dict[str, int]:
        return self._cache.get_many(list(keys))

    @_outages_reported()
    def set(self, key: str, value: int, *, period: int) -> None:
        self._cache.set(key, value, timeout=period)

    @_outages_reported()
    def delete_many(self, keys: Iterable[str]) -> None:
        self._cache.delete_many(list(keys))
