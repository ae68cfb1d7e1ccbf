"""The budget of messages for each recovery value."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.delivery.budget import find_held_back
from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.exceptions import DeliveryFailed
from crudauth_django.flows import recovery
from crudauth_django.kinds import EVENT_KINDS
from crudauth_django.models import Counter
from crudauth_django.signals import delivery_held_back
from crudauth_django.users import user_model

pytestmark = pytest.mark.django_db

VALUE = "+12125552368"
UNKNOWN = "+12125559999"


class Failing(DeliveryChannel):
    def deliver(self, intent: DeliveryIntent) -> None:
        raise DeliveryFailed("busy")


def deliver_reset(value: str = VALUE, **values: object) -> PendingMessage | None:
    values = {"kind": "reset_password", **values}
    return deliver_message(PendingMessage(value=value, **values))


@pytest.fixture
def held_back():
    """The values of each ``delivery_held_back``."""
    received = []

    def listen(**values):
        received.append(values)

    delivery_held_back.connect(listen)
    yield received
    delivery_held_back.disconnect(listen)


def test_budget_is_five_messages_in_fifteen_minutes(ada, outbox, caplog):
    with time_machine.travel(time.time(), tick=False):
        for _ in range(7):
            deliver_reset()

    assert len(outbox) == 5
    assert "to +1********68 for 90" in caplog.text
    assert "target_budget is used up" in caplog.text
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


def test_budget_counts_each_attempt(ada, settings, outbox):
    settings.CRUDAUTH_TARGET_BUDGET = "2/h"
    channels = settings.CRUDAUTH_CHANNELS
    settings.CRUDAUTH_CHANNELS = [f"{__name__}.Failing"]
    deliver_message(deliver_reset())
    settings.CRUDAUTH_CHANNELS = channels

    deliver_reset()

    assert outbox == []


def test_retry_waits_until_budget_allows_it(ada, settings):
    settings.CRUDAUTH_TARGET_BUDGET = "1/15m"
    settings.CRUDAUTH_CHANNELS = [f"{__name__}.Failing"]
    following = deliver_reset()

    waiting = deliver_message(following)

    assert waiting == replace(following, due_at=waiting.due_at)
    assert 890 < waiting.due_at - time.time() <= 902
    with time_machine.travel(waiting.due_at):
        assert deliver_message(waiting).attempt == 3


def test_retry_that_would_wait_too_long_is_given_up(ada, settings, held_back):
    settings.CRUDAUTH_TARGET_BUDGET = "1/2h"
    settings.CRUDAUTH_CHANNELS = [f"{__name__}.Failing"]

    assert deliver_message(deliver_reset()) is None

    (values,) = held_back
    assert (values["outcome"], values["code"]) == ("gave_up", "target_budget")
    assert values["held_until"] is None


def test_first_attempt_over_budget_is_held_back(ada, settings, held_back):
    settings.CRUDAUTH_TARGET_BUDGET = ["9/d", "1/15m"]
    deliver_reset()

    assert deliver_reset(id="the-id") is None

    (values,) = held_back
    until = values.pop("held_until")
    assert 890 < until.timestamp() - time.time() <= 902
    assert {k: v for k, v in values.items() if k not in {"signal", "sender"}} == {
        "message_id": "the-id",
        "kind": "reset_password",
        "channel": "crudauth_django.channels.locmem.LocMemChannel",
        "recipient": "+1********68",
        "country": "US",
        "outcome": "held_back",
        "code": "target_budget",
    }


def test_refused_attempts_use_no_budget(ada, settings, outbox):
    settings.CRUDAUTH_TARGET_BUDGET = ["3/d", "1/15m"]
    for _ in range(5):
        deliver_reset()

    with time_machine.travel(time.time() + 1000):
        deliver_reset()

    assert len(outbox) == 2


def test_registrations_can_use_half_of_budget(ada, settings, outbox):
    settings.CRUDAUTH_TARGET_BUDGET = "5/h"
    cause = {"kind": "verify_recovery", "cause": "registration"}
    for _ in range(9):
        deliver_reset(**cause)
    after_registrations = len(outbox)

    for _ in range(9):
        deliver_reset()

    assert after_registrations == 2
    assert len(outbox) == 5


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_notices_have_budget_of_their_own(ada, settings, outbox, kind):
    settings.CRUDAUTH_TARGET_BUDGET = settings.CRUDAUTH_NOTICE_BUDGET = "1/h"
    other = EVENT_KINDS[EVENT_KINDS.index(kind) - 1]
    deliver_reset()
    deliver_reset(kind=other, user_pk=str(ada.pk))
    outbox.clear()

    deliver_reset(kind=kind, user_pk=str(ada.pk))

    assert [intent.kind for intent in outbox] == [kind]


def test_notice_over_budget_waits(ada, settings, outbox):
    settings.CRUDAUTH_NOTICE_BUDGET = "1/15m"
    notice = {"kind": "password_changed", "user_pk": str(ada.pk)}
    deliver_reset(**notice)

    waiting = deliver_reset(**notice)

    with time_machine.travel(waiting.due_at):
        assert deliver_message(waiting) is None
    assert len(outbox) == 2


def test_peek_at_budget_counts_nothing(ada, settings):
    settings.CRUDAUTH_TARGET_BUDGET = "1/15m"
    message = PendingMessage(kind="reset_password", value=VALUE)
    before = [find_held_back(message) for _ in range(3)]
    deliver_message(message)

    held = find_held_back(message)

    assert before == [None] * 3
    assert held.code == "target_budget"
    assert 890 < held.until - time.time() <= 902


def test_unknown_value_runs_statements_of_known_value(ada, settings):
    settings.CRUDAUTH_TARGET_BUDGET = "1/15m"

    def statements(value: str) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            deliver_reset(value)
        return [q["sql"].split()[0] for q in queries if "crudauth_counter" in q["sql"]]

    first = [statements(VALUE), statements(UNKNOWN)]
    second = [statements(VALUE), statements(UNKNOWN)]

    assert first[0] == first[1]
    assert second[0] == second[1]


def test_budget_of_none_counts_nothing(ada, settings, outbox):
    settings.CRUDAUTH_TARGET_BUDGET = None
    for _ in range(12):
        deliver_reset()

    assert len(outbox) == 12
    assert not Counter.objects.exists()
