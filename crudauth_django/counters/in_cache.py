"""Count in a Django cache."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from django.core.cache import BaseCache, caches
from django.core.cache.backends.redis import RedisCache

from crudauth_django.counters.base import MAX_TRIES, CounterStore
from crudauth_django.exceptions import CountersUnavailable

#: Increments each key. A key without an expiry gets its period.
INCREMENT = """
local counts = {}
for number, key in ipairs(KEYS) do
    counts[number] = redis.call('INCR', key)
    if redis.call('PTTL', key) < 0 then
        redis.call('EXPIRE', key, ARGV[number])
    end
end
return counts
"""
#: Deletes the first keys, as many as the argument says, and decrements the others.
CLEAR = """
for number, key in ipairs(KEYS) do
    if number <= tonumber(ARGV[1]) then
        redis.call('DEL', key)
    elseif tonumber(redis.call('GET', key) or 0) > 0 then
        redis.call('DECR', key)
    end
end
"""


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
    def increment_many(self, periods: Mapping[str, int]) -> dict[str, int]:
        client = self._redis_client()
        if client is None or not periods:
            return super().increment_many(periods)
        keys = map(self._cache.make_and_validate_key, periods)
        counts = client.eval(INCREMENT, len(periods), *keys, *periods.values())
        return dict(zip(periods, counts, strict=True))

    @_outages_reported()
    def clear(self, *, delete: Iterable[str] = (), decrement: Iterable[str]) -> None:
        ended, one_less = list(delete), list(decrement)
        client = self._redis_client()
        if client is None:
            super().clear(delete=ended, decrement=one_less)
            return
        keys = list(map(self._cache.make_and_validate_key, [*ended, *one_less]))
        if keys:
            client.eval(CLEAR, len(keys), *keys, len(ended))

    def _redis_client(self) -> Any:
        """Return the client of Redis or Valkey, if the cache is Django's own."""
        cache: Any = self._cache
        if isinstance(cache, RedisCache):
            return cache._cache.get_client(None, write=True)  # noqa: SLF001 (no other way to one round trip)
        return None

    @_outages_reported()
    def increment(self, key: str, *, period: int) -> int:
        if self._redis_client() is not None:
            return self.increment_many({key: period})[key]
        for _try in range(MAX_TRIES):
            self._cache.add(key, 0, timeout=period)
            try:
                value = self._cache.incr(key)
            except ValueError:  # expired between the two
                continue
            if isinstance(value, int):
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
