"""Lock accounts and networks after failures, for longer each time.

Each attempt is counted before the password is compared, under these keys:

- the network, and the identifier in this network. A lock raises ``LockedOut``.
- the account over all networks: a few failures in a short window, and many in a
  long one. A lock is silent: the right password fails like a wrong one.

An open lock thus depends on the client's own network alone. It shows neither that
two identifiers belong to one account, nor that the owner has logged in. An unknown
identifier is counted under a placeholder account, so that it costs the same work.

The bearer of an account's device cookie has keys of its own in place of all these.

Sources: OWASP Authentication Cheat Sheet (account lockout), OWASP device cookies,
NIST SP 800-63B 5.2.2 (rate limiting: at most 100 consecutive failures).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from crudauth_django.client import Client
from crudauth_django.conf.settings import get_settings
from crudauth_django.counters import get_counters
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security import locks
from crudauth_django.security.lockout_keys import find_keys


@dataclass(kw_only=True, slots=True)
class LoginAttempt:
    """A counted attempt; call :meth:`failed` or :meth:`succeeded` once."""

    client: Client
    #: The states of the keys that it counts under, with the level of its count.
    levels: dict[locks.LockState, int] = field(default_factory=dict)
    counts: dict[locks.LockState, int] = field(default_factory=dict)
    #: The states of the keys that a success of the owner unlocks.
    of_owner: list[locks.LockState] = field(default_factory=list)
    #: The account is locked: the right password must fail, too.
    account_locked: bool = False

    def failed(self) -> None:
        """Keep the failure, and lock each key that has reached its limit."""
        policy = get_settings().lockout
        reached: dict[str, int] = {}
        for state, count in self.counts.items():
            if policy is None or count < state.key.limit:
                continue
            seconds = locks.lock(state, self.levels[state], policy)
            if seconds and count == state.key.limit:
                scope = state.key.scope
                reached[scope] = max(seconds, reached.get(scope, 0))
        for scope, seconds in reached.items():
            locks.report_lock(scope, seconds, self.client)

    def succeeded(self) -> None:
        """Unlock for the owner, and take this attempt off the network's count."""
        if not self.levels:
            return
        networks = [
            state.failures_key(level)
            for state, level in self.levels.items()
            if state.key.scope == "network"
        ]
        ended = [name for state in self.of_owner for name in state.counters()]
        get_counters().clear(delete=ended, decrement=networks)


def begin_attempt(
    *, identifiers: Iterable[str], user: AbstractAuthUser | None, client: Client
) -> LoginAttempt:
    """Count an attempt before its password is compared.

    Raises ``LockedOut`` during a lock, and for each parallel attempt beyond the
    limit. Raises ``CountersUnavailable`` if the counter store does not respond.
    """
    policy = get_settings().lockout
    attempt = LoginAttempt(client=client)
    if policy is None:
        return attempt
    found = find_keys(user, identifiers, client, policy)
    states = locks.read_states([*found.for_attempt, *found.of_owner])
    attempt.of_owner = [states[key] for key in found.of_owner]
    used = [states[key] for key in found.for_attempt]
    attempt.account_locked = locks.find_silent_lock(used)
    # During a silent lock no password is compared, so no guess may use up a lasting
    # key. It is counted elsewhere: the time must not show the lock.
    attempt.levels = {
        state: int(attempt.account_locked) if state.key.lasting else state.level
        for state in used
    }
    attempt.counts = locks.count_failures(attempt.levels, policy)
    attempt.account_locked |= any(
        count > state.key.limit for state, count in attempt.counts.items()
    )
    return attempt


def unlock_for_owner(user: AbstractAuthUser, client: Client) -> None:
    """Delete the failures and locks that concern the owner of an account.

    These are the silent ones, and the open ones of the owner's network. Locks in
    other networks stay: their clients must not see that the owner came.
    """
    policy = get_settings().lockout
    if policy is not None:
        locks.delete_locks(find_keys(user, (), client, policy).of_owner)


def unlock(user: AbstractAuthUser) -> None:
    """Delete every failure and lock of an account, in all networks.

    For operators only: the clients of the other networks see it.
    """
    policy = get_settings().lockout
    if policy is not None:
        keys = find_keys(user, (), Client(), policy)
        locks.start_generations(keys.owners_names, policy)
        locks.delete_locks(keys.account)


def unlock_network(address: str) -> None:
    """Delete every failure and lock of the network of an address."""
    policy = get_settings().lockout
    if policy is not None:
        locks.delete_locks(
            [find_keys(None, (), Client(address=address), policy).network]
        )
