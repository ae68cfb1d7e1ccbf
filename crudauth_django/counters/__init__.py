"""Where failures and requests are counted.

A counter needs no durability against a power cut, but it has to be right under
any concurrency, to outlive a request that is rolled back, and to keep the door
shut while its store is out: everything here raises ``CountersUnavailable``
then.
"""

from __future__ import annotations

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
    """Return the store that ``CRUDAUTH_COUNTERS`` names."""
    return cast("CounterStore", get_settings().counters.build())
