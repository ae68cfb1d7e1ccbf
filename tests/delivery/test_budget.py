"""The budget of messages for each recovery value."""

from __future__ import annotations

import pytest

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.exceptions import DeliveryFailed
from crudauth_django.flows import recovery
from crudauth_django.models import Counter
from crudauth_django.users import user_model

pytestmark = pytest.mark.django_db

VALUE = "+12125552368"
UNKNOWN = "+12125559999"


class Failing(DeliveryChannel):
    def deliver(self, intent: DeliveryIntent) -> None:
        raise DeliveryFailed("busy")


def deliver_reset(value: str = VALUE) -> PendingMessage | None:
    return deliver_message(PendingMessage(kind="reset_password", value=value))


def test_budget_is_five_messages_in_fifteen_minutes(ada, outbox, caplog):
    for _ in range(7):
        deliver_reset()

    assert len(outbox) == 5
    assert "+1********68 has had 5 messages in 900 s" in caplog.text
    assert VALUE not in caplog.text


def test_budget_counts_all_kinds_together(ada, settings, outbox):
    settings.CRUDAUTH_TARGET_BUDGET = "2/h"

    recovery.request_verification(value=VALUE)
    recovery.request_reset(value=VALUE)
    recovery.request_verification(value=VALUE)

    assert [intent.kind for intent in outbox] == ["verify_recovery", "reset_password"]


def test_budget_is_not_used_by_requests_before_registration(db, settings, outbox):
    settings.CRUDAUTH_TARGET_BUDGET = "1/d"
    for _ in range(5):
        deliver_reset(UNKNOWN)

    user_model().objects.create_user(username="bob", phone=UNKNOWN)
    deliver_reset(UNKNOWN)

    assert [intent.recipient for intent in outbox] == [UNKNOWN]


def test_budget_counts_retried_message_once(ada, settings):
    settings.CRUDAUTH_TARGET_BUDGET = "1/d"
    settings.CRUDAUTH_CHANNELS = [f"{__name__}.Failing"]

    following = deliver_reset()

    assert deliver_message(following) is not None


def test_budget_of_none_counts_nothing(ada, settings, outbox):
    settings.CRUDAUTH_TARGET_BUDGET = None
    for _ in range(12):
        deliver_reset()

    assert len(outbox) == 12
    assert not Counter.objects.exists()
