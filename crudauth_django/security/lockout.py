"""Lock accounts and networks after failures, for longer each time.

Each attempt is counted under three keys, before the password is compared: the
client's network, the identifier as typed, and the account. A lock on the first
two raises ``LockedOut``. A lock on the account alone makes the right password
fail like a wrong one: a 429 would reveal that two identifiers belong to one
account. An unknown identifier is counted under a placeholder account, so that
it costs the same work.

Sources: OWASP Authentication Cheat Sheet (account lockout), NIST SP 800-63B
5.2.2 (rate limiting).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from crudauth_django.client import Client
from crudauth_django.conf.settings import get_settings
from crudauth_django.conf.types import Lockout
from crudauth_django.counters import counter_key, get_counters
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security import locks
from crudauth_django.users import canonical_identifier, identifiers_of


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
        for key, count in self.counts.items():
            if policy is not None and count >= key.limit:
                locks.lock(key, self.levels[key], policy, self.client)

    def succeeded(self, user: AbstractAuthUser) -> None:
        """Unlock the account, and take this attempt off the network's count."""
        unlock(user)
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
    names = sorted(set(map(canonical_identifier, identifiers)))
    keys = [_network_key(client, policy), *_account_keys(user, names, policy)]
    attempt.levels = locks.read_levels(keys)
    attempt.account_locked = locks.refuse_locked(keys)
    for key in keys:
        count = locks.count_attempt(key, attempt.levels[key], policy)
        attempt.counts[key] = count
        attempt.account_locked |= count > key.limit
    return attempt


def unlock(user: AbstractAuthUser) -> None:
    """Delete every failure and lock of an account."""
    policy = get_settings().lockout
    if policy is not None:
        locks.delete_locks(_account_keys(user, identifiers_of(user), policy))


def unlock_network(address: str) -> None:
    """Delete every failure and lock of the network of an address."""
    policy = get_settings().lockout
    if policy is not None:
        locks.delete_locks([_network_key(Client(address=address), policy)])


def _network_key(client: Client, policy: Lockout) -> locks.LockoutKey:
    key = counter_key("lockout", "network", client.network)
    return locks.LockoutKey(scope="network", key=key, limit=policy.network_attempts)


def _account_keys(
    user: AbstractAuthUser | None, names: list[str], policy: Lockout
) -> list[locks.LockoutKey]:
    """Return the keys of the identifiers, and the silent one of the account."""
    account = ("placeholder", *names) if user is None else ("account", str(user.pk))
    keys = [counter_key("lockout", "identifier", name) for name in names]
    silent = counter_key("lockout", *account)
    return [
        *(locks.LockoutKey(key=key, limit=policy.attempts) for key in keys),
        locks.LockoutKey(key=silent, limit=policy.attempts, silent=True),
    ]
