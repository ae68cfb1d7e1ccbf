"""Twilio's SDK against a server that speaks Twilio's API."""

import json
from http import HTTPStatus

import pytest

from crudauth_django.channels.attempts import try_channel
from crudauth_django.channels.twilio import TwilioChannel
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected
from crudauth_django.testing import SAMPLE_TOKEN, ChannelContract
from tests.channels.conftest import RECIPIENT, make_intent
from tests.support.providers import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    CLOSE,
    HANG,
    RESET,
    Reply,
)


def twilio(gateway, **options) -> TwilioChannel:
    return TwilioChannel(
        **{
            "account_sid": ACCOUNT_SID,
            "auth_token": AUTH_TOKEN,
            "sender": "+15005550006",
            "api_url": gateway.url,
            "timeout": 0.3,
            **options,
        }
    )


class TestTwilioChannel(ChannelContract):
    @pytest.fixture
    def channel(self, gateway):
        return twilio(gateway, timeout=10)

    @pytest.fixture
    def failing_channel(self, gateway):
        gateway.will(Reply(status=HTTPStatus.INTERNAL_SERVER_ERROR))
        return twilio(gateway, timeout=10)


def test_an_sms_is_a_form_with_the_text_and_the_tokens_lifetime(gateway):
    twilio(gateway, timeout=10).deliver(make_intent())

    (request,) = gateway.received
    assert request.path == f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    assert request.form["To"] == RECIPIENT
    assert request.form["From"] == "+15005550006"
    assert SAMPLE_TOKEN in request.form["Body"]
    assert request.form["ValidityPeriod"] == "3600"


def test_a_messaging_service_sends_in_place_of_a_number(gateway):
    service = "MG" + "1" * 32

    twilio(gateway, sender=service, timeout=10).deliver(make_intent())

    (request,) = gateway.received
    assert request.form["MessagingServiceSid"] == service
    assert "From" not in request.form


def test_whatsapp_addresses_both_ends_and_uses_the_kinds_template(gateway):
    channel = twilio(
        gateway, medium="whatsapp", templates={"reset_password": "HX1"}, timeout=10
    )

    channel.deliver(make_intent())
    channel.deliver(make_intent(kind="password_changed", token=None, link=""))

    with_template, free_form = (request.form for request in gateway.received)
    assert with_template["To"] == f"whatsapp:{RECIPIENT}"
    assert with_template["From"] == "whatsapp:+15005550006"
    assert with_template["ContentSid"] == "HX1"
    assert json.loads(with_template["ContentVariables"]) == {
        "1": "neo",
        "2": make_intent().link,
    }
    assert "ContentSid" not in free_form
    assert "neo" in free_form["Body"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("+15005550001", "21211"),
        ("+15005550002", "21612"),
        ("+15005550003", "21408"),
        ("+15005550004", "21610"),
        ("+15005550009", "21614"),
    ],
)
def test_a_number_that_can_never_be_reached_is_rejected(gateway, number, code):
    with pytest.raises(DeliveryRejected) as caught:
        twilio(gateway, timeout=10).deliver(make_intent(recipient=number))

    assert caught.value.code == code


def test_somebody_without_whatsapp_is_rejected(gateway):
    channel = twilio(gateway, medium="whatsapp", timeout=10)

    with pytest.raises(DeliveryRejected) as caught:
        channel.deliver(make_intent(recipient="+15005550003"))

    assert caught.value.code == "63003"


def test_a_problem_of_our_own_account_is_tried_again(gateway):
    with pytest.raises(DeliveryFailed) as bad_sender:
        twilio(gateway, timeout=10).deliver(make_intent(recipient="+15005550007"))
    with pytest.raises(DeliveryFailed) as bad_token:
        twilio(gateway, auth_token="wrong", timeout=10).deliver(make_intent())

    assert bad_sender.value.code == "21606"
    assert bad_token.value.code == "20003"


def test_too_many_requests_pass_on_how_long_to_wait(gateway):
    gateway.will(
        Reply(
            status=HTTPStatus.TOO_MANY_REQUESTS,
            content={"code": 20429, "message": "Too Many Requests", "status": 429},
            headers={"Retry-After": "17"},
        )
    )

    with pytest.raises(DeliveryFailed) as caught:
        twilio(gateway, timeout=10).deliver(make_intent())

    assert (caught.value.code, caught.value.retry_after) == ("20429", 17)


def test_a_message_that_failed_at_once_says_so_by_its_code(gateway):
    sid = "SM" + "b" * 32
    gateway.will(
        Reply(status=201, content={"sid": sid, "status": "failed", "error_code": 30005})
    )

    with pytest.raises(DeliveryRejected) as caught:
        twilio(gateway, timeout=10).deliver(make_intent())

    assert caught.value.code == "30005"


@pytest.mark.parametrize(
    "reply",
    [
        HANG,
        RESET,
        CLOSE,
        Reply(status=500, content=b"<html>oops</html>"),
        Reply(status=503),
        Reply(status=201, content=b"<html>not JSON</html>"),
        Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    ],
    ids=["hang", "reset", "close", "500", "503", "no-json", "redirect"],
)
def test_a_provider_in_trouble_is_asked_once_and_then_later(gateway, reply):
    gateway.will(reply)

    with pytest.raises(DeliveryFailed):
        twilio(gateway, timeout=0.3 if reply is HANG else 10).deliver(make_intent())

    assert len(gateway.received) == 1


def test_the_providers_id_of_a_message_is_passed_on(gateway):
    outcome = try_channel(twilio(gateway, timeout=10), make_intent())

    assert outcome.error is None
    assert outcome.provider_id == "SM" + "a" * 32


@pytest.mark.parametrize("number", ["+15551234567", "+15005550001", "+15005550007"])
def test_nothing_said_anywhere_shows_the_number_the_token_or_the_credentials(
    gateway, everything_logged, number
):
    channel = twilio(gateway, timeout=10)

    outcome = try_channel(channel, make_intent(recipient=number))

    said = everything_logged.text + repr(channel) + repr(outcome)
    for secret in (number[1:], SAMPLE_TOKEN, AUTH_TOKEN):
        assert secret not in said
    if outcome.error is not None:
        assert outcome.error.__context__ is None


def test_what_the_project_itself_does_with_the_sdk_is_logged_as_before(
    gateway, everything_logged
):
    from twilio.http.http_client import TwilioHttpClient

    twilio(gateway, timeout=10).deliver(make_intent())
    silent = everything_logged.text
    TwilioHttpClient().request("POST", f"{gateway.url}/hook")

    assert "BEGIN Twilio API Request" not in silent
    assert "BEGIN Twilio API Request" in everything_logged.text


@pytest.mark.parametrize(
    "options",
    [
        {"account_sid": ""},
        {"sender": ""},
        {"medium": "fax"},
        {"api_url": "http://twilio.example.com"},
        {"api_url": "ftp://127.0.0.1"},
    ],
)
def test_options_that_cannot_work_are_refused_at_once(gateway, options):
    with pytest.raises(ValueError):  # noqa: PT011 (the check repeats its text)
        twilio(gateway, **options)


def test_it_serves_phones_unless_it_is_told_otherwise(gateway):
    assert twilio(gateway).serves("phone")
    assert not twilio(gateway).serves("email")
    assert twilio(gateway, factors=["mobile"]).serves("mobile")
