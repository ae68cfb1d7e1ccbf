"""``manage.py crudauth_unlock``."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crudauth_django.client import Client, parse_address
from crudauth_django.exceptions import CountersUnavailable
from crudauth_django.security import lockout
from crudauth_django.users import find_by_identifier


class Command(BaseCommand):
    """Ends lockouts."""

    help = (
        "Delete the failed logins and the locks of the accounts with these "
        "identifiers, and of the networks of these addresses. Identifiers are "
        "normalized first."
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
            user = find_by_identifier(identifier)
            if user is None:
                raise CommandError(f"No account has the identifier {identifier!r}.")
            lockout.unlock(user)
            self.stdout.write(f"Unlocked the account {user.pk}.")
        for address in addresses:
            if parse_address(address) is None:
                raise CommandError(f"{address!r} is not an IP address.")
            lockout.unlock_network(address)
            network = Client(address=address).network
            self.stdout.write(f"Unlocked the network {network}.")
