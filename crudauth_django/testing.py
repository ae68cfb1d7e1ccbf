"""For the tests of your own project and of your own channels.

With pytest, put ``pytest_plugins = ["crudauth_django.testing"]`` into the
``conftest.py`` at the root, and ask for ``delivery_outbox``. With ``unittest``,
mix :class:`DeliveryOutboxMixin` into a test case. Either delivers at once, into
a list of :class:`~crudauth_django.channels.DeliveryIntent`.

A channel's author subclasses :class:`ChannelContract`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from unittest import TestCase

import pytest
from django.test import override_settings

from crudauth_django.channels import locmem
from crudauth_django.channels.attempts import call_channel
from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected
from crudauth_django.kinds import KINDS, TOKEN_KINDS, MessageKind

#: A stand-in for a token, longer than those of numbers and UUIDs are; with a
#: text as its primary key, an account's may have ``tokens.MAX_LENGTH``.
SAMPLE_TOKEN = "AWq" + "x" * 60


@contextmanager
def collected_deliveries() -> Iterator[list[DeliveryIntent]]:
    """Deliver at once, into the list that this yields."""
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
    """Gives a ``unittest`` test case ``self.delivery_outbox``."""

    delivery_outbox: list[DeliveryIntent]

    def setUp(self) -> None:
        super().setUp()
        self.delivery_outbox = self.enterContext(collected_deliveries())


class ChannelContract:
    """What every channel must do; subclass it and name it ``Test…``.

    Define the fixture ``channel``, which returns the channel under test with
    whatever it sends to in working order, and, where it can be made to fail,
    ``failing_channel``. ``recipient`` is a value that the channel can reach.
    """

    recipient = "+15551234567"

    @pytest.fixture
    def channel(self) -> DeliveryChannel:
        """Return the channel under test."""
        raise NotImplementedError("define the fixture `channel`")

    @pytest.fixture
    def failing_channel(self) -> DeliveryChannel | None:
        """Return the channel with a dead provider, or ``None``."""
        return None

    def intent(self, kind: str) -> DeliveryIntent:
        """Return a message of a kind, as the flows make it."""
        has_token = kind in TOKEN_KINDS
        return DeliveryIntent(
            id="0" * 32,
            kind=kind,
            token=SAMPLE_TOKEN if has_token else None,
            recipient=self.recipient,
            account="neo",
            language="en",
            expires_in=timedelta(hours=1) if has_token else None,
            link=f"https://app.example.com/x?token={SAMPLE_TOKEN}" if has_token else "",
        )

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_is_delivered_or_passed_over(
        self, channel: DeliveryChannel, kind: str
    ) -> None:
        deliver(channel, self.intent(kind))

    def test_a_language_nobody_speaks_is_no_reason_to_fail(
        self, channel: DeliveryChannel
    ) -> None:
        intent = replace(self.intent(MessageKind.RESET_PASSWORD), language="x-unknown")

        deliver(channel, intent)

    def test_a_message_without_a_link_is_delivered(
        self, channel: DeliveryChannel
    ) -> None:
        deliver(channel, replace(self.intent(MessageKind.RESET_PASSWORD), link=""))

    def test_its_name_shows_no_secret(self, channel: DeliveryChannel) -> None:
        assert SAMPLE_TOKEN not in repr(channel)

    def test_a_dead_provider_raises_what_the_flows_understand(
        self, failing_channel: DeliveryChannel | None
    ) -> None:
        if failing_channel is None:
            return

        with pytest.raises((DeliveryFailed, DeliveryRejected)) as caught:
            deliver(failing_channel, self.intent(MessageKind.RESET_PASSWORD))

        assert SAMPLE_TOKEN not in str(caught.value)


def deliver(channel: DeliveryChannel, intent: DeliveryIntent) -> None:
    """Deliver over one channel, sync or async, as the flows do."""
    call_channel(channel, intent)
