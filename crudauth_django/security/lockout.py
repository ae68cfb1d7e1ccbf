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
from crudauth_django.users import identifiers_of


@dataclass(kw_only=True, slots=True)
class LoginAttempt:
    """A counted attempt; call :meth:`failed` or :meth:`succeeded` once."""

    client: Client
    levels: dict[locks.LockoutKey, int] = field(default_factory=dict)
    counts: dict[locks.LockoutKey, int] = field(default_factory=dict)
    #: The account is locked: the right password must fail, too.
    account_locked: bool = False

    def failed(self) -> None:
        """Keep the failure, and lock each key that has reached its limit."""
        policy = get_settings().lockout
        reached: dict[str, int] = {}
        for key, count in self.counts.items():
            if policy is None or count < key.limit:
                continue
            seconds = locks.lock(key, self.levels[key], policy)
            if seconds and count == key.limit:
                reached[key.scope] = max(seconds, reached.get(key.scope, 0))
        for scope, seconds in reached.items():
            locks.report_lock(scope, seconds, self.client)

    def succeeded(self, user: AbstractAuthUser) -> None:
        """Unlock for the owner, and take this attempt off the network's count."""
        unlock_for_owner(user, self.client)
        for key, level in self.levels.items():
            if key.scope == "network":
                get_counters().decrement(key.failures_key(level))


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
    keys = found.device or [found.network, *found.identifiers, *found.account]
    attempt.levels, attempt.account_locked = locks.read_attempt(keys)
    for key in keys:
        count = locks.count_attempt(key, attempt.levels[key], policy)
        attempt.counts[key] = count
        attempt.account_locked |= count > key.limit
    return attempt


def unlock_for_owner(user: AbstractAuthUser, client: Client) -> None:
    """Delete the failures and locks that concern the owner of an account.

    These are the silent ones, and the open ones of the owner's network. Locks in
    other networks stay: their clients must not see that the owner came.
    """
    policy = get_settings().lockout
    if policy is not None:
        keys = find_keys(user, identifiers_of(user), client, policy)
        locks.delete_locks([*keys.identifiers, *keys.account, *keys.device])


def unlock(user: AbstractAuthUser) -> None:
    """Delete every failure and lock of an account, in all networks.

    For operators only: the clients of the other networks see it.
    """
    policy = get_settings().lockout
    if policy is not None:
        keys = find_keys(user, identifiers_of(user), Client(), policy)
        locks.start_generations(keys.generations, policy)
        locks.delete_locks(keys.account)


def unlock_network(address: str) -> None:
    """Delete every failure and lock of the network of an address."""
    policy = get_settings().lockout
    if policy is not None:
        locks.delete_locks(
            [find_keys(None, (), Client(address=address), policy).network]
        )
