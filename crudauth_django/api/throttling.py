"""Limit requests, by the same counters as failures."""

from crudauth_django.conf.settings import get_settings
from crudauth_django.counters import get_counters
from crudauth_django.counters.base import counter_key
from crudauth_django.exceptions import Throttled


def throttle(name: str, client: str) -> None:
    """Count one request of a client; raises ``Throttled`` if there are too many.

    ``name`` is a key of ``CRUDAUTH_THROTTLES``, ``client`` a network or a user.
    """
    for rate in get_settings().throttles[name]:
        key = counter_key("throttle", name, client, str(rate.period))
        if get_counters().increment(key, period=rate.period) > rate.count:
            raise Throttled(retry_after=rate.period)
