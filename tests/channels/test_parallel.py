"""One channel, used by several workers of a dispatcher at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from crudauth_django.channels.apprise import AppriseChannel
from crudauth_django.channels.attempts import try_channel
from crudauth_django.channels.twilio import TwilioChannel
from crudauth_django.channels.vonage import VonageChannel
from crudauth_django.channels.webhook import WebhookChannel
from tests.support.messages import make_intent
from tests.support.providers import ACCOUNT_SID, AUTH_TOKEN, VONAGE_KEY, VONAGE_SECRET

# On Python 3.11 and 3.12, a dependency of Apprise's mail plugin warns once.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")

MESSAGES = 24


def channels(gateway, tls_gateway):
    sender = "+15005550006"
    return {
        "twilio": TwilioChannel(
            account_sid=ACCOUNT_SID,
            auth_token=AUTH_TOKEN,
            sender=sender,
            api_url=gateway.url,
        ),
        "vonage": VonageChannel(
            credentials={"api_key": VONAGE_KEY, "api_secret": VONAGE_SECRET},
            sender=sender,
            api_host=tls_gateway.host,
        ),
        "webhook": WebhookChannel(url=gateway.url, secret="0123456789" * 3),
        "apprise": AppriseChannel(urls=f"json://{gateway.host}/{{recipient}}"),
    }


@pytest.mark.parametrize("name", ["twilio", "vonage", "webhook", "apprise"])
def test_parallel_messages_arrive_once_each_without_log(
    gateway, tls_gateway, everything_logged, name
):
    channel = channels(gateway, tls_gateway)[name]
    intents = [
        make_intent(id=f"{n:032x}", recipient=f"+1555123{n:04}")
        for n in range(MESSAGES)
    ]

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda intent: try_channel(channel, intent), intents))

    bodies = [
        request.path.encode() + request.body
        for request in gateway.received + tls_gateway.received
    ]
    assert [outcome.error for outcome in outcomes] == [None] * MESSAGES
    for intent in intents:
        digits = intent.recipient[1:].encode()
        assert sum(digits in body for body in bodies) == 1
    assert everything_logged.text == ""
