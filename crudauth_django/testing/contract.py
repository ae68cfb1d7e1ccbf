"""The fixture and the contract for pytest."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import override_settings

from crudauth_django.channels.attempts import call_channel
from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent, link_for
from crudauth_django.exceptions import DeliveryError
from crudauth_django.kinds import KINDS, TOKEN_KINDS, MessageKind
from crudauth_django.testing.outbox import SAMPLE_TOKEN, collected_deliveries


@pytest.fixture
def delivery_outbox() -> Iterator[list[DeliveryIntent]]:
    """Every message that was delivered during the test, in order."""
    with collected_deliveries() as outbox:
        yield outbox


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
