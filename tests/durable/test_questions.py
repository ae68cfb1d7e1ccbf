"""A question tried again: what is repeated, and what is not."""

import time
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.test import override_settings
from django.utils import timezone

from crudauth_django.channels.base import DeliveryChannel
from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch import outbox as ledger
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected
from crudauth_django.kinds import MessageKind
from crudauth_django.models import OutboxEntry
from tests.support.client import NEW_PASSWORD

try:
    from django.tasks.backends.base import BaseTaskBackend
    from django.tasks.backends.immediate import ImmediateBackend
except ImportError:  # Django 5.2
    from django_tasks.backends.base import BaseTaskBackend
    from django_tasks.backends.immediate import ImmediateBackend

pytestmark = pytest.mark.django_db

LOCMEM = "crudauth_django.channels.locmem.LocMemChannel"
HERE = "tests.durable.test_questions"
IMMEDIATE = f"{ImmediateBackend.__module__}.{ImmediateBackend.__qualname__}"


class DeadChannel(DeliveryChannel):
    def deliver(self, intent):
        raise DeliveryFailed("no answer")


class RefusingChannel(DeliveryChannel):
    def deliver(self, intent):
        raise DeliveryRejected("opted out", code="21610")


class Crash(BaseException):
    """The process ends here."""


class CrashingChannel(DeliveryChannel):
    def deliver(self, intent):
        raise Crash


def reset_for(user, **values):
    return PendingMessage(
        kind=MessageKind.RESET_PASSWORD, value=str(user.phone), **values
    )


def spend(api, token):
    body = {"token": token, "new_password": NEW_PASSWORD}
    return api.post("/password/reset-confirm", body, format="json").status_code


@pytest.mark.parametrize("first", [0, 1])
def test_of_a_token_and_its_redelivery_either_works_and_only_one(
    ada, api, outbox, first
):
    question = reset_for(ada)
    deliver_message(question)
    # A token's time is in whole seconds: a later one is another one.
    time.sleep(1.1)
    deliver_message(question)
    tokens = [intent.token for intent in outbox]

    spent = spend(api, tokens[first])
    after = [spend(api, token) for token in tokens]

    assert tokens[0] != tokens[1]
    assert outbox[0].id == outbox[1].id
    assert spent == HTTPStatus.OK
    assert after == [HTTPStatus.BAD_REQUEST] * 2


@override_settings(CRUDAUTH_CHANNELS=[LOCMEM, f"{HERE}.DeadChannel"])
def test_a_channel_that_took_it_is_not_tried_again(ada, outbox):
    follow_up = deliver_message(reset_for(ada))
    again = deliver_message(follow_up)

    assert len(outbox) == 1
    assert follow_up.channels == again.channels == [f"{HERE}.DeadChannel"]
    assert again.attempt == 3


@override_settings(CRUDAUTH_CHANNELS=[f"{HERE}.RefusingChannel", LOCMEM])
def test_a_channel_that_refused_it_is_not_tried_again(ada, outbox):
    assert deliver_message(reset_for(ada)) is None
    assert len(outbox) == 1


@override_settings(
    CRUDAUTH_CHANNELS=[LOCMEM, f"{HERE}.CrashingChannel"],
    CRUDAUTH_TARGET_BUDGET="1/d",
)
def test_what_a_crash_left_is_neither_sent_nor_counted_twice(ada, outbox):
    kept = []
    with pytest.raises(Crash):
        deliver_message(reset_for(ada), checkpoint=kept.append)

    # A second count would be over the budget, and the channel not be reached.
    with pytest.raises(Crash):
        deliver_message(kept[-1], checkpoint=kept.append)

    assert len(outbox) == 1


@override_settings(CRUDAUTH_CHANNELS=[f"{HERE}.DeadChannel"])
def test_a_message_is_given_up_when_its_token_would_have_expired(ada):
    hours = timedelta(hours=1).total_seconds()

    assert deliver_message(reset_for(ada, requested_at=time.time() - hours - 1)) is None
    assert deliver_message(reset_for(ada)) is not None


def test_a_question_that_breaks_every_try_is_given_up(ada):
    days = timedelta(days=2).total_seconds()
    broken = {"kind": "unknown", "value": "x"}

    assert deliver_message(PendingMessage(**broken)) is not None
    assert (
        deliver_message(PendingMessage(**broken, requested_at=time.time() - days))
        is None
    )


@override_settings(
    CRUDAUTH_RETRY={"BASE": timedelta(seconds=10), "MAX": timedelta(seconds=60)}
)
def test_waits_double_up_to_a_limit_unless_the_provider_wants_longer():
    def wait(**values):
        question = PendingMessage(kind=MessageKind.RESET_PASSWORD, value="x", **values)
        return question.next_attempt(channels=None).due_at - time.time()

    question = PendingMessage(kind=MessageKind.RESET_PASSWORD, value="x")
    asked = question.next_attempt(channels=None, retry_after=3600).due_at - time.time()

    assert 9 < wait() <= 20
    assert 19 < wait(attempt=2) <= 40
    assert 29 < wait(attempt=50) <= 60
    assert asked > 3590


def test_one_question_is_taken_by_one():
    ledger.add(PendingMessage(kind=MessageKind.RESET_PASSWORD, value="x", id="a" * 32))

    held = ledger.acquire("a" * 32)

    assert held.message.value == "x"
    assert ledger.acquire("a" * 32) is None


def test_whoever_was_too_slow_changes_nothing_for_who_came_after():
    ledger.add(PendingMessage(kind=MessageKind.RESET_PASSWORD, value="x", id="a" * 32))
    with override_settings(CRUDAUTH_RETRY={"LEASE": timedelta(milliseconds=1)}):
        slow = ledger.acquire("a" * 32)
        time.sleep(0.01)
    second = ledger.acquire("a" * 32)

    slow.reschedule(slow.message.next_attempt(channels=["late"]))

    assert ledger.due_at("a" * 32) == second.expires_at
    assert OutboxEntry.objects.get().message["channels"] is None


def test_only_what_is_overdue_is_brought_back_and_once():
    ledger.add(PendingMessage(kind=MessageKind.RESET_PASSWORD, value="x", id="a" * 32))

    now = timezone.now()
    early = list(ledger.claim_overdue(since=now - timedelta(minutes=1)))
    late = list(ledger.claim_overdue(since=now))
    again = list(ledger.claim_overdue(since=now))

    assert early == []
    assert late == ["a" * 32]
    assert again == []


class BrokenBackend(BaseTaskBackend):
    """A queue that is away."""

    supports_defer = True

    def enqueue(self, task, args, kwargs):
        raise ConnectionError


@pytest.mark.django_db(transaction=True)
@override_settings(
    TASKS={"default": {"BACKEND": f"{HERE}.BrokenBackend"}},
    CRUDAUTH_DISPATCHER="crudauth_django.dispatch.TaskDispatcher",
)
def test_a_queue_that_is_away_changes_no_answer_and_loses_nothing(ada, api):
    body = {"phone": str(ada.phone)}

    answered = api.post("/password/reset-request", body, format="json")

    assert answered.status_code == HTTPStatus.OK
    assert OutboxEntry.objects.get().message["value"] == body["phone"]


@pytest.mark.django_db(transaction=True)
@override_settings(
    TASKS={"default": {"BACKEND": IMMEDIATE}},
    CRUDAUTH_DISPATCHER="crudauth_django.dispatch.TaskDispatcher",
)
def test_a_task_of_any_backend_answers_the_question(ada, api, outbox):
    api.post("/password/reset-request", {"phone": str(ada.phone)}, format="json")

    assert [intent.recipient for intent in outbox] == [str(ada.phone)]
    assert not OutboxEntry.objects.exists()
