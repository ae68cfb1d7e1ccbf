"""From a question to the channels: who is told, how often, and what is logged."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import ClassVar

import pytest

from crudauth_django.channels import locmem
from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.console import ConsoleChannel
from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected
from crudauth_django.flows import recovery
from crudauth_django.models import Counter
from crudauth_django.security.redemption import RESET
from crudauth_django.security.tokens import read_token
from crudauth_django.signals import delivery_failed
from crudauth_django.users import user_model

pytestmark = pytest.mark.django_db

VALUE = "+12125552368"
NOBODY = "+12125559999"
LOCMEM = "crudauth_django.channels.locmem.LocMemChannel"


class Failing(DeliveryChannel):
    """Fails as it is told, and repeats every secret, as providers like to."""

    error: ClassVar[type[Exception]] = DeliveryFailed

    def deliver(self, intent: DeliveryIntent) -> None:
        raise self.error(f"no {intent.token} {intent.link} {intent.recipient[1:]}")


class Rejecting(Failing):
    error = DeliveryRejected


class Buggy(Failing):
    error = ZeroDivisionError


class Waiting(DeliveryChannel):
    def deliver(self, intent: DeliveryIntent) -> None:
        raise DeliveryFailed("busy", code="429", retry_after=3000)


class Asynchronous(DeliveryChannel):
    async def deliver(self, intent: DeliveryIntent) -> None:
        locmem.outbox.append(intent)


class Mail(DeliveryChannel):
    factors = ("email",)

    def deliver(self, intent: DeliveryIntent) -> None:
        raise AssertionError("this is no address")


def own(kind: type) -> str:
    return f"tests.delivery.test_deliver.{kind.__name__}"


def ask(value: str = VALUE, **values) -> PendingMessage | None:
    question = PendingMessage(kind="reset_password", value=value, **values)
    return deliver_message(question)


@pytest.fixture
def heard():
    received = []

    def listen(**values):
        received.append(values)

    delivery_failed.connect(listen)
    yield received
    delivery_failed.disconnect(listen)


def test_every_channel_gets_the_message(ada, settings, outbox):
    settings.CRUDAUTH_CHANNELS = [LOCMEM, LOCMEM, own(Asynchronous)]

    assert ask() is None

    assert len(outbox) == 3
    assert outbox[0] == outbox[1] == outbox[2]


def test_a_message_says_what_a_channel_needs_and_no_more(ada, outbox):
    ask(id="the-id", language="pt-br")

    (intent,) = outbox
    assert read_token(RESET.purpose, intent.token) == ada
    assert intent == DeliveryIntent(
        id="the-id",
        kind="reset_password",
        token=intent.token,
        recipient=VALUE,
        account="ada",
        language="pt-br",
        expires_in=timedelta(hours=1),
        link=f"https://app.example.com/reset?token={intent.token}",
    )


def test_no_representation_of_a_message_shows_a_secret(ada, outbox):
    ask()

    assert outbox[0].token not in repr(outbox[0])
    assert VALUE not in repr(outbox[0])
    assert VALUE not in repr(PendingMessage(kind="reset_password", value=VALUE))


def test_without_a_frontend_there_is_no_link(ada, settings, outbox):
    settings.CRUDAUTH_FRONTEND_URL = ""

    ask()

    assert outbox[0].link == ""


def test_a_link_may_have_a_query_of_its_own(ada, settings, outbox):
    settings.CRUDAUTH_FRONTEND_URL = {"reset_password": "https://a.example/r?x=1"}

    ask()

    assert outbox[0].link == f"https://a.example/r?x=1&token={outbox[0].token}"


@pytest.mark.parametrize("kind", [Failing, Rejecting, Buggy], ids=lambda k: k.__name__)
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_a_channel_that_raises_stops_nobody(ada, settings, outbox, kind, first):
    channels = [own(kind), LOCMEM]
    settings.CRUDAUTH_CHANNELS = channels if first else channels[::-1]

    ask()

    assert [intent.recipient for intent in outbox] == [VALUE]


@pytest.mark.parametrize("kind", [Failing, Rejecting, Buggy], ids=lambda k: k.__name__)
def test_a_channel_that_raises_is_reported_without_secrets(
    ada, settings, outbox, caplog, heard, kind
):
    caplog.set_level(logging.DEBUG)
    settings.CRUDAUTH_CHANNELS = [LOCMEM, own(kind)]

    ask(id="the-id")

    (values,) = heard
    assert values["sender"] is kind
    assert values["intent_id"] == "the-id"
    assert values["kind"] == "reset_password"
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "the-id" in record.getMessage()
    told = caplog.text + repr(values)
    assert "+1********68" in told
    assert outbox[0].token not in told
    assert VALUE[1:] not in told


def test_only_those_that_failed_are_tried_again(ada, settings, outbox):
    settings.CRUDAUTH_CHANNELS = [LOCMEM, own(Failing), own(Rejecting), own(Buggy)]

    follow_up = ask(id="the-id")

    assert follow_up.id == "the-id"
    assert follow_up.attempt == 2
    assert set(follow_up.channels) == {own(Failing), own(Buggy)}
    assert deliver_message(follow_up).attempt == 3
    assert len(outbox) == 1


def test_a_message_that_is_rejected_is_not_tried_again(ada, settings):
    settings.CRUDAUTH_CHANNELS = [own(Rejecting)]

    assert ask() is None


def test_a_providers_wish_to_wait_is_heard(ada, settings, heard):
    settings.CRUDAUTH_CHANNELS = [own(Waiting)]

    follow_up = ask(requested_at=1e12)

    import time

    assert follow_up.due_at - time.time() > 2900
    assert heard[0]["code"] == "429"


def test_a_message_is_given_up_when_its_token_would_be_too_old(ada, settings, caplog):
    settings.CRUDAUTH_CHANNELS = [own(Waiting)]
    settings.CRUDAUTH_RESET_MAX_AGE = timedelta(minutes=5)

    assert ask() is None

    assert "Gave up" in caplog.text
    assert VALUE not in caplog.text


def test_each_try_has_a_token_of_its_own_and_both_work(ada, settings, outbox):
    settings.CRUDAUTH_CHANNELS = [LOCMEM, own(Failing)]
    follow_up = ask()
    settings.CRUDAUTH_CHANNELS = [LOCMEM, LOCMEM]

    from dataclasses import replace

    deliver_message(replace(follow_up, channels=[LOCMEM]))

    assert len(outbox) == 2
    for intent in outbox:
        assert read_token(RESET.purpose, intent.token) == ada


def test_a_channel_gets_only_factors_that_it_serves(ada, settings, outbox, heard):
    factors = {"BACKEND": LOCMEM, "OPTIONS": {"factors": ["phone"]}}
    settings.CRUDAUTH_CHANNELS = [own(Mail), factors]

    ask()

    assert len(outbox) == 1
    assert heard == []


def test_a_message_that_nobody_serves_is_an_error_in_the_log(ada, settings, caplog):
    settings.CRUDAUTH_CHANNELS = [own(Mail)]

    assert ask() is None

    assert "No channel serves 'phone'" in caplog.text
    assert VALUE not in caplog.text


def test_a_channel_that_is_gone_meanwhile_is_passed_over(ada, outbox):
    assert ask(channels=["a.channel.that.Is", LOCMEM], attempt=2) is None

    assert len(outbox) == 1


def test_nobody_is_told_where_there_is_no_account(db, outbox, caplog):
    caplog.set_level(logging.DEBUG, "crudauth_django")

    assert ask(NOBODY) is None

    assert outbox == []
    assert NOBODY not in caplog.text


@pytest.mark.parametrize("key", ["999", "what"])
def test_a_notice_to_an_account_that_is_gone_is_dropped(ada, outbox, key):
    question = PendingMessage(kind="password_changed", value=VALUE, user_pk=key)

    assert deliver_message(question) is None
    assert outbox == []


def test_a_notice_carries_nothing_to_act_on(ada, outbox):
    question = PendingMessage(kind="password_changed", value=VALUE, user_pk=str(ada.pk))

    deliver_message(question)

    (intent,) = outbox
    assert (intent.token, intent.expires_in, intent.link) == (None, None, "")


def test_a_number_gets_five_messages_in_fifteen_minutes(ada, outbox, caplog):
    for _ in range(7):
        ask()

    assert len(outbox) == 5
    assert "+1********68 has had 5 messages in 900 s" in caplog.text
    assert VALUE not in caplog.text


def test_all_kinds_draw_on_one_budget(ada, settings, outbox):
    settings.CRUDAUTH_TARGET_BUDGET = "2/h"

    recovery.request_verification(value=VALUE)
    recovery.request_reset(value=VALUE)
    recovery.request_verification(value=VALUE)

    assert [intent.kind for intent in outbox] == ["verify_recovery", "reset_password"]


def test_nobody_can_use_up_the_budget_of_a_number_before_its_owner_registers(
    db, settings, outbox
):
    settings.CRUDAUTH_TARGET_BUDGET = "1/d"
    for _ in range(5):
        ask(NOBODY)

    user_model().objects.create_user(username="bob", phone=NOBODY)
    ask(NOBODY)

    assert [intent.recipient for intent in outbox] == [NOBODY]


def test_another_try_of_one_message_is_not_counted_again(ada, settings):
    settings.CRUDAUTH_TARGET_BUDGET = "1/d"
    settings.CRUDAUTH_CHANNELS = [own(Failing)]

    follow_up = ask()

    assert deliver_message(follow_up) is not None


def test_no_budget_counts_nothing(ada, settings, outbox):
    settings.CRUDAUTH_TARGET_BUDGET = None
    for _ in range(12):
        ask()

    assert len(outbox) == 12
    assert not Counter.objects.exists()


def test_without_channels_nothing_is_asked(ada, settings, outbox):
    settings.CRUDAUTH_CHANNELS = []

    recovery.request_reset(value=VALUE)

    assert outbox == []


def test_a_whole_run_logs_no_token_and_no_recipient(
    api, settings, outbox, caplog, django_capture_on_commit_callbacks
):
    caplog.set_level(1)
    settings.CRUDAUTH_CHANNELS = [LOCMEM, own(Failing), own(Buggy)]
    body = {"username": "neo", "phone": VALUE, "password": "a-strong-one"}

    api.post("/register", body, format="json")
    api.post("/login", {**body, "password": "wrong"}, format="json")
    api.post("/email/verify-request", {"phone": VALUE}, format="json")
    api.post("/email/verify-confirm", {"token": outbox[0].token[:-2]}, format="json")
    api.post("/email/verify-confirm", {"token": outbox[0].token}, format="json")
    for _ in range(9):
        api.post("/password/reset-request", {"phone": VALUE}, format="json")
    reset = {"token": outbox[-1].token, "new_password": "a-new-strong-one"}
    api.post("/password/reset-confirm", reset, format="json")
    api.post("/password/reset-confirm", reset, format="json")

    logged = [r for r in caplog.records if r.name.startswith("crudauth_django")]
    said = " ".join(f"{r.getMessage()} {r.args} {r.exc_info}" for r in logged)
    assert user_model().objects.get().is_recovery_verified
    assert len(logged) > 10
    assert VALUE[1:] not in said
    for intent in outbox:
        assert not intent.token or intent.token not in said
    for password in ("a-strong-one", "a-new-strong-one"):
        assert password not in said


def test_the_console_shows_what_a_developer_needs(ada, capsys):
    intent = DeliveryIntent(
        id="1", kind="k", token="t", recipient="+1", account="ada", link="https://x"
    )

    ConsoleChannel().deliver(intent)

    shown = capsys.readouterr().out
    assert shown == "k to +1 (account ada)\n  token: t\n  link: https://x\n"
