"""The fallback channel: it tries one channel after the other."""

import pytest

from crudauth_django.channels.attempts import UnexpectedFailure, try_channel
from crudauth_django.channels.base import DeliveryChannel, set_provider_id
from crudauth_django.channels.fallback import FallbackChannel
from crudauth_django.checks.channels import check_channels
from crudauth_django.exceptions import (
    DeliveryFailed,
    DeliveryMisconfigured,
    DeliveryRejected,
)
from crudauth_django.testing import SAMPLE_TOKEN, ChannelContract
from tests.support.messages import RECIPIENT, make_intent

HERE = "tests.channels.test_fallback"


class RecordingChannel(DeliveryChannel):
    """Records its name in ``tried``, then raises its ``error`` if it has one."""

    tried: list[str] = []

    def __init__(self, *, name="", error=None, **options):
        super().__init__(**options)
        self.name = name
        self.error = error

    def deliver(self, intent):
        RecordingChannel.tried.append(self.name)
        if self.error is not None:
            raise self.error
        set_provider_id(f"id-of-{self.name}")


class AsyncRecordingChannel(RecordingChannel):
    async def deliver(self, intent):
        super().deliver(intent)


def fallback(*options, backend="RecordingChannel", **more) -> FallbackChannel:
    RecordingChannel.tried.clear()
    return FallbackChannel(
        channels=[{"BACKEND": f"{HERE}.{backend}", "OPTIONS": o} for o in options],
        **more,
    )


FAILED = DeliveryFailed("down", code="500", retry_after=7)
MISCONFIGURED = DeliveryMisconfigured("who?", setting="THE_SETTING", code="20003")
REJECTED = DeliveryRejected("no such number", code="21211")


class TestFallbackChannel(ChannelContract):
    @pytest.fixture
    def channel(self):
        return fallback({"error": FAILED}, {})

    @pytest.fixture
    def failing_channel(self):
        return fallback({"error": FAILED}, {"error": REJECTED})


def test_no_channel_is_tried_after_accepting_channel():
    channel = fallback({"name": "sms"}, {"name": "whatsapp"})

    channel.deliver(make_intent())

    assert RecordingChannel.tried == ["sms"]


@pytest.mark.parametrize(
    "error", [FAILED, REJECTED, KeyError("a bug")], ids=["failed", "rejected", "bug"]
)
@pytest.mark.parametrize("backend", ["RecordingChannel", "AsyncRecordingChannel"])
def test_next_channel_is_tried_after_any_error(error, backend):
    channel = fallback(
        {"name": "sms", "error": error}, {"name": "whatsapp"}, backend=backend
    )

    outcome = try_channel(channel, make_intent())

    assert RecordingChannel.tried == ["sms", "whatsapp"]
    assert outcome.error is None
    assert outcome.provider_id == "id-of-whatsapp"


def test_message_rejected_by_every_channel_is_rejected():
    channel = fallback({"error": REJECTED}, {"error": DeliveryRejected("", code="2")})

    with pytest.raises(DeliveryRejected) as caught:
        channel.deliver(make_intent())

    assert caught.value.code == "2"


def test_temporary_failure_outweighs_rejection():
    channel = fallback({"error": FAILED}, {"error": REJECTED})

    with pytest.raises(DeliveryFailed) as caught:
        channel.deliver(make_intent())

    assert (caught.value.code, caught.value.retry_after) == ("500", 7)


def test_misconfiguration_outweighs_rejection_but_not_failure():
    rejected = fallback({"error": MISCONFIGURED}, {"error": REJECTED})
    failed = fallback({"error": MISCONFIGURED}, {"error": FAILED})

    with pytest.raises(DeliveryMisconfigured) as lasting:
        rejected.deliver(make_intent())
    with pytest.raises(DeliveryFailed):
        failed.deliver(make_intent())

    assert (lasting.value.code, lasting.value.setting) == ("20003", "THE_SETTING")


def test_failure_after_possible_acceptance_may_have_been_taken():
    unknown = DeliveryFailed("no response", maybe_taken=True)

    with pytest.raises(DeliveryFailed) as caught:
        fallback({"error": unknown}, {"error": FAILED}).deliver(make_intent())

    assert caught.value.maybe_taken


@pytest.mark.parametrize(
    ("other", "expected"), [(KeyError(), UnexpectedFailure), (FAILED, DeliveryFailed)]
)
def test_only_unexpected_errors_are_unexpected_together(other, expected):
    channel = fallback({"error": KeyError()}, {"error": other})

    assert type(try_channel(channel, make_intent()).error) is expected


def test_misconfigured_channel_is_error_in_log_despite_success(caplog):
    fallback({"error": MISCONFIGURED}, {}).deliver(make_intent())

    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "Check the setting THE_SETTING." in record.getMessage()


def test_channel_error_is_logged_without_secrets(everything_logged):
    leaky = DeliveryFailed(f"{RECIPIENT} did not get {SAMPLE_TOKEN}", code="500")
    channel = fallback({"name": "sms", "error": leaky}, {"name": "whatsapp"})

    channel.deliver(make_intent())

    assert "code 500" in everything_logged.text
    assert RECIPIENT[1:] not in everything_logged.text
    assert SAMPLE_TOKEN not in everything_logged.text


def test_fallback_serves_factor_if_every_channel_does():
    channel = fallback({"factors": ["phone", "email"]}, {"factors": ["phone"]})

    assert channel.serves("phone")
    assert not channel.serves("email")
    assert not fallback({}, factors=["email"]).serves("phone")


def test_channel_can_be_given_as_path():
    RecordingChannel.tried.clear()

    FallbackChannel(channels=[f"{HERE}.RecordingChannel"]).deliver(make_intent())

    assert RecordingChannel.tried == [""]


@pytest.mark.parametrize(
    "channels",
    [
        [],
        "tests.channels.test_fallback.RecordingChannel",
        [3],
        ["tests.channels.test_fallback.Nothing"],
        ["datetime.datetime"],
        [{"BACKEND": "datetime.timedelta"}],
    ],
)
def test_check_reports_invalid_fallback_channels(settings, channels):
    settings.CRUDAUTH_CHANNELS = [
        {
            "BACKEND": "crudauth_django.channels.fallback.FallbackChannel",
            "OPTIONS": {"channels": channels},
        }
    ]

    (problem,) = check_channels()

    assert problem.id == "crudauth.E012"
