"""Try the channels out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crudauth_django.channels.attempts import DeliveryAttempt, try_channel
from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.fallback import FallbackChannel
from crudauth_django.channels.intents import build_intent
from crudauth_django.channels.registry import get_channels, labels
from crudauth_django.exceptions import DeliveryRejected
from crudauth_django.identity.normalize import normalize
from crudauth_django.kinds import MessageKind
from crudauth_django.users import field_of, user_shape


class Command(BaseCommand):
    """Send a harmless message and say what became of it.

    Each channel inside a fallback is tried, whatever became of those before it.
    Exits with an error unless at least one channel took it.
    """

    help = (
        "Sends a test message, which carries no token and asks for nothing, to "
        "RECIPIENT through every channel that serves the recovery factor."
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
        intent = build_intent(
            kind=MessageKind.TEST_MESSAGE,
            recipient=_normalized(factor, recipient),
            account="test",
            language=language,
        )
        taken = [
            self._try(label, channel, intent)
            for outer_label, outer in get_channels().items()
            if self._serves(outer_label, outer, factor)
            for label, channel in _inside(outer_label, outer)
        ]
        if not any(taken):
            raise CommandError("No channel took the message.")

    def _serves(self, label: str, channel: DeliveryChannel, factor: str) -> bool:
        if channel.serves(factor):
            return True
        self.stdout.write(f"{label}: not tried, it does not serve {factor!r}")
        return False

    def _try(
        self, label: str, channel: DeliveryChannel, intent: DeliveryIntent
    ) -> bool:
        self.stdout.write(f"{label}: ", ending="")
        self.stdout.flush()
        outcome = try_channel(channel, intent)
        style = self.style.SUCCESS if outcome.error is None else self.style.ERROR
        self.stdout.write(style(_described(outcome)))
        return outcome.error is None


def _inside(
    label: str, channel: DeliveryChannel
) -> Iterator[tuple[str, DeliveryChannel]]:
    """Yield a channel with its label, or in its place those it falls back on."""
    if not isinstance(channel, FallbackChannel):
        yield label, channel
        return
    names = labels(type(inner).__qualname__ for inner in channel.channels)
    for name, inner in zip(names, channel.channels, strict=True):
        yield from _inside(f"{label} > {name}", inner)


def _normalized(factor: str, recipient: str) -> str:
    try:
        return normalize(field_of(factor), recipient)
    except ValidationError as error:
        raise CommandError(f"{factor}: {' '.join(error.messages)}") from error


def _described(outcome: DeliveryAttempt) -> str:
    seconds = f"after {outcome.seconds:.2f} s"
    refusal = outcome.error
    if refusal is None:
        receipt = (
            f", the provider's id is {outcome.provider_id}"
            if outcome.provider_id
            else ""
        )
        return f"accepted {seconds}{receipt}"
    final = isinstance(refusal, DeliveryRejected)
    verdict = "refused for good" if final else "failed, another try may help"
    wait = getattr(refusal, "retry_after", None)
    return "".join(
        [
            f"{verdict}, {seconds}",
            f", code {refusal.code}" if refusal.code else "",
            f": {refusal}" if str(refusal) else "",
            f" (asked to wait {wait} s)" if wait is not None else "",
        ]
    )
