"""One message over one channel, whatever the channel does."""

import pytest

from crudauth_django.channels.attempts import try_channel
from crudauth_django.channels.base import DeliveryChannel
from crudauth_django.channels.provider_ids import set_provider_id
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected
from crudauth_django.testing import SAMPLE_TOKEN
from tests.channels.conftest import RECIPIENT, make_intent

TELLING = f"{make_intent().link} for {RECIPIENT}, that is {SAMPLE_TOKEN}"


class Careless(DeliveryChannel):
    """Says everything it knows, everywhere it can."""

    def __init__(self, error=None, **options):
        super().__init__(**options)
        self.error = error

    def deliver(self, intent):
        if self.error is not None:
            raise self.error
        set_provider_id(f"{RECIPIENT}/{SAMPLE_TOKEN}")


class CarelessLater(Careless):
    async def deliver(self, intent):
        super().deliver(intent)


@pytest.mark.parametrize("kind", [Careless, CarelessLater])
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (DeliveryFailed(TELLING, code=RECIPIENT, retry_after=3), DeliveryFailed),
        (DeliveryRejected(TELLING, code=RECIPIENT), DeliveryRejected),
        (KeyError(TELLING), DeliveryFailed),
        (OSError(5, TELLING), DeliveryFailed),
    ],
    ids=["failed", "rejected", "bug", "system"],
)
def test_what_a_careless_channel_raises_comes_out_free_of_secrets(
    kind, error, expected
):
    outcome = try_channel(kind(error), make_intent())

    said = f"{outcome!r} {outcome.error} {outcome.error.code}"
    assert type(outcome.error) is expected
    assert outcome.error.__context__ is None
    for secret in (RECIPIENT[1:], SAMPLE_TOKEN):
        assert secret not in said


@pytest.mark.parametrize("kind", [Careless, CarelessLater])
def test_an_id_that_gives_the_recipient_away_is_masked(kind):
    outcome = try_channel(kind(), make_intent())

    assert outcome.error is None
    assert outcome.provider_id
    for secret in (RECIPIENT[1:], SAMPLE_TOKEN):
        assert secret not in outcome.provider_id


def test_a_wish_to_wait_is_kept():
    outcome = try_channel(Careless(DeliveryFailed(retry_after=3)), make_intent())

    assert outcome.error.retry_after == 3


def test_an_id_that_nobody_asks_for_is_forgotten():
    set_provider_id("SM1")

    assert try_channel(Careless(KeyError()), make_intent()).provider_id == ""
