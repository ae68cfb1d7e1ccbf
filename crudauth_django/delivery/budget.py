"""Limit the messages to one recovery value: every attempt at one counts."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from crudauth_django.conf.settings import get_settings
from crudauth_django.conf.types import Rate
from crudauth_django.counters import get_counters
from crudauth_django.counters.base import counter_key
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.kinds import EVENT_KINDS, Cause


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldBack:
    """A budget that is used up."""

    #: Its name, for the log.
    code: str
    #: When it allows messages again, in Unix seconds.
    until: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Limit:
    """One rate of a budget, and its two keys."""

    code: str
    rate: Rate
    key: str
    #: Counter stores do not tell when a count expires, so this key does.
    end_key: str


def count_attempt(message: PendingMessage) -> HeldBack | None:
    """Count one attempt at a message; return the budget that does not allow it.

    An attempt that is not allowed is not counted.
    """
    return _count(message, prefix="")


def count_unknown(message: PendingMessage) -> None:
    """Count a message without an account, under keys that are never read.

    On SQLite, the next request waits for these writes. If only known values
    caused them, response times would reveal accounts.
    """
    _count(message, prefix="unknown ")


def find_held_back(message: PendingMessage) -> HeldBack | None:
    """Return the budget that would not allow an attempt now; nothing is counted."""
    limits = list(_limits(message, prefix=""))
    counts = get_counters().get_many([limit.key for limit in limits])
    used_up = (one for one in limits if counts.get(one.key, 0) >= one.rate.count)
    return next(map(_held_back, used_up), None)


def _count(message: PendingMessage, *, prefix: str) -> HeldBack | None:
    limits = {limit.key: limit for limit in _limits(message, prefix=prefix)}
    counters = get_counters()
    periods = {key: limit.rate.period for key, limit in limits.items()}
    counts = counters.increment_many(periods)
    over = [key for key in limits if counts[key] > limits[key].rate.count]
    if over:
        counters.clear(decrement=limits)
        return _held_back(limits[over[0]])
    now = int(time.time())
    counters.set_many(
        {
            limits[key].end_key: (now + period + 1, period)
            for key, period in periods.items()
            if counts[key] == 1
        }
    )
    return None


def _held_back(limit: _Limit) -> HeldBack:
    """Read when a used-up limit ends; it is never in the past."""
    latest = time.time() + limit.rate.period
    end = get_counters().get_many([limit.end_key]).get(limit.end_key, latest)
    return HeldBack(code=limit.code, until=max(end, time.time() + 1))


def _limits(message: PendingMessage, *, prefix: str) -> Iterator[_Limit]:
    """Yield the limits of a message, narrow ones first."""
    policy = get_settings()
    budgets = {"target_budget": policy.target_budget}
    if message.kind in EVENT_KINDS:
        budgets = {f"notice_budget {message.kind}": policy.notice_budget}
    elif message.cause == Cause.REGISTRATION:
        # The other half is left for requests of the value's owner.
        halves = [replace(r, count=max(1, r.count // 2)) for r in policy.target_budget]
        budgets = {"registration_budget": tuple(halves), **budgets}
    for scope, rates in budgets.items():
        for rate in rates:
            parts = (f"{prefix}{scope}", message.value, str(rate.period))
            yield _Limit(
                code=scope.partition(" ")[0],
                rate=rate,
                key=counter_key(*parts),
                end_key=counter_key("end", *parts),
            )
