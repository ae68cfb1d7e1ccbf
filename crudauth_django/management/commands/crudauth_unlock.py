"""``manage.py crudauth_unlock``."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from crudauth_django.client import Client, parse_address
from crudauth_django.exceptions import CountersUnavailable
from crudauth_django.identity.normalize import normalize
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security import lockout
from crudauth_django.users import (
    field_of,
    find_by_identifier,
    find_holder,
    find_newest_claimant,
    user_shape,
)


class Command(BaseCommand):
    """Ends lockouts."""

    help = (
        "Delete the failed logins and the locks of the accounts with these "
        "identifiers or recovery values, and of the networks of these addresses. "
        "Values are normalized first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("identifiers", nargs="*", metavar="IDENTIFIER")
        parser.add_argument(
            "--network",
            metavar="ADDRESS",
            action="append",
            default=[],
            help="An IPv4 address, or an IPv6 address for its whole /64.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if not options["identifiers"] and not options["network"]:
            raise CommandError("Name an identifier, or a --network.")
        try:
            self._unlock(options["identifiers"], options["network"])
        except CountersUnavailable as error:
            raise CommandError(f"The counters are unavailable: {error}") from error

    def _unlock(self, identifiers: list[str], addresses: list[str]) -> None:
        for identifier in identifiers:
            user = find_by_identifier(identifier) or _find_by_factor(identifier)
            if user is None:
                raise CommandError(f"No account has the value {identifier!r}.")
            lockout.unlock(user)
            self.stdout.write(f"Unlocked the account {user.pk}.")
        for address in addresses:
            if parse_address(address) is None:
                raise CommandError(f"{address!r} is not an IP address.")
            lockout.unlock_network(address)
            network = Client(address=address).network
            self.stdout.write(f"Unlocked the network {network}.")


def _find_by_factor(text: str) -> AbstractAuthUser | None:
    """Return the account that holds this recovery value, or else claims it."""
    factor = user_shape().factor
    if factor is None:
        return None
    try:
        value = normalize(field_of(factor), text)
    except ValidationError:
        return None
    return find_holder(value) or find_newest_claimant(value)
