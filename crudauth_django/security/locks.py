"""The failures and locks of one lockout key, in the counter store.

An unlock of an operator starts a new *generation* of an identifier: a number that is
part of the names of its failures and of the values of its locks. So it ends the locks
in all networks without a list of them.
"""

import logging
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from crudauth_django import signals
from crudauth_django.client import Client
from crudauth_django.conf.types import Lockout
from crudauth_django.counters import counter_key, get_counters
from crudauth_django.exceptions import LockedOut
from crudauth_django.users import user_model

logger = logging.getLogger(__name__)

#: Generations are below this number.
GENERATIONS = 2**20


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
    #: The counters of the generations that it belongs to.
    generation_keys: tuple[str, ...] = ()

    @property
    def lock_key(self) -> str:
        """The counter that holds the end of the lock, in Unix seconds."""
        return f"{self.key}:lock"

    @property
    def level_key(self) -> str:
        """The counter of the locks so far."""
        return f"{self.key}:level"


@dataclass(frozen=True, kw_only=True, slots=True)
class LockState:
    """What the store holds of one key."""

    key: LockoutKey
    #: How often it has been locked.
    level: int
    #: The end of its lock, in Unix seconds.
    locked_until: int
    generation: int

    def failures_key(self, level: int) -> str:
        """Return the counter of failures since the last lock.

        Each level has its own counter: attempts that began before a lock must
        not count towards the next one.
        """
        return f"{self.key.key}:{self.generation}:{level}"

    def counters(self) -> list[str]:
        """Return the names of its lock, its level and all failures."""
        failures = map(self.failures_key, range(self.level + 1))
        return [self.key.lock_key, self.key.level_key, *failures]

    def to_value(self, number: int) -> int:
        """Return a number together with the generation, as it is stored."""
        return number * GENERATIONS + self.generation


def generation_key(name: str) -> str:
    """Return the counter that holds the generation of an identifier."""
    return counter_key("lockout", "generation", name)


def start_generations(names: Iterable[str], policy: Lockout) -> None:
    """Leave every lock and failure of these identifiers behind."""
    # Kept until no counter of an older generation is left.
    memory = max(policy.memory, policy.max, policy.window, policy.long_window)
    period = int(memory.total_seconds()) + 60
    get_counters().set_many(
        {
            generation_key(name): (secrets.randbelow(GENERATIONS - 1) + 1, period)
            for name in names
        }
    )


def read_states(keys: Iterable[LockoutKey]) -> dict[LockoutKey, LockState]:
    """Read the state of every key, at once."""
    known = list(dict.fromkeys(keys))
    values = get_counters().get_many(_names(known))
    return {key: _state(key, values) for key in known}


def _names(keys: Iterable[LockoutKey]) -> list[str]:
    """Return the counters that decide the states of these keys."""
    return sorted(
        {n for k in keys for n in (k.lock_key, k.level_key, *k.generation_keys)}
    )


def _state(key: LockoutKey, values: Mapping[str, int]) -> LockState:
    generation = max((values.get(name, 0) for name in key.generation_keys), default=0)

    def current(name: str) -> int:
        number, of_generation = divmod(values.get(name, 0), GENERATIONS)
        return number if of_generation == generation else 0

    return LockState(
        key=key,
        level=current(key.level_key),
        locked_until=current(key.lock_key),
        generation=generation,
    )


def find_silent_lock(states: Iterable[LockState]) -> bool:
    """Return whether a silent lock holds; raises ``LockedOut`` for an open one."""
    locked = [state for state in states if state.locked_until > time.time()]
    waits = [s.locked_until - time.time() for s in locked if not s.key.silent]
    if waits:
        raise LockedOut(retry_after=int(max(waits)) + 1)
    return bool(locked)


def count_failures(
    levels: Mapping[LockState, int], policy: Lockout
) -> dict[LockState, int]:
    """Count an attempt as a failure of each key, and return the counts.

    Raises ``LockedOut`` beyond the limit of an open key. Silent keys then count
    nothing.
    """
    names = {state: state.failures_key(level) for state, level in levels.items()}
    found = get_counters().increment_many(
        {names[s]: int(s.key.window.total_seconds()) for s in names}
    )
    counts = {state: found[name] for state, name in names.items()}
    if any(count > s.key.limit and not s.key.silent for s, count in counts.items()):
        silent = [name for state, name in names.items() if state.key.silent]
        get_counters().clear(decrement=silent)
        raise LockedOut(retry_after=int(policy.base.total_seconds()))
    return counts


def lock(state: LockState, level: int, policy: Lockout) -> int:
    """Lock a key, for twice as long at each level; return the seconds.

    A lasting key needs no lock: its count refuses until the window ends.
    """
    if state.key.lasting:
        return 0 if level else int(state.key.window.total_seconds())
    longest = policy.max.total_seconds()
    seconds = int(min(policy.base.total_seconds() * 2 ** min(level, 32), longest))
    end, memory = int(time.time()) + seconds, int(policy.memory.total_seconds())
    get_counters().set_many(
        {
            state.key.lock_key: (state.to_value(end), seconds),
            state.key.level_key: (state.to_value(level + 1), memory),
        }
    )
    return seconds


def report_lock(scope: str, seconds: int, client: Client) -> None:
    """Log a lock and send its signal; neither holds the identifier."""
    logger.warning("Locked one %s for %d s.", scope, seconds)
    signals.user_locked_out.send_robust(
        sender=user_model(), scope=scope, retry_after=seconds, client=client
    )


def delete_locks(keys: Sequence[LockoutKey]) -> None:
    """Delete the failures and locks of these keys, if there are any."""
    # Without an unlock and without a lock, failures have these names.
    failures = [_state(key, {}).failures_key(0) for key in keys]
    values = get_counters().get_many([*_names(keys), *failures])
    if values:
        states = [_state(key, values) for key in keys]
        get_counters().delete_many([n for state in states for n in state.counters()])
