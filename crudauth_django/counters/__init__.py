"""Where failures and requests are counted.

A counter needs no durability against a power cut, but it has to be right under
any concurrency, to outlive a request that is rolled back, and to keep the door
shut while its store is out: everything here raises ``CountersUnavailable``
then.
"""

from __future__ import annotations

from functools import cache
from typing import cast

from django.core.signals import setting_changed

from crudauth_django.conf import get_settings
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


@cache
def get_counters() -> CounterStore:
    """Return the store that ``CRUDAUTH_COUNTERS`` names."""
    return cast("CounterStore", get_settings().counters.build())


def _forget_store(*, setting: str, **_kwargs: object) -> None:
    if setting == "CRUDAUTH_COUNTERS":
        get_counters.cache_clear()


setting_changed.connect(_forget_store)
