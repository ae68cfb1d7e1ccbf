"""Limits on requests, counted where failures are counted."""

from __future__ import annotations

from crudauth_django.conf.settings import get_settings
from crudauth_django.counters import get_counters
from crudauth_django.counters.base import counter_key
from crudauth_django.exceptions import Throttled


def throttle(scope: str, whom: str) -> None:
    """Count one request of ``whom``; raises ``Throttled`` when it is too many."""
    for rate in get_settings().throttles[scope]:
        key = counter_key("throttle", scope, whom, str(rate.period))
        if get_counters().increment(key, period=rate.period) > rate.count:
            raise Throttled(retry_after=rate.period)
