"""Counter stores: count failures, requests and messages.

A counter is exact under any concurrency and outlives the rollback of a request. It
need not survive a power cut. Every method raises ``CountersUnavailable`` while the
store is down, so that no guess goes uncounted.
"""

from typing import cast

from crudauth_django.conf.settings import cached_setting, get_settings
from crudauth_django.counters.base import CounterStore, counter_key
from crudauth_django.counters.in_cache import CacheCounters
from crudauth_django.counters.in_database import DatabaseCounters

__all__ = [
    "CacheCounters",
    "CounterStore",
    "DatabaseCounters",
    "counter_key",
    "get_counters",
]


@cached_setting("CRUDAUTH_COUNTERS")
def get_counters() -> CounterStore:
    """Return the store of ``CRUDAUTH_COUNTERS``."""
    return cast("CounterStore", get_settings().counters.build())
