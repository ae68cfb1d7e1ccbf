"""The keys that an attempt is counted under."""

from collections.abc import Iterable
from dataclasses import dataclass

from crudauth_django.client import Client
from crudauth_django.conf.types import Lockout
from crudauth_django.counters import counter_key
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security import devices, locks
from crudauth_django.users import canonical_identifier


@dataclass(frozen=True, kw_only=True, slots=True)
class LockoutKeys:
    """The keys of an attempt; ``generations`` has its normalized identifiers."""

    user: AbstractAuthUser | None
    client: Client
    generations: dict[str, int]
    policy: Lockout

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
    def identifiers(self) -> list[locks.LockoutKey]:
        """The open key of each identifier in the client's network."""
        network = self.client.network
        return [
            self._short("identifier", name, network, str(generation))
            for name, generation in self.generations.items()
        ]

    @property
    def account(self) -> list[locks.LockoutKey]:
        """The silent keys of the account, over all networks."""
        if self.user is None:
            parts = ("placeholder", *self.generations)
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
        generation = max(self.generations.values(), default=0)
        parts = ("device", str(self.user.pk), device, str(generation))
        return [self._short(*parts), self._long(*parts)]

    def _short(self, *parts: str, silent: bool = False) -> locks.LockoutKey:
        return locks.LockoutKey(
            key=counter_key("lockout", *parts),
            limit=self.policy.attempts,
            window=self.policy.window,
            silent=silent,
        )

    def _long(self, *parts: str) -> locks.LockoutKey:
        return locks.LockoutKey(
            key=counter_key("lockout", "long", *parts),
            limit=self.policy.long_attempts,
            window=self.policy.long_window,
            silent=True,
            lasting=True,
        )


def find_keys(
    user: AbstractAuthUser | None,
    identifiers: Iterable[str],
    client: Client,
    policy: Lockout,
) -> LockoutKeys:
    """Read the generations of the identifiers; these are normalized first."""
    names = sorted(set(map(canonical_identifier, identifiers)))
    return LockoutKeys(
        user=user,
        client=client,
        generations=locks.read_generations(names),
        policy=policy,
    )
