"""An escalating lockout that counts before it compares.

Each attempt presses on up to three subjects: the network it comes from, the
identifier as it was typed, and the account behind it. The first two refuse
openly. The account's own lock is silent: it makes a right password fail like a
wrong one, so that guessing by one identifier and then by another draws on one
budget, and yet nobody learns that the two belong together. An identifier that
belongs to nobody presses on a stand-in, with the same work.

Sources: OWASP Authentication Cheat Sheet (account lockout), NIST SP 800-63B
5.2.2 (rate limiting).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crudauth_django import signals
from crudauth_django.client import Client
from crudauth_django.conf import get_settings
from crudauth_django.counters import counter_key, get_counters
from crudauth_django.exceptions import LockedOut
from crudauth_django.identity import canonical_identifier, user_model
from crudauth_django.parsing import Lockout
from crudauth_django.spelling import text_of

if TYPE_CHECKING:
    from crudauth_django.models import AbstractAuthUser

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What failures press on; ``key`` is a keyed hash."""

    scope: str
    key: str
    limit: int
    silent: bool = False

    @property
    def lock_key(self) -> str:
        """Counts to the second (Unix time) at which the lock ends."""
        return f"{self.key}:lock"

    @property
    def level_key(self) -> str:
        """Counts the locks so far."""
        return f"{self.key}:level"

    def failures_key(self, level: int) -> str:
        """Name the counter of failures since the last lock.

        Every level has a counter of its own: attempts that were let in before
        a lock can't start the next level's count.
        """
        return f"{self.key}:{level}"


@dataclass(kw_only=True, slots=True)
class Admission:
    """An attempt that was let in and counted; end it with one of the two."""

    client: Client
    levels: dict[Subject, int] = field(default_factory=dict)
    counts: dict[Subject, int] = field(default_factory=dict)
    #: The account is locked: whatever the password, the answer is no.
    silenced: bool = False

    def failed(self) -> None:
        """Let the failure stand, and lock what has had enough of them."""
        for subject, count in self.counts.items():
            if count >= subject.limit:
                _lock(subject, self.levels[subject], self.client)

    def succeeded(self, user: AbstractAuthUser) -> None:
        """Lift the account's own pressure; the network gets back just this one."""
        lift(user)
        for subject, level in self.levels.items():
            if subject.scope == "network":
                get_counters().take_back(subject.failures_key(level))


def admit(
    *,
    identifiers: Iterable[str],
    user: AbstractAuthUser | None,
    client: Client,
) -> Admission:
    """Count an attempt before its password is compared.

    Raises ``LockedOut`` while a lock holds, and for each of the parallel
    attempts beyond the limit; ``CountersUnavailable`` when it can't count.
    """
    admission = Admission(client=client)
    policy = get_settings().lockout
    if policy is None:
        return admission
    names = sorted(set(map(canonical_identifier, identifiers)))
    subjects = [
        _network(client, policy),
        *(_identifier(name, policy) for name in names),
        _account(user, names, policy),
    ]
    admission.levels = _levels(subjects)
    admission.silenced = _refuse_locked(subjects)
    for subject in subjects:
        _count(subject, admission, policy)
    return admission


def lift(user: AbstractAuthUser) -> None:
    """Forget every failure and lock of one account."""
    policy = get_settings().lockout
    if policy is not None:
        values = (getattr(user, name) for name in user.shape().identifiers)
        names = sorted(filter(None, map(text_of, values)))
        _forget(
            [
                *(_identifier(name, policy) for name in names),
                _account(user, names, policy),
            ]
        )


def lift_network(address: str) -> None:
    """Forget every failure and lock of the network of one address."""
    policy = get_settings().lockout
    if policy is not None:
        _forget([_network(Client(address=address), policy)])


def identifiers_of(user: AbstractAuthUser) -> list[str]:
    """Return everything that this account can log in with."""
    values = (text_of(getattr(user, name)) for name in user.shape().identifiers)
    return [value for value in values if value]


def _network(client: Client, policy: Lockout) -> Subject:
    key = counter_key("lockout", "network", client.network)
    return Subject(scope="network", key=key, limit=policy.network_attempts)


def _identifier(name: str, policy: Lockout) -> Subject:
    key = counter_key("lockout", "identifier", name)
    return Subject(scope="account", key=key, limit=policy.attempts)


def _account(
    user: AbstractAuthUser | None, names: list[str], policy: Lockout
) -> Subject:
    whose = ("nobody", *names) if user is None else ("account", str(user.pk))
    key = counter_key("lockout", *whose)
    return Subject(scope="account", key=key, limit=policy.attempts, silent=True)


def _levels(subjects: list[Subject]) -> dict[Subject, int]:
    values = get_counters().read([subject.level_key for subject in subjects])
    return {subject: values.get(subject.level_key, 0) for subject in subjects}


def _refuse_locked(subjects: list[Subject]) -> bool:
    locks = get_counters().read([subject.lock_key for subject in subjects])
    waits = {
        subject: locks.get(subject.lock_key, 0) - time.time() for subject in subjects
    }
    open_waits = [wait for subject, wait in waits.items() if not subject.silent]
    if max(open_waits) > 0:
        raise LockedOut(retry_after=int(max(open_waits)) + 1)
    return any(wait > 0 for wait in waits.values())


def _count(subject: Subject, admission: Admission, policy: Lockout) -> None:
    key = subject.failures_key(admission.levels[subject])
    count = get_counters().add(key, period=int(policy.window.total_seconds()))
    admission.counts[subject] = count
    if count <= subject.limit:
        return
    if subject.silent:
        admission.silenced = True
    else:
        raise LockedOut(retry_after=int(policy.base.total_seconds()))


def _lock(subject: Subject, level: int, client: Client) -> None:
    policy = get_settings().lockout
    if policy is None:
        return
    longest = policy.max.total_seconds()
    seconds = int(min(policy.base.total_seconds() * 2 ** min(level, 32), longest))
    memory = int(policy.memory.total_seconds())
    counters = get_counters()
    counters.put(subject.lock_key, int(time.time()) + seconds, period=seconds)
    counters.put(subject.level_key, level + 1, period=memory)
    if not subject.silent:
        logger.warning("Locked one %s for %d s.", subject.scope, seconds)
        signals.user_locked_out.send_robust(
            sender=user_model(),
            scope=subject.scope,
            retry_after=seconds,
            client=client,
        )


def _forget(subjects: list[Subject]) -> None:
    levels = _levels(subjects)
    get_counters().forget(
        [
            key
            for subject, level in levels.items()
            for key in (
                subject.lock_key,
                subject.level_key,
                *(subject.failures_key(n) for n in range(level + 1)),
            )
        ]
    )
