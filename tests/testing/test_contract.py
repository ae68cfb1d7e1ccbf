"""``ChannelContract``: the faults of a channel that it finds."""

from __future__ import annotations

import uuid

import pytest

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.locmem import LocMemChannel
from crudauth_django.exceptions import DeliveryFailed
from crudauth_django.security.redemption import RESET
from crudauth_django.security.tokens import make_token
from crudauth_django.testing import (
    SAMPLE_TOKEN,
    ChannelContract,
)


class FailingAsynchronously(DeliveryChannel):
    async def deliver(self, intent: DeliveryIntent) -> None:
        raise DeliveryFailed("the provider is down")


class TestFailingAsynchronousChannel(ChannelContract):
    @pytest.fixture
    def channel(self):
        return LocMemChannel()

    @pytest.fixture
    def failing_channel(self):
        return FailingAsynchronously()


class LeakingChannel(DeliveryChannel):
    def deliver(self, intent: DeliveryIntent) -> None:
        self.last = intent.token
        raise DeliveryFailed(f"could not send {intent.token}")

    def __repr__(self) -> str:
        return f"<last: {self.last}>"


class NeedsLink(DeliveryChannel):
    def deliver(self, intent: DeliveryIntent) -> None:
        if not intent.link:
            raise DeliveryFailed("no link")


class BrokenChannel(DeliveryChannel):
    def deliver(self, intent: DeliveryIntent) -> None:
        raise ZeroDivisionError


def test_contract_finds_error_with_token():
    contract = ChannelContract()

    with pytest.raises(AssertionError):
        contract.test_failing_provider_raises_delivery_error_without_token(
            LeakingChannel()
        )


def test_contract_finds_error_of_another_type():
    contract = ChannelContract()

    with pytest.raises(ZeroDivisionError):
        contract.test_failing_provider_raises_delivery_error_without_token(
            BrokenChannel()
        )


def test_contract_finds_repr_with_token():
    channel = LeakingChannel()
    channel.last = SAMPLE_TOKEN

    with pytest.raises(AssertionError):
        ChannelContract().test_repr_shows_no_token(channel)


def test_contract_finds_channel_that_needs_a_link():
    with pytest.raises(DeliveryFailed):
        ChannelContract().test_message_without_link_is_delivered(NeedsLink())


def test_sample_token_is_as_long_as_a_uuid_token(ada):
    ada.pk = uuid.uuid4()

    assert len(make_token(RESET.purpose, ada)) <= len(SAMPLE_TOKEN)


def test_contract_without_channel_names_the_fixture():
    fixture = ChannelContract.__dict__["channel"]
    function = getattr(fixture, "__wrapped__", None) or fixture._get_wrapped_function()

    with pytest.raises(NotImplementedError, match="channel"):
        function(ChannelContract())
