"""Verification and password reset, over the API of a provider."""

import re
from http import HTTPStatus

import pytest

from crudauth_django.delivery import PendingMessage, deliver_message
from crudauth_django.signals import delivery_failed
from tests.support.providers import ACCOUNT_SID, AUTH_TOKEN

pytestmark = pytest.mark.django_db


@pytest.fixture
def sms(settings, gateway):
    """The provider's requests, as forms."""
    settings.CRUDAUTH_CHANNELS = [
        {
            "BACKEND": "crudauth_django.channels.twilio.TwilioChannel",
            "OPTIONS": {
                "account_sid": ACCOUNT_SID,
                "auth_token": AUTH_TOKEN,
                "sender": "+15005550006",
                "api_url": gateway.url,
            },
        }
    ]
    return gateway.received


def token_in(request) -> str:
    return re.search(r"token=([\w-]+)", request.form["Body"])[1]


def register(api, phone):
    account = {"username": "neo", "phone": phone, "password": "a-strong-one"}
    return api.post("/register", account)


def test_links_in_messages_verify_and_reset(api, sms):
    register(api, "+15551234567")
    verified = api.verify(token_in(sms[0]))
    api.post("/password/reset-request", {"phone": "+15551234567"})
    reset = api.reset_password(token_in(sms[1]), "a-new-strong-one")

    assert verified.status_code == HTTPStatus.OK
    assert reset.status_code == HTTPStatus.OK
    assert {request.form["To"] for request in sms} == {"+15551234567"}


def test_message_refused_for_own_credentials_is_kept(api, sms, settings):
    (channel,) = settings.CRUDAUTH_CHANNELS
    options = {**channel["OPTIONS"], "auth_token": "wrong"}
    settings.CRUDAUTH_CHANNELS = [{**channel, "OPTIONS": options}]
    register(api, "+15551234567")

    message = PendingMessage(kind="verify_recovery", value="+15551234567")

    assert deliver_message(message) is not None


def test_number_rejected_by_provider_gets_same_response(api, sms, everything_logged):
    failures = []

    def record(**failure):
        failures.append(failure)

    delivery_failed.connect(record)
    registered = register(api, "+15005550004")
    delivery_failed.disconnect(record)

    assert registered.status_code == HTTPStatus.ACCEPTED
    assert [failure["code"] for failure in failures] == ["21610"]
    assert "5005550004" not in everything_logged.text + str(failures)
