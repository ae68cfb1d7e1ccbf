"""Outbox entries: retries, leases, and messages that are given up."""

import time
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.test import override_settings
from django.utils import timezone

from crudauth_django.channels.base import DeliveryChannel
from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.delivery_log.models import LoggedDelivery
from crudauth_django.dispatch.outbox import acquire, add, claim_overdue, due_at
from crudauth_django.dispatch.worker import deliver_entry
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected
from crudauth_django.kinds import MessageKind
from crudauth_django.models import OutboxEntry

try:
    from django.tasks.backends.base import BaseTaskBackend
    from django.tasks.backends.immediate import ImmediateBackend
except ImportError:  # Django 5.2
    from django_tasks.backends.base import BaseTaskBackend
    from django_tasks.backends.immediate import ImmediateBackend

pytestmark = pytest.mark.django_db

LOCMEM = "crudauth_django.channels.locmem.LocMemChannel"
HERE = "tests.durable.test_outbox"
IMMEDIATE = f"{ImmediateBackend.__module__}.{ImmediateBackend.__qualname__}"


class FailingChannel(DeliveryChannel):
    def deliver(self, intent):
        raise DeliveryFailed("no response")


class RejectingChannel(DeliveryChannel):
    def deliver(self, intent):
        raise DeliveryRejected("opted out", code="21610")


class Crash(BaseException):
    """The end of the process."""


class CrashingChannel(DeliveryChannel):
    def deliver(self, intent):
        raise Crash


def reset_message(user, **values):
    return PendingMessage(
        kind=MessageKind.RESET_PASSWORD, value=str(user.phone), **values
    )


def redeem(api, token):
    return api.reset_password(token).status_code


@pytest.mark.parametrize("first", [0, 1])
def test_either_token_of_redelivered_message_works_once(ada, api, outbox, first):
    message = reset_message(ada)
    deliver_message(message)
    # A token's time is in whole seconds, so a token of the next second differs.
    time.sleep(1.1)
    deliver_message(message)
    tokens = [intent.token for intent in outbox]

    first_status = redeem(api, tokens[first])
    later_statuses = [redeem(api, token) for token in tokens]

    assert tokens[0] != tokens[1]
    assert outbox[0].id == outbox[1].id
    assert first_status == HTTPStatus.OK
    assert later_statuses == [HTTPStatus.BAD_REQUEST] * 2


@override_settings(CRUDAUTH_CHANNELS=[LOCMEM, f"{HERE}.FailingChannel"])
def test_retry_skips_channel_that_accepted(ada, outbox):
    following = deliver_message(reset_message(ada))
    after_retry = deliver_message(following)

    assert len(outbox) == 1
    assert following.channels == after_retry.channels == [f"{HERE}.FailingChannel"]
    assert after_retry.attempt == 3


@override_settings(CRUDAUTH_CHANNELS=[f"{HERE}.RejectingChannel", LOCMEM])
def test_channel_that_rejected_is_not_retried(ada, outbox):
    assert deliver_message(reset_message(ada)) is None
    assert len(outbox) == 1


@override_settings(
    CRUDAUTH_CHANNELS=[LOCMEM, f"{HERE}.CrashingChannel"],
    CRUDAUTH_TARGET_BUDGET="3/15m",
)
def test_attempt_after_crash_counts_and_skips_finished_channel(ada, outbox):
    checkpoints = []
    message = reset_message(ada)
    for _ in range(3):
        with pytest.raises(Crash):
            deliver_message(message, checkpoint=checkpoints.append)
        message = checkpoints[-1]

    waiting = deliver_message(message)

    assert message.attempt == waiting.attempt == 4
    assert waiting.due_at > time.time()
    assert len(outbox) == 1


@override_settings(
    CRUDAUTH_CHANNELS=[f"{HERE}.CrashingChannel"], CRUDAUTH_TARGET_BUDGET=None
)
def test_message_that_kills_workers_is_tried_ten_times(ada):
    checkpoints = [reset_message(ada)]
    for _ in range(10):
        with pytest.raises(Crash):
            deliver_message(checkpoints[-1], checkpoint=checkpoints.append)

    assert deliver_message(checkpoints[-1]) is None


@override_settings(CRUDAUTH_CHANNELS=[f"{HERE}.FailingChannel"])
def test_message_is_given_up_after_lifetime_of_token(ada):
    hours = timedelta(hours=1).total_seconds()
    outdated = reset_message(ada, requested_at=time.time() - hours - 1)

    assert deliver_message(outdated) is None
    assert deliver_message(reset_message(ada)) is not None


def test_message_that_always_raises_is_given_up(ada):
    days = timedelta(days=2).total_seconds()
    broken = PendingMessage(kind="unknown", value="x")
    outdated = replace(broken, requested_at=time.time() - days)

    assert deliver_message(broken) is not None
    assert deliver_message(outdated) is None


def test_ten_tries_cover_seven_hours_within_one_budget():
    waits, message = [], PendingMessage(kind=MessageKind.RESET_PASSWORD, value="x")
    while not message.end_reason():
        message = message.next_attempt(channels=None)
        waits.append(message.due_at - time.time())

    # The last wait would lead to an eleventh attempt.
    assert len(waits) == 10
    assert 7 * 3600 < sum(waits[:-1]) < 24 * 3600
    # So one message alone never exceeds five tries in a quarter of an hour.
    assert sum(waits[:5]) > 15 * 60


@override_settings(
    CRUDAUTH_RETRY={"BASE": timedelta(seconds=10), "MAX": timedelta(seconds=60)}
)
def test_retry_delay_grows_up_to_max_or_retry_after():
    def delay(**values):
        message = PendingMessage(kind=MessageKind.RESET_PASSWORD, value="x", **values)
        return message.next_attempt(channels=None).due_at - time.time()

    message = PendingMessage(kind=MessageKind.RESET_PASSWORD, value="x")
    requested_delay = (
        message.next_attempt(channels=None, retry_after=3600).due_at - time.time()
    )

    assert 9 < delay() <= 20
    assert 29 < delay(attempt=2) <= 60
    assert 29 < delay(attempt=50) <= 60
    assert requested_delay > 3590


def test_leased_entry_cannot_be_acquired_again():
    add(PendingMessage(kind=MessageKind.RESET_PASSWORD, value="x", id="a" * 32))

    lease = acquire("a" * 32)

    assert lease.message.value == "x"
    assert acquire("a" * 32) is None


def test_expired_lease_cannot_reschedule():
    add(PendingMessage(kind=MessageKind.RESET_PASSWORD, value="x", id="a" * 32))
    with override_settings(CRUDAUTH_RETRY={"LEASE": timedelta(milliseconds=1)}):
        expired = acquire("a" * 32)
        time.sleep(0.01)
    current = acquire("a" * 32)

    expired.reschedule(expired.message.next_attempt(channels=["late"]))

    assert due_at("a" * 32) == current.expires_at
    assert OutboxEntry.objects.get().message["channels"] is None


def test_overdue_entry_is_claimed_once():
    add(PendingMessage(kind=MessageKind.RESET_PASSWORD, value="x", id="a" * 32))

    now = timezone.now()
    early = list(claim_overdue(since=now - timedelta(minutes=1)))
    late = list(claim_overdue(since=now))
    again = list(claim_overdue(since=now))

    assert early == []
    assert late == ["a" * 32]
    assert again == []


class BrokenBackend(BaseTaskBackend):
    """A queue that cannot be reached."""

    supports_defer = True

    def enqueue(self, task, args, kwargs):
        raise ConnectionError


@pytest.mark.django_db(transaction=True)
@override_settings(
    TASKS={"default": {"BACKEND": f"{HERE}.BrokenBackend"}},
    CRUDAUTH_DISPATCHER="crudauth_django.dispatch.TaskDispatcher",
)
def test_broken_queue_leaves_response_and_outbox_entry(ada, api):
    body = {"phone": str(ada.phone)}

    response = api.post("/password/reset-request", body)

    assert response.status_code == HTTPStatus.OK
    assert OutboxEntry.objects.get().message["value"] == body["phone"]


@pytest.mark.django_db(transaction=True)
@override_settings(
    TASKS={"default": {"BACKEND": IMMEDIATE}},
    CRUDAUTH_DISPATCHER="crudauth_django.dispatch.TaskDispatcher",
)
def test_task_of_immediate_backend_delivers_message(ada, api, outbox):
    api.post("/password/reset-request", {"phone": str(ada.phone)})

    assert [intent.recipient for intent in outbox] == [str(ada.phone)]
    assert not OutboxEntry.objects.exists()


def store(**changes):
    """Store an entry as another version may; ``None`` leaves a key out."""
    whole = PendingMessage(kind="reset_password", value="+12125552368").to_dict()
    message = {k: v for k, v in {**whole, **changes}.items() if v is not None}
    return OutboxEntry.objects.create(
        id="a" * 32, message=message, due_at=timezone.now()
    )


def test_entry_of_newer_version_is_read():
    store(newer="value", id="b" * 32)

    lease = acquire("a" * 32)

    assert lease.message.id == "a" * 32
    assert lease.message.kind == "reset_password"


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": None},
        {"value": None},
        {"value": 5},
        {"attempt": "1"},
        {"attempt": 0},
        {"channels": "sms"},
        {"requested_at": "now"},
        {"failures": [1]},
    ],
    ids=str,
)
def test_unreadable_entry_is_logged_and_deleted(changes, caplog):
    entry = store(**changes)

    assert acquire(entry.pk) is None

    row = LoggedDelivery.objects.get()
    assert not OutboxEntry.objects.exists()
    assert entry.pk in caplog.text
    assert "+12125552368" not in caplog.text
    assert (row.message_id, row.outcome, row.code) == (
        entry.pk,
        "gave_up",
        "unreadable",
    )


@pytest.mark.parametrize("message", [[], "text", 5], ids=str)
def test_entry_that_holds_no_dict_is_deleted(message):
    OutboxEntry.objects.create(id="a" * 32, message=message, due_at=timezone.now())

    assert acquire("a" * 32) is None
    assert not OutboxEntry.objects.exists()


@override_settings(TASKS={"default": {"BACKEND": IMMEDIATE}})
def test_task_with_arguments_of_newer_version_delivers(ada, outbox):
    message = reset_message(ada)
    add(message)

    deliver_entry.enqueue(message.id, newer="argument")

    assert [intent.id for intent in outbox] == [message.id]
