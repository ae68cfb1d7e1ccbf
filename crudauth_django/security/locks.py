"""The failures and locks of one lockout key, in the counter store."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from crudauth_django import signals
from crudauth_django.client import Client
from crudauth_django.conf.types import Lockout
from crudauth_django.counters import get_counters
from crudauth_django.exceptions import LockedOut
from crudauth_django.users import user_model

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LockoutKey:
    """A key that failures are counted under; ``key`` is a keyed hash."""

    key: str
    #: ``"account"`` or ``"network"``.
    scope: str = "account"
    #: Failures that lock.
    limit: int
    #: Whether a lock is hidden from the client.
    silent: bool = False

    @property
    def lock_key(self) -> str:
        """The counter that holds the end of the lock, in Unix seconds."""
        return f"{self.key}:lock"

    @property
    def level_key(self) -> str:
        """The counter of the locks so far."""
        return f"{self.key}:level"

    def failures_key(self, level: int) -> str:
        """Return the counter of failures since the last lock.

        Each level has its own counter: attempts that began before a lock must
        not count towards the next one.
        """
        return f"{self.key}:{level}"


def read_levels(keys: Sequence[LockoutKey]) -> dict[LockoutKey, int]:
    """Return how often each key has been locked."""
    values = get_counters().get_many([key.level_key for key in keys])
    return {key: values.get(key.level_key, 0) for key in keys}


def refuse_locked(keys: Sequence[LockoutKey]) -> bool:
    """Raise ``LockedOut`` for an open lock; return whether a silent one holds."""
    locks = get_counters().get_many([key.lock_key for key in keys])
    waits = {key: locks.get(key.lock_key, 0) - time.time() for key in keys}
    longest = max(wait for key, wait in waits.items() if not key.silent)
    if longest > 0:
        raise LockedOut(retry_after=int(longest) + 1)
    return any(wait > 0 for wait in waits.values())


def count_attempt(key: LockoutKey, level: int, policy: Lockout) -> int:
    """Count an attempt as a failure and return the count.

    Raises ``LockedOut`` beyond the limit of an open key.
    """
    window = int(policy.window.total_seconds())
    count = get_counters().increment(key.failures_key(level), period=window)
    if count > key.limit and not key.silent:
        raise LockedOut(retry_after=int(policy.base.total_seconds()))
    return count


def lock(key: LockoutKey, level: int, policy: Lockout, client: Client) -> None:
    """Lock a key, for twice as long at each level."""
    longest = policy.max.total_seconds()
    seconds = int(min(policy.base.total_seconds() * 2 ** min(level, 32), longest))
    counters = get_counters()
    counters.set(key.lock_key, int(time.time()) + seconds, period=seconds)
    memory = int(policy.memory.total_seconds())
    counters.set(key.level_key, level + 1, period=memory)
    if not key.silent:
        logger.warning("Locked one %s for %d s.", key.scope, seconds)
        signals.user_locked_out.send_robust(
            sender=user_model(), scope=key.scope, retry_after=seconds, client=client
        )


def delete_locks(keys: Sequence[LockoutKey]) -> None:
    """Delete the failures and locks of these keys."""
    counters: list[str] = []
    for key, level in read_levels(keys).items():
        failures = map(key.failures_key, range(level + 1))
        counters += [key.lock_key, key.level_key, *failures]
    get_counters().delete_many(counters)
