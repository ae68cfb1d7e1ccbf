"""The outbox for tests of projects: as a fixture, a mixin and a context manager."""

from __future__ import annotations

import pytest
from django.test import TestCase

from crudauth_django import testing
from crudauth_django.dispatch.base import InlineDispatcher, get_dispatcher
from crudauth_django.flows import recovery
from crudauth_django.testing import (
    DeliveryOutboxMixin,
    collected_deliveries,
)
from crudauth_django.users import user_model

delivery_outbox = testing.delivery_outbox
VALUE = "+12125552368"


@pytest.fixture
def console_project(settings) -> None:
    """A project with another channel and dispatcher."""
    settings.CRUDAUTH_CHANNELS = ["crudauth_django.channels.console.ConsoleChannel"]
    settings.CRUDAUTH_DISPATCHER = "crudauth_django.dispatch.ThreadDispatcher"


def test_fixture_collects_deliveries_at_once(ada, console_project, delivery_outbox):
    recovery.request_reset(value=VALUE)

    assert [intent.kind for intent in delivery_outbox] == ["reset_password"]
    assert isinstance(get_dispatcher(), InlineDispatcher)


def test_settings_are_restored_after_the_block(ada, console_project):
    with collected_deliveries() as outbox:
        recovery.request_reset(value=VALUE)

    assert outbox == []
    assert not isinstance(get_dispatcher(), InlineDispatcher)


class TestWithUnittest(DeliveryOutboxMixin, TestCase):
    def test_mixin_collects_deliveries_at_once(self):
        user_model().objects.create_user(username="bob", phone=VALUE)

        recovery.request_reset(value=VALUE)

        assert [i.recipient for i in self.delivery_outbox] == [VALUE]

    def test_outbox_is_empty_at_start(self):
        assert self.delivery_outbox == []
