"""``manage.py crudauth_send_test``."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crudauth_django.channels.attempts import try_channel
from crudauth_django.channels.base import DeliveryIntent, get_channels
from crudauth_django.identity.normalize import normalize
from crudauth_django.kinds import MessageKind
from crudauth_django.management.channels import describe, without_fallbacks
from crudauth_django.users import field_of, user_shape


class Command(BaseCommand):
    """Sends a harmless message and prints the result of each channel.

    Every channel inside a fallback is tried, also after another one has accepted
    the message. Exits with an error unless at least one channel accepted it.
    """

    help = (
        "Send a test message, without a token or a link, to RECIPIENT over every "
        "channel that serves the recovery factor."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "recipient", help="A recovery value: a phone number, an address, ..."
        )
        parser.add_argument(
            "--language", default="", help="The language of the text, such as es."
        )

    def handle(self, *, recipient: str, language: str, **_options: Any) -> None:
        factor = user_shape().factor
        if factor is None:
            raise CommandError("Accounts have no recovery factor here.")
        try:
            value = normalize(field_of(factor), recipient)
        except ValidationError as error:
            raise CommandError(f"{factor}: {' '.join(error.messages)}") from error
        channels = get_channels().values()
        if not channels:
            raise CommandError("No channel is registered: CRUDAUTH_CHANNELS is empty.")
        if not any(channel.serves(factor) for channel in channels):
            raise CommandError(
                f"No registered channel serves {factor!r}. Register one in "
                'CRUDAUTH_CHANNELS, or set the option "factors" of a channel.'
            )
        if not self._send(factor, value, language):
            raise CommandError("No channel accepted the message.")

    def _send(self, factor: str, value: str, language: str) -> bool:
        """Try the channels; return whether one of them accepted the message."""
        intent = DeliveryIntent(
            kind=MessageKind.TEST_MESSAGE,
            recipient=value,
            account="test",
            language=language,
        )
        accepted = False
        for outer, registered in get_channels().items():
            if not registered.serves(factor):
                self.stdout.write(f"{outer}: not tried, it does not serve {factor!r}")
                continue
            for label, channel in without_fallbacks(outer, registered):
                self.stdout.write(f"{label}: ", ending="")
                self.stdout.flush()
                attempt = try_channel(channel, intent)
                style = self.style.ERROR if attempt.error else self.style.SUCCESS
                self.stdout.write(style(describe(attempt)))
                accepted |= attempt.error is None
        return accepted
