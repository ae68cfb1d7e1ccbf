"""Count the messages to one recovery value."""

import logging

from crudauth_django.channels.masking import mask
from crudauth_django.conf.settings import get_settings
from crudauth_django.conf.types import Rate
from crudauth_django.counters import get_counters
from crudauth_django.counters.base import counter_key

logger = logging.getLogger(__name__)


def is_within_budget(recipient: str) -> bool:
    """Count one more message; return whether the value's budget allows it.

    A message over the budget is dropped, and the log says so.
    """
    exceeded = _count(recipient, scope="target")
    if exceeded is None:
        return True
    logger.warning(
        "%s has had %d messages in %d s: no more for now.",
        mask(recipient),
        exceeded.count,
        exceeded.period,
    )
    return False


def count_unknown(value: str) -> None:
    """Count a value without an account, under a key that is never read.

    On SQLite, the next request waits for these writes. If only known values
    caused them, response times would reveal accounts.
    """
    _count(value, scope="unknown")


def _count(value: str, *, scope: str) -> Rate | None:
    """Count under every rate; return the first rate that is exceeded."""
    for rate in get_settings().target_budget:
        key = counter_key(scope, value, str(rate.period))
        if get_counters().increment(key, period=rate.period) > rate.count:
            return rate
    return None
