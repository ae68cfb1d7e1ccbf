"""Check the dispatcher and the counter store."""

from django.core import checks
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache

from crudauth_django.checks.base import Messages, parsed, result_or_error, system_check
from crudauth_django.counters.base import CounterStore
from crudauth_django.counters.in_cache import CacheCounters
from crudauth_django.dispatch.base import Dispatcher, InlineDispatcher
from crudauth_django.dispatch.tasks import TaskDispatcher


@system_check()
def check_dispatcher() -> Messages:
    """Require a usable dispatcher."""
    backend = parsed("CRUDAUTH_DISPATCHER")
    if backend is None:
        return
    dispatcher = result_or_error(backend.build)
    if isinstance(dispatcher, Exception):
        yield checks.Error(
            f"The dispatcher {backend.path!r} can't be used: {dispatcher}",
            hint="Correct CRUDAUTH_DISPATCHER, its OPTIONS or TASKS.",
            id="crudauth.E014",
        )
    elif not isinstance(dispatcher, Dispatcher):
        yield checks.Error(
            f"{backend.path!r} is not a Dispatcher.",
            hint="Inherit crudauth_django.dispatch.Dispatcher.",
            id="crudauth.E015",
        )


@system_check(deploy=True)
def check_dispatcher_for_production() -> Messages:
    """Require deliveries outside of the request, and retries."""
    backend = parsed("CRUDAUTH_DISPATCHER")
    dispatcher = result_or_error(backend.build) if backend else None
    if type(dispatcher) is InlineDispatcher:
        yield checks.Error(
            "InlineDispatcher delivers within the request, so response times reveal "
            "which accounts exist.",
            hint="Use ThreadDispatcher or TaskDispatcher.",
            id="crudauth.E016",
        )
    elif isinstance(dispatcher, TaskDispatcher) and not dispatcher.durable:
        yield checks.Warning(
            "The tasks backend can't defer tasks: messages are delivered within the "
            "request and not retried.",
            hint="Use a backend with a worker, such as django-tasks-db.",
            id="crudauth.W004",
        )


@system_check()
def check_counters() -> Messages:
    """Require counts shared by all processes, and atomic increments."""
    backend = parsed("CRUDAUTH_COUNTERS")
    if backend is None:
        return
    store = result_or_error(backend.build)
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
    cache = result_or_error(lambda: caches[alias])
    if isinstance(cache, Exception):
        yield checks.Error(
            f"CRUDAUTH_COUNTERS names the cache {alias!r}: {cache}",
            hint="Add it to CACHES.",
            id="crudauth.E029",
        )
    elif type(cache).incr is BaseCache.incr:
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
