"""Check the counter store."""

from django.core import checks
from django.core.cache import InvalidCacheBackendError, caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache

from crudauth_django.checks.base import Messages, build, parsed, system_check
from crudauth_django.counters.base import CounterStore
from crudauth_django.counters.in_cache import CacheCounters


@system_check()
def check_counters() -> Messages:
    """Require counts shared by all processes, and atomic increments."""
    backend = parsed("CRUDAUTH_COUNTERS")
    if backend is None:
        return
    store = build(backend.build)
    if isinstance(store, Exception):
        yield checks.Error(
            f"CRUDAUTH_COUNTERS can't be used: {store}",
            hint="Name a CounterStore and its OPTIONS.",
            id="crudauth.E027",
        )
    elif not isinstance(store, CounterStore):
        yield checks.Error(
            "CRUDAUTH_COUNTERS does not name a CounterStore.",
            hint="Inherit crudauth_django.counters.CounterStore.",
            id="crudauth.E028",
        )
    elif isinstance(store, CacheCounters):
        yield from _check_cache(store.alias)


def _check_cache(alias: str) -> Messages:
    try:
        cache = caches[alias]
    except (InvalidCacheBackendError, ImportError) as error:
        yield checks.Error(
            f"CRUDAUTH_COUNTERS names the cache {alias!r}: {error}",
            hint="Add it to CACHES.",
            id="crudauth.E029",
        )
        return
    if type(cache).incr is BaseCache.incr:
        yield checks.Error(
            f"The cache {alias!r} does not increment atomically: parallel guesses "
            "would share one count.",
            hint="Use Redis, Valkey or Memcached, or DatabaseCounters.",
            id="crudauth.E030",
        )
    elif isinstance(cache, LocMemCache):
        yield checks.Warning(
            f"Each process has its own cache {alias!r}, so each process allows the "
            "full number of attempts.",
            hint="Use Redis, Valkey or Memcached, or DatabaseCounters.",
            id="crudauth.W011",
        )
