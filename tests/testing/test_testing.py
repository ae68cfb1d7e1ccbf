"""What app developers test with."""

from __future__ import annotations

import uuid

import pytest
from django.test import TestCase

from crudauth_django import testing
from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.locmem import LocMemChannel
from crudauth_django.dispatch.base import InlineDispatcher, get_dispatcher
from crudauth_django.exceptions import DeliveryFailed
from crudauth_django.flows import recovery
from crudauth_django.security.redemption import RESET
from crudauth_django.security.tokens import make_token
from crudauth_django.testing import (
    SAMPLE_TOKEN,
    ChannelContract,
    DeliveryOutboxMixin,
    collected_deliveries,
)
from crudauth_django.users import user_model

delivery_outbox = testing.delivery_outbox
VALUE = "+12125552368"


@pytest.fixture
def elsewhere(settings) -> None:
    """A project that delivers over something else."""
    settings.CRUDAUTH_CHANNELS = ["crudauth_django.channels.console.ConsoleChannel"]
    settings.CRUDAUTH_DISPATCHER = "crudauth_django.dispatch.ThreadDispatcher"


def test_the_fixture_delivers_at_once_into_a_list(ada, elsewhere, delivery_outbox):
    recovery.request_reset(value=VALUE)

    assert [intent.kind for intent in delivery_outbox] == ["reset_password"]
    assert isinstance(get_dispatcher(), InlineDispatcher)


def test_everything_is_as_before_when_the_collecting_ends(ada, elsewhere):
    with collected_deliveries() as outbox:
        recovery.request_reset(value=VALUE)

    assert outbox == []
    assert not isinstance(get_dispatcher(), InlineDispatcher)


class TestWithUnittest(DeliveryOutboxMixin, TestCase):
    def test_the_mixin_delivers_at_once_into_a_list(self):
        user_model().objects.create_user(username="bob", phone=VALUE)

        recovery.request_reset(value=VALUE)

        assert [i.recipient for i in self.delivery_outbox] == [VALUE]

    def test_each_test_begins_with_an_empty_one(self):
        assert self.delivery_outbox == []


class TestLocMemChannel(ChannelContract):
    @pytest.fixture
    def channel(self):
        return LocMemChannel()


class Broken(DeliveryChannel):
    async def deliver(self, intent: DeliveryIntent) -> None:
        raise DeliveryFailed("the provider is down")


class TestAsynchronousChannelThatFails(ChannelContract):
    @pytest.fixture
    def channel(self):
        return LocMemChannel()

    @pytest.fixture
    def failing_channel(self):
        return Broken()


class Leaky(DeliveryChannel):
    def deliver(self, intent: DeliveryIntent) -> None:
        self.last = intent.token
        raise DeliveryFailed(f"could not send {intent.token}")

    def __repr__(self) -> str:
        return f"<last: {self.last}>"


class NeedsLink(DeliveryChannel):
    def deliver(self, intent: DeliveryIntent) -> None:
        if not intent.link:
            raise DeliveryFailed("no link")


class Careless(DeliveryChannel):
    def deliver(self, intent: DeliveryIntent) -> None:
        raise ZeroDivisionError


def test_the_contract_catches_a_dead_provider_that_leaks():
    contract = ChannelContract()

    with pytest.raises(AssertionError):
        contract.test_failing_provider_raises_delivery_error_without_token(Leaky())


def test_the_contract_catches_a_dead_provider_that_raises_anything():
    contract = ChannelContract()

    with pytest.raises(ZeroDivisionError):
        contract.test_failing_provider_raises_delivery_error_without_token(Careless())


def test_the_contract_catches_a_name_that_leaks():
    channel = Leaky()
    channel.last = SAMPLE_TOKEN

    with pytest.raises(AssertionError):
        ChannelContract().test_repr_shows_no_token(channel)


def test_the_contract_catches_a_channel_that_needs_a_link():
    with pytest.raises(DeliveryFailed):
        ChannelContract().test_message_without_link_is_delivered(NeedsLink())


def test_the_sample_token_is_as_long_as_the_longest(ada):
    ada.pk = uuid.uuid4()

    assert len(make_token(RESET.purpose, ada)) <= len(SAMPLE_TOKEN)


def test_a_contract_without_a_channel_says_what_is_missing():
    fixture = ChannelContract.__dict__["channel"]
    function = getattr(fixture, "__wrapped__", None) or fixture._get_wrapped_function()

    with pytest.raises(NotImplementedError, match="channel"):
        function(ChannelContract())
