"""One channel after the other."""

import pytest

from crudauth_django.channels.attempts import try_channel
from crudauth_django.channels.base import DeliveryChannel
from crudauth_django.channels.fallback import FallbackChannel
from crudauth_django.channels.provider_ids import set_provider_id
from crudauth_django.checks.channels import check_channels
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected
from crudauth_django.testing import SAMPLE_TOKEN, ChannelContract
from tests.channels.conftest import RECIPIENT, make_intent

HERE = "tests.channels.test_fallback"


class Listed(DeliveryChannel):
    """Remembers who was tried, and does what its option says."""

    tried: list[str] = []

    def __init__(self, *, name="", refusal=None, **options):
        super().__init__(**options)
        self.name = name
        self.error = refusal

    def deliver(self, intent):
        Listed.tried.append(self.name)
        if self.error is not None:
            raise self.error
        set_provider_id(f"id-of-{self.name}")


class Later(Listed):
    async def deliver(self, intent):
        super().deliver(intent)


def row(*options, backend="Listed", **more) -> FallbackChannel:
    Listed.tried.clear()
    return FallbackChannel(
        channels=[{"BACKEND": f"{HERE}.{backend}", "OPTIONS": o} for o in options],
        **more,
    )


FAILED = DeliveryFailed("down", code="500", retry_after=7)
REJECTED = DeliveryRejected("no such number", code="21211")


class TestFallbackChannel(ChannelContract):
    @pytest.fixture
    def channel(self):
        return row({"refusal": FAILED}, {})

    @pytest.fixture
    def failing_channel(self):
        return row({"refusal": FAILED}, {"refusal": REJECTED})


def test_the_first_that_takes_it_is_the_last_that_is_tried():
    channel = row({"name": "sms"}, {"name": "whatsapp"})

    channel.deliver(make_intent())

    assert Listed.tried == ["sms"]


@pytest.mark.parametrize(
    "refusal", [FAILED, REJECTED, KeyError("a bug")], ids=["failed", "rejected", "bug"]
)
@pytest.mark.parametrize("backend", ["Listed", "Later"])
def test_the_next_is_tried_whatever_was_wrong_with_the_one_before(refusal, backend):
    channel = row(
        {"name": "sms", "refusal": refusal}, {"name": "whatsapp"}, backend=backend
    )

    outcome = try_channel(channel, make_intent())

    assert Listed.tried == ["sms", "whatsapp"]
    assert outcome.error is None
    assert outcome.provider_id == "id-of-whatsapp"


def test_what_all_reject_is_rejected():
    channel = row({"refusal": REJECTED}, {"refusal": DeliveryRejected("", code="2")})

    with pytest.raises(DeliveryRejected) as caught:
        channel.deliver(make_intent())

    assert caught.value.code == "2"


def test_what_one_may_still_take_is_tried_again_when_that_one_asks():
    channel = row({"refusal": FAILED}, {"refusal": REJECTED})

    with pytest.raises(DeliveryFailed) as caught:
        channel.deliver(make_intent())

    assert (caught.value.code, caught.value.retry_after) == ("500", 7)


def test_each_refusal_is_logged_without_its_secrets(everything_logged):
    telling = DeliveryFailed(f"{RECIPIENT} did not get {SAMPLE_TOKEN}", code="500")
    channel = row({"name": "sms", "refusal": telling}, {"name": "whatsapp"})

    channel.deliver(make_intent())

    assert "code 500" in everything_logged.text
    assert RECIPIENT[1:] not in everything_logged.text
    assert SAMPLE_TOKEN not in everything_logged.text


def test_it_serves_what_every_one_of_its_channels_serves():
    channel = row({"factors": ["phone", "email"]}, {"factors": ["phone"]})

    assert channel.serves("phone")
    assert not channel.serves("email")
    assert not row({}, factors=["email"]).serves("phone")


def test_a_channel_may_be_given_by_its_path_alone():
    Listed.tried.clear()

    FallbackChannel(channels=[f"{HERE}.Listed"]).deliver(make_intent())

    assert Listed.tried == [""]


@pytest.mark.parametrize(
    "channels",
    [
        [],
        "tests.channels.test_fallback.Listed",
        [3],
        ["tests.channels.test_fallback.Nothing"],
        ["datetime.datetime"],
        [{"BACKEND": "datetime.timedelta"}],
    ],
)
def test_a_row_that_cannot_work_fails_the_check(settings, channels):
    settings.CRUDAUTH_CHANNELS = [
        {
            "BACKEND": "crudauth_django.channels.fallback.FallbackChannel",
            "OPTIONS": {"channels": channels},
        }
    ]

    (problem,) = check_channels()

    assert problem.id == "crudauth.E012"
