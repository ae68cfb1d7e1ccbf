"""From a pending message to its channels: tries, errors and the log."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
import time_machine

from crudauth_django.channels import locmem
from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.exceptions import (
    DeliveryFailed,
    DeliveryMisconfigured,
    DeliveryRejected,
)
from crudauth_django.flows import recovery
from crudauth_django.security.redemption import RESET
from crudauth_django.security.tokens import read_token
from crudauth_django.signals import delivery_failed
from crudauth_django.users import user_model

pytestmark = pytest.mark.django_db

VALUE = "+12125552368"
UNKNOWN = "+12125559999"
LOCMEM = "crudauth_django.channels.locmem.LocMemChannel"


class Failing(DeliveryChannel):
    """Raises ``error`` with every secret in its text, as a library may."""

    error: ClassVar[type[Exception]] = DeliveryFailed

    def deliver(self, intent: DeliveryIntent) -> None:
        raise self.error(f"no {intent.token} {intent.link} {intent.recipient[1:]}")


class Rejecting(Failing):
    error = DeliveryRejected


class Buggy(Failing):
    error = ZeroDivisionError


class TimingOut(Failing):
    error = TimeoutError


class Unreachable(Failing):
    error = ConnectionRefusedError


class Misconfigured(DeliveryChannel):
    def deliver(self, intent: DeliveryIntent) -> None:
        raise DeliveryMisconfigured(
            "wrong credentials", code="20003", setting="CRUDAUTH_CHANNELS auth_token"
        )


class Waiting(DeliveryChannel):
    def deliver(self, intent: DeliveryIntent) -> None:
        raise DeliveryFailed("busy", code="429", retry_after=3000)


class Asynchronous(DeliveryChannel):
    async def deliver(self, intent: DeliveryIntent) -> None:
        locmem.outbox.append(intent)


class Mail(DeliveryChannel):
    factors = ("email",)

    def deliver(self, intent: DeliveryIntent) -> None:
        raise AssertionError("does not serve the factor")


def path_of(channel: type[DeliveryChannel]) -> str:
    return f"{__name__}.{channel.__name__}"


def deliver_reset(value: str = VALUE, **values) -> PendingMessage | None:
    message = PendingMessage(kind="reset_password", value=value, **values)
    return deliver_message(message)


@pytest.fixture
def failures():
    received = []

    def listen(**values):
        received.append(values)

    delivery_failed.connect(listen)
    yield received
    delivery_failed.disconnect(listen)


def test_message_goes_to_every_channel(ada, settings, outbox):
    settings.CRUDAUTH_CHANNELS = [LOCMEM, LOCMEM, path_of(Asynchronous)]

    assert deliver_reset() is None

    assert len(outbox) == 3
    assert outbox[0] == outbox[1] == outbox[2]


def test_intent_has_every_field(ada, outbox):
    deliver_reset(id="the-id", language="pt-br")

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


def test_repr_of_message_hides_token_and_value(ada, outbox):
    deliver_reset()

    assert outbox[0].token not in repr(outbox[0])
    assert VALUE not in repr(outbox[0])
    assert VALUE not in repr(PendingMessage(kind="reset_password", value=VALUE))


def test_intent_without_frontend_has_no_link(ada, settings, outbox):
    settings.CRUDAUTH_FRONTEND_URL = ""

    deliver_reset()

    assert outbox[0].link == ""


@pytest.mark.parametrize("place", ["reset/{token}", "reset#{token}", "?t={token}&x=1"])
def test_link_has_token_in_place_of_placeholder(ada, settings, outbox, place):
    url = f"https://a.example/{place}"
    settings.CRUDAUTH_FRONTEND_URL = {"reset_password": url}

    deliver_reset()

    assert outbox[0].link == url.replace("{token}", outbox[0].token)


def test_link_extends_query_of_frontend(ada, settings, outbox):
    settings.CRUDAUTH_FRONTEND_URL = {"reset_password": "https://a.example/r?x=1"}

    deliver_reset()

    assert outbox[0].link == f"https://a.example/r?x=1&token={outbox[0].token}"


@pytest.mark.parametrize("kind", [Failing, Rejecting, Buggy], ids=lambda k: k.__name__)
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_channel_that_raises_stops_no_other(ada, settings, outbox, kind, first):
    channels = [path_of(kind), LOCMEM]
    settings.CRUDAUTH_CHANNELS = channels if first else channels[::-1]

    deliver_reset()

    assert [intent.recipient for intent in outbox] == [VALUE]


@pytest.mark.parametrize("kind", [Failing, Rejecting, Buggy], ids=lambda k: k.__name__)
def test_channel_that_raises_is_reported_without_secrets(
    ada, settings, outbox, caplog, failures, kind
):
    caplog.set_level(logging.DEBUG)
    settings.CRUDAUTH_CHANNELS = [LOCMEM, path_of(kind)]

    deliver_reset(id="the-id")

    (values,) = failures
    assert values["sender"] is kind
    assert values["intent_id"] == "the-id"
    assert values["kind"] == "reset_password"
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "the-id" in record.getMessage()
    texts = caplog.text + repr(values)
    assert "+1********68" in texts
    assert outbox[0].token not in texts
    assert VALUE[1:] not in texts


def test_retry_goes_to_failed_channels_only(ada, settings, outbox):
    settings.CRUDAUTH_CHANNELS = [
        LOCMEM,
        path_of(Failing),
        path_of(Rejecting),
        path_of(Buggy),
    ]

    following = deliver_reset(id="the-id")

    assert following.id == "the-id"
    assert following.attempt == 2
    assert set(following.channels) == {path_of(Failing), path_of(Buggy)}
    assert deliver_message(following).attempt == 3
    assert len(outbox) == 1


def test_rejected_message_is_not_retried(ada, settings):
    settings.CRUDAUTH_CHANNELS = [path_of(Rejecting)]

    assert deliver_reset() is None


def test_retry_waits_for_retry_after_of_provider(ada, settings, failures):
    settings.CRUDAUTH_CHANNELS = [path_of(Waiting)]

    following = deliver_reset(requested_at=1e12)

    assert following.due_at - time.time() > 2900
    assert failures[0]["code"] == "429"


def tries_of(message: PendingMessage | None) -> int:
    """Try a message at its due times until it is done; return the number of tries."""
    tries = 0
    while message is not None:
        tries += 1
        with time_machine.travel(max(message.due_at, time.time())):
            message = deliver_message(message)
    return tries


@pytest.mark.parametrize(
    ("channel", "tries"),
    [(TimingOut, 2), (Buggy, 5), (Unreachable, 10), (Failing, 10)],
    ids=["perhaps taken", "unexpected", "unreachable", "failed"],
)
def test_failing_message_has_few_tries(ada, settings, caplog, channel, tries):
    settings.CRUDAUTH_TARGET_BUDGET = None
    settings.CRUDAUTH_CHANNELS = [path_of(channel)]
    message = PendingMessage(kind="verify_recovery", value=VALUE)

    assert tries_of(message) == tries

    assert f"Gave up on {message.id} (verify_recovery)" in caplog.text
    assert VALUE not in caplog.text


def test_time_out_of_one_channel_leaves_others_their_tries(ada, settings):
    settings.CRUDAUTH_CHANNELS = [path_of(TimingOut), path_of(Failing)]

    second = deliver_message(deliver_reset())

    assert second.channels == [path_of(Failing)]


def test_error_before_channels_that_repeats_is_given_up(ada, caplog):
    broken = PendingMessage(kind="unknown", value=VALUE)

    assert tries_of(broken) == 5
    assert "at attempt 5" in caplog.text


def test_number_of_tries_is_a_setting(ada, settings):
    settings.CRUDAUTH_CHANNELS = [path_of(Failing)]
    settings.CRUDAUTH_RETRY = {"TRIES": 3}

    assert tries_of(PendingMessage(kind="verify_recovery", value=VALUE)) == 3


def test_misconfigured_channel_is_tried_slowly_and_named(
    ada, settings, caplog, failures
):
    settings.CRUDAUTH_CHANNELS = [path_of(Misconfigured)]

    following = deliver_reset()

    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "Check the setting CRUDAUTH_CHANNELS auth_token." in record.getMessage()
    assert failures[0]["code"] == "20003"
    assert following.due_at - time.time() > 14 * 60


def test_code_of_provider_reaches_the_log(ada, settings, caplog):
    settings.CRUDAUTH_CHANNELS = [path_of(Waiting)]

    deliver_reset()

    assert "to +1********68, code 429: DeliveryFailed: busy" in caplog.text


def test_retry_after_token_expiry_is_given_up(ada, settings, caplog):
    settings.CRUDAUTH_CHANNELS = [path_of(Waiting)]
    settings.CRUDAUTH_RESET_MAX_AGE = timedelta(minutes=5)

    assert deliver_reset() is None

    assert "Gave up" in caplog.text
    assert VALUE not in caplog.text


def test_each_try_has_another_valid_token(ada, settings, outbox):
    settings.CRUDAUTH_CHANNELS = [LOCMEM, path_of(Failing)]
    following = deliver_reset()
    settings.CRUDAUTH_CHANNELS = [LOCMEM, LOCMEM]

    deliver_message(replace(following, channels=[LOCMEM]))

    assert len(outbox) == 2
    for intent in outbox:
        assert read_token(RESET.purpose, intent.token) == ada


def test_channel_gets_only_factors_that_it_serves(ada, settings, outbox, failures):
    factors = {"BACKEND": LOCMEM, "OPTIONS": {"factors": ["phone"]}}
    settings.CRUDAUTH_CHANNELS = [path_of(Mail), factors]

    deliver_reset()

    assert len(outbox) == 1
    assert failures == []


def test_factor_without_a_channel_is_logged_as_error(ada, settings, caplog):
    settings.CRUDAUTH_CHANNELS = [path_of(Mail)]

    assert deliver_reset() is None

    assert "No channel serves 'phone'" in caplog.text
    assert VALUE not in caplog.text


def test_retry_skips_channel_that_was_removed(ada, outbox):
    assert deliver_reset(channels=["a.channel.that.Is", LOCMEM], attempt=2) is None

    assert len(outbox) == 1


def test_unknown_value_gets_no_message(db, outbox, caplog):
    caplog.set_level(logging.DEBUG, "crudauth_django")

    assert deliver_reset(UNKNOWN) is None

    assert outbox == []
    assert UNKNOWN not in caplog.text


@pytest.mark.parametrize("key", ["999", "what"])
def test_notice_to_deleted_account_is_dropped(ada, outbox, key):
    message = PendingMessage(kind="password_changed", value=VALUE, user_pk=key)

    assert deliver_message(message) is None
    assert outbox == []


def test_notice_has_no_token_and_no_link(ada, outbox):
    message = PendingMessage(kind="password_changed", value=VALUE, user_pk=str(ada.pk))

    deliver_message(message)

    (intent,) = outbox
    assert (intent.token, intent.expires_in, intent.link) == (None, None, "")


def test_request_without_channels_sends_nothing(ada, settings, outbox):
    settings.CRUDAUTH_CHANNELS = []

    recovery.request_reset(value=VALUE)

    assert outbox == []


def test_whole_run_logs_no_secret(
    api, settings, outbox, caplog, django_capture_on_commit_callbacks
):
    caplog.set_level(1)
    settings.CRUDAUTH_CHANNELS = [LOCMEM, path_of(Failing), path_of(Buggy)]
    body = {"username": "neo", "phone": VALUE, "password": "a-strong-one"}

    api.post("/register", body)
    api.log_in("neo", "wrong")
    api.post("/email/verify-request", {"phone": VALUE})
    api.verify(outbox[0].token[:-2])
    api.verify(outbox[0].token)
    for _ in range(9):
        api.post("/password/reset-request", {"phone": VALUE})
    token = outbox[-1].token
    for _ in range(2):
        api.reset_password(token, "a-new-strong-one")

    logged = [r for r in caplog.records if r.name.startswith("crudauth_django")]
    written = " ".join(f"{r.getMessage()} {r.args} {r.exc_info}" for r in logged)
    assert user_model().objects.get().is_recovery_verified
    assert len(logged) > 10
    assert VALUE[1:] not in written
    for intent in outbox:
        assert not intent.token or intent.token not in written
    for password in ("a-strong-one", "a-new-strong-one"):
        assert password not in written


@pytest.mark.parametrize(("hours", "sent"), [(0.9, 1), (1.1, 0), (20, 0)])
def test_reset_delivered_after_token_expiry_is_given_up(
    ada, outbox, caplog, hours, sent
):
    caplog.set_level(logging.ERROR)
    requested_at = time.time() - hours * 3600
    message = PendingMessage(
        kind="reset_password", value=str(ada.phone), requested_at=requested_at
    )

    deliver_message(message)

    assert len(outbox) == sent
    assert ("Gave up" in caplog.text) == (not sent)
