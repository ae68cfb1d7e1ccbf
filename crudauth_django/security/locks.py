"""The failures and locks of one lockout key, in the counter store."""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from crudauth_django import signals
from crudauth_django.client import Client
from crudauth_django.conf.types import Lockout
from crudauth_django.counters import counter_key, get_counters
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
    #: How long a failure counts.
    window: timedelta
    #: Whether a lock is hidden from the client.
    silent: bool = False
    #: Whether the lock lasts until the window ends, instead of doubling.
    lasting: bool = False

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


def read_generations(names: Iterable[str]) -> dict[str, int]:
    """Return the time of the last unlock of each identifier, 0 without one.

    The time is part of the keys of an identifier, so an unlock of an operator
    ends its locks in all networks, without a list of these networks.
    """
    keys = {name: _generation_key(name) for name in names}
    values = get_counters().get_many(keys.values())
    return {name: values.get(key, 0) for name, key in keys.items()}


def start_generations(names: Iterable[str], policy: Lockout) -> None:
    """Leave every lock and failure of these identifiers behind."""
    # Kept until no counter of an older generation is left.
    memory = max(policy.memory, policy.max, policy.window, policy.long_window)
    now = time.time_ns()
    for name in names:
        period = int(memory.total_seconds()) + 60
        get_counters().set(_generation_key(name), now, period=period)


def _generation_key(name: str) -> str:
    return counter_key("lockout", "generation", name)


def read_levels(keys: Sequence[LockoutKey]) -> dict[LockoutKey, int]:
    """Return how often each key has been locked."""
    values = get_counters().get_many([key.level_key for key in keys])
    return {key: values.get(key.level_key, 0) for key in keys}


def read_attempt(keys: Sequence[LockoutKey]) -> tuple[dict[LockoutKey, int], bool]:
    """Return the level of each key, and whether a silent lock holds.

    Raises ``LockedOut`` for an open lock.
    """
    names = [name for key in keys for name in (key.level_key, key.lock_key)]
    values = get_counters().get_many(names)
    waits = {key: values.get(key.lock_key, 0) - time.time() for key in keys}
    longest = max(wait for key, wait in waits.items() if not key.silent)
    if longest > 0:
        raise LockedOut(retry_after=int(longest) + 1)
    locked = any(wait > 0 for wait in waits.values())
    # During a silent lock no password is compared, so no guess may use up a lasting
    # key. It is counted elsewhere: the time must not show the lock.
    levels = {
        key: int(locked) if key.lasting else values.get(key.level_key, 0)
        for key in keys
    }
    return levels, locked


def count_attempt(key: LockoutKey, level: int, policy: Lockout) -> int:
    """Count an attempt as a failure and return the count.

    Raises ``LockedOut`` beyond the limit of an open key.
    """
    window = int(key.window.total_seconds())
    count = get_counters().increment(key.failures_key(level), period=window)
    if count > key.limit and not key.silent:
        raise LockedOut(retry_after=int(policy.base.total_seconds()))
    return count


def lock(key: LockoutKey, level: int, policy: Lockout) -> int:
    """Lock a key, for twice as long at each level; return the seconds.

    A lasting key needs no lock: its count refuses until the window ends.
    """
    if key.lasting:
        return 0 if level else int(key.window.total_seconds())
    longest = policy.max.total_seconds()
    seconds = int(min(policy.base.total_seconds() * 2 ** min(level, 32), longest))
    counters = get_counters()
    counters.set(key.lock_key, int(time.time()) + seconds, period=seconds)
    memory = int(policy.memory.total_seconds())
    counters.set(key.level_key, level + 1, period=memory)
    return seconds


def report_lock(scope: str, seconds: int, client: Client) -> None:
    """Log a lock and send its signal; neither holds the identifier."""
    logger.warning("Locked one %s for %d s.", scope, seconds)
    signals.user_locked_out.send_robust(
        sender=user_model(), scope=scope, retry_after=seconds, client=client
    )


def delete_locks(keys: Sequence[LockoutKey]) -> None:
    """Delete the failures and locks of these keys."""
    counters: list[str] = []
    for key, level in read_levels(keys).items():
        failures = map(key.failures_key, range(level + 1))
        counters += [key.lock_key, key.level_key, *failures]
    get_counters().delete_many(counters)
