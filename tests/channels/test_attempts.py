"""One message over one channel, and every way in which the channel may behave."""

import pytest

from crudauth_django.channels.attempts import UnexpectedFailure, try_channel
from crudauth_django.channels.base import DeliveryChannel, set_provider_id
from crudauth_django.exceptions import (
    DeliveryFailed,
    DeliveryMisconfigured,
    DeliveryRejected,
)
from crudauth_django.testing import SAMPLE_TOKEN
from tests.support.messages import RECIPIENT, make_intent

SECRETS = f"{make_intent().link} for {RECIPIENT}: {SAMPLE_TOKEN}"


class LeakyChannel(DeliveryChannel):
    """Repeats the recipient and the token in its errors and in its id."""

    def __init__(self, error=None, **options):
        super().__init__(**options)
        self.error = error

    def deliver(self, intent):
        if self.error is not None:
            raise self.error
        set_provider_id(f"{RECIPIENT}/{SAMPLE_TOKEN}")


class AsyncLeakyChannel(LeakyChannel):
    async def deliver(self, intent):
        super().deliver(intent)


@pytest.mark.parametrize("kind", [LeakyChannel, AsyncLeakyChannel])
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (DeliveryFailed(SECRETS, code=RECIPIENT, retry_after=3), DeliveryFailed),
        (DeliveryRejected(SECRETS, code=RECIPIENT), DeliveryRejected),
        (
            DeliveryMisconfigured(SECRETS, setting="X", code=RECIPIENT),
            DeliveryMisconfigured,
        ),
        (KeyError(SECRETS), UnexpectedFailure),
        (OSError(5, SECRETS), DeliveryFailed),
    ],
    ids=["failed", "rejected", "misconfigured", "bug", "system"],
)
def test_secrets_in_channel_error_are_removed(kind, error, expected):
    outcome = try_channel(kind(error), make_intent())

    output = f"{outcome!r} {outcome.error} {outcome.error.code}"
    assert type(outcome.error) is expected
    assert outcome.error.__context__ is None
    for secret in (RECIPIENT[1:], SAMPLE_TOKEN):
        assert secret not in output


def test_attempt_keeps_setting_and_possible_acceptance():
    broken = DeliveryMisconfigured("no", setting="EMAIL_HOST_USER", retry_after=9)
    unknown = DeliveryFailed("no response", maybe_taken=True)

    misconfigured = try_channel(LeakyChannel(broken), make_intent()).error
    failed = try_channel(LeakyChannel(unknown), make_intent()).error

    assert (misconfigured.setting, misconfigured.retry_after) == ("EMAIL_HOST_USER", 9)
    assert failed.maybe_taken


@pytest.mark.parametrize("kind", [LeakyChannel, AsyncLeakyChannel])
def test_recipient_in_provider_id_is_masked(kind):
    outcome = try_channel(kind(), make_intent())

    assert outcome.error is None
    assert outcome.provider_id
    for secret in (RECIPIENT[1:], SAMPLE_TOKEN):
        assert secret not in outcome.provider_id


def test_retry_after_of_channel_error_is_preserved():
    outcome = try_channel(LeakyChannel(DeliveryFailed(retry_after=3)), make_intent())

    assert outcome.error.retry_after == 3


def test_provider_id_set_outside_attempt_is_ignored():
    set_provider_id("SM1")

    assert try_channel(LeakyChannel(KeyError()), make_intent()).provider_id == ""


@pytest.mark.parametrize(
    ("error", "maybe_taken"),
    [
        (DeliveryFailed(), False),
        (DeliveryFailed(maybe_taken=True), True),
        (TimeoutError(), True),
        (ConnectionRefusedError(), False),
    ],
    ids=["failed", "said", "time-out", "refused"],
)
def test_attempt_says_whether_message_may_be_taken(error, maybe_taken):
    attempt = try_channel(LeakyChannel(error), make_intent())

    assert attempt.error.maybe_taken is maybe_taken
