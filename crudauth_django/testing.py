"""Test your project and your channels.

With pytest, put ``pytest_plugins = ["crudauth_django.testing"]`` into the root
``conftest.py`` and use the fixture ``delivery_outbox``. With ``unittest``, add
:class:`DeliveryOutboxMixin` to a test case. Both deliver at once, into a list of
:class:`~crudauth_django.channels.DeliveryIntent`.

For a channel, subclass :class:`ChannelContract`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from unittest import TestCase

import pytest
from django.test import override_settings

from crudauth_django.channels import locmem
from crudauth_django.channels.attempts import call_channel
from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent, link_for
from crudauth_django.exceptions import DeliveryError
from crudauth_django.kinds import KINDS, TOKEN_KINDS, MessageKind

__all__ = [
    "SAMPLE_TOKEN",
    "ChannelContract",
    "DeliveryOutboxMixin",
    "collected_deliveries",
    "delivery_outbox",
]

#: A stand-in for a token, longer than the token of a number or a UUID. If the
#: primary key is a text, a token has up to ``tokens.MAX_LENGTH`` characters.
SAMPLE_TOKEN = "AWq" + "x" * 60


@contextmanager
def collected_deliveries() -> Iterator[list[DeliveryIntent]]:
    """Deliver at once, into the list that the block gets."""
    locmem.outbox.clear()
    with override_settings(
        CRUDAUTH_CHANNELS=["crudauth_django.channels.locmem.LocMemChannel"],
        CRUDAUTH_DISPATCHER="crudauth_django.dispatch.InlineDispatcher",
    ):
        try:
            yield locmem.outbox
        finally:
            locmem.outbox.clear()


@pytest.fixture
def delivery_outbox() -> Iterator[list[DeliveryIntent]]:
    """Every message that was delivered during the test, in order."""
    with collected_deliveries() as outbox:
        yield outbox


class DeliveryOutboxMixin(TestCase):
    """Add ``self.delivery_outbox`` to a ``unittest`` test case."""

    delivery_outbox: list[DeliveryIntent]

    def setUp(self) -> None:
        super().setUp()
        self.delivery_outbox = self.enterContext(collected_deliveries())


class ChannelContract:
    """Test the behaviour of every channel; name the subclass ``Test…``.

    Define the fixture ``channel``: the channel, with a working provider. If the
    provider can be made to fail, also define ``failing_channel``. ``recipient``
    is a value that the channel can reach.
    """

    recipient = "+15551234567"

    @pytest.fixture
    def channel(self) -> DeliveryChannel:
        """Return the channel under test."""
        raise NotImplementedError("define the fixture `channel`")

    @pytest.fixture
    def failing_channel(self) -> DeliveryChannel | None:
        """Return the channel with a failing provider, or ``None``."""
        return None

    def intent(self, kind: MessageKind) -> DeliveryIntent:
        """Return a message of a kind, with a link if the kind has a token."""
        token = SAMPLE_TOKEN if kind in TOKEN_KINDS else None
        with override_settings(CRUDAUTH_FRONTEND_URL="https://app.example.com"):
            return DeliveryIntent(
                kind=kind,
                recipient=self.recipient,
                account="neo",
                language="en",
                token=token,
                expires_in=timedelta(hours=1) if token else None,
                link=link_for(kind, token),
            )

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_is_delivered_or_ignored(
        self, channel: DeliveryChannel, kind: MessageKind
    ) -> None:
        call_channel(channel, self.intent(kind))

    def test_unknown_language_is_delivered(self, channel: DeliveryChannel) -> None:
        intent = replace(self.intent(MessageKind.RESET_PASSWORD), language="x-unknown")

        call_channel(channel, intent)

    def test_message_without_link_is_delivered(self, channel: DeliveryChannel) -> None:
        intent = replace(self.intent(MessageKind.RESET_PASSWORD), link="")

        call_channel(channel, intent)

    def test_repr_shows_no_token(self, channel: DeliveryChannel) -> None:
        assert SAMPLE_TOKEN not in repr(channel)

    def test_failing_provider_raises_delivery_error_without_token(
        self, failing_channel: DeliveryChannel | None
    ) -> None:
        if failing_channel is None:
            return

        with pytest.raises(DeliveryError) as caught:
            call_channel(failing_channel, self.intent(MessageKind.RESET_PASSWORD))

        assert SAMPLE_TOKEN not in str(caught.value)
