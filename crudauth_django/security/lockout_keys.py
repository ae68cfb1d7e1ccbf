"""The keys that an attempt is counted under."""

from collections.abc import Iterable
from dataclasses import dataclass

from crudauth_django.client import Client
from crudauth_django.conf.types import Lockout
from crudauth_django.counters import counter_key
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security import devices, locks
from crudauth_django.users import canonical_identifier, identifiers_of, user_shape


@dataclass(frozen=True, kw_only=True, slots=True)
class LockoutKeys:
    """The keys of an attempt, of which none reads the counter store."""

    user: AbstractAuthUser | None
    client: Client
    #: The normalized identifiers of the attempt.
    names: list[str]
    #: Those of the account.
    owners_names: list[str]
    #: Names that no client can send, in place of those that an account may have more.
    padding: list[str]
    policy: Lockout

    @property
    def for_attempt(self) -> list[locks.LockoutKey]:
        """The keys to count an attempt under."""
        return self.device or [self.network, *self._open(self.names), *self.account]

    @property
    def of_owner(self) -> list[locks.LockoutKey]:
        """The keys that a success of the owner unlocks."""
        names = [*self.owners_names, *self.padding]
        return [*self._open(names), *self.account, *self.device]

    @property
    def network(self) -> locks.LockoutKey:
        """The open key of the client's network."""
        return locks.LockoutKey(
            scope="network",
            key=counter_key("lockout", "network", self.client.network),
            limit=self.policy.network_attempts,
            window=self.policy.window,
        )

    @property
    def account(self) -> list[locks.LockoutKey]:
        """The silent keys of the account, over all networks."""
        if self.user is None:
            parts = ("placeholder", *self.names)
        else:
            parts = ("account", str(self.user.pk))
        return [self._short(*parts, silent=True), self._long(*parts)]

    @property
    def device(self) -> list[locks.LockoutKey]:
        """The keys of the account's device; none if the client is not one."""
        if self.user is None:
            return []
        device = devices.device_id(self.client, self.user)
        if device is None:
            return []
        parts = ("device", str(self.user.pk), device)
        names = self.owners_names
        return [self._short(*parts, names=names), self._long(*parts, names=names)]

    def _open(self, names: Iterable[str]) -> list[locks.LockoutKey]:
        """Return the open key of each identifier in the client's network."""
        network = self.client.network
        return [self._short("identifier", n, network, names=[n]) for n in names]

    def _short(
        self, *parts: str, silent: bool = False, names: Iterable[str] = ()
    ) -> locks.LockoutKey:
        return locks.LockoutKey(
            key=counter_key("lockout", *parts),
            limit=self.policy.attempts,
            window=self.policy.window,
            silent=silent,
            generation_keys=tuple(map(locks.generation_key, names)),
        )

    def _long(self, *parts: str, names: Iterable[str] = ()) -> locks.LockoutKey:
        return locks.LockoutKey(
            key=counter_key("lockout", "long", *parts),
            limit=self.policy.long_attempts,
            window=self.policy.long_window,
            silent=True,
            lasting=True,
            generation_keys=tuple(map(locks.generation_key, names)),
        )


def find_keys(
    user: AbstractAuthUser | None,
    identifiers: Iterable[str],
    client: Client,
    policy: Lockout,
) -> LockoutKeys:
    """Return the keys of an attempt with these identifiers, which are normalized."""
    names = [canonical_identifier(each) for each in identifiers]
    owned = names
    if user is not None:
        owned = [canonical_identifier(each) for each in identifiers_of(user)]
    # An unknown identifier has as many keys as an account with all of its own.
    missing = range(len(owned), len(user_shape().identifiers))
    return LockoutKeys(
        user=user,
        client=client,
        names=sorted(set(names)),
        owners_names=owned,
        padding=[f"\0{number}" for number in missing],
        policy=policy,
    )
