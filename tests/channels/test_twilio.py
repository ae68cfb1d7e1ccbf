"""The Twilio channel, against a server with Twilio's API."""

import json
import re
from http import HTTPStatus

import pytest

from crudauth_django.channels.attempts import try_channel
from crudauth_django.channels.twilio import MISCONFIGURED, REJECTED, TwilioChannel
from crudauth_django.exceptions import (
    DeliveryFailed,
    DeliveryMisconfigured,
    DeliveryRejected,
)
from crudauth_django.testing import SAMPLE_TOKEN, ChannelContract
from tests.support.messages import RECIPIENT, make_intent
from tests.support.parts import ROOT, free_port
from tests.support.providers import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    CLOSE,
    HANG,
    RESET,
    Reply,
)

UNREADABLE = Reply(status=201, content=b"<html>not JSON</html>")
#: Twilio may have accepted the message.
TAKEN = (HANG, RESET, CLOSE, UNREADABLE)


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


def test_sms_request_has_text_and_token_lifetime(gateway):
    twilio(gateway, timeout=10).deliver(make_intent())

    (request,) = gateway.received
    assert request.path == f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    assert request.form["To"] == RECIPIENT
    assert request.form["From"] == "+15005550006"
    assert SAMPLE_TOKEN in request.form["Body"]
    assert request.form["ValidityPeriod"] == "3600"


def test_messaging_service_replaces_sender_number(gateway):
    service = "MG" + "1" * 32

    twilio(gateway, sender=service, timeout=10).deliver(make_intent())

    (request,) = gateway.received
    assert request.form["MessagingServiceSid"] == service
    assert "From" not in request.form


def test_whatsapp_request_has_prefixes_and_template(gateway):
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
def test_unreachable_number_is_rejected(gateway, number, code):
    with pytest.raises(DeliveryRejected) as caught:
        twilio(gateway, timeout=10).deliver(make_intent(recipient=number))

    assert caught.value.code == code


def test_number_without_whatsapp_is_rejected(gateway):
    channel = twilio(gateway, medium="whatsapp", timeout=10)

    with pytest.raises(DeliveryRejected) as caught:
        channel.deliver(make_intent(recipient="+15005550003"))

    assert caught.value.code == "63003"


def test_error_of_own_account_names_setting(gateway):
    with pytest.raises(DeliveryMisconfigured) as bad_sender:
        twilio(gateway, timeout=10).deliver(make_intent(recipient="+15005550007"))
    with pytest.raises(DeliveryMisconfigured) as bad_token:
        twilio(gateway, auth_token="wrong", timeout=10).deliver(make_intent())

    assert bad_sender.value.code == "21606"
    assert bad_sender.value.setting == "CRUDAUTH_CHANNELS (sender)"
    assert bad_token.value.code == "20003"
    assert bad_token.value.setting == "CRUDAUTH_CHANNELS (account_sid, auth_token)"


@pytest.mark.parametrize(
    ("reply", "options"),
    [
        (Reply(status=404, content={"code": 20404}), "account_sid, api_url"),
        (Reply(status=404, content=b"<html>"), "account_sid, api_url"),
        (Reply(status=403, content=b"<html>"), "account_sid, auth_token"),
        (Reply(status=403, content={"code": 20403}), "account_sid"),
        (Reply(status=404, content={"code": 21701}), "sender"),
        (Reply(status=400, content={"code": 21655}), "templates"),
        (Reply(status=201, content={"sid": "SM1", "error_code": 63007}), "sender"),
    ],
)
def test_refused_setup_names_options(gateway, reply, options):
    gateway.will(reply)

    with pytest.raises(DeliveryMisconfigured) as caught:
        twilio(gateway, timeout=10).deliver(make_intent())

    assert caught.value.setting == f"CRUDAUTH_CHANNELS ({options})"


def test_every_code_has_one_result_and_is_documented():
    page = (ROOT / "docs" / "channels" / "twilio.md").read_text()

    assert not REJECTED & set(MISCONFIGURED)
    for code in REJECTED | set(MISCONFIGURED):
        assert re.search(rf"\b{code}\b", page), code


def test_too_many_requests_passes_on_retry_after(gateway):
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


def test_message_failed_in_response_is_rejected_with_code(gateway):
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
        UNREADABLE,
        Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    ],
    ids=["hang", "reset", "close", "500", "503", "no-json", "redirect"],
)
def test_provider_failure_is_temporary_after_one_request(gateway, reply):
    gateway.will(reply)

    with pytest.raises(DeliveryFailed) as caught:
        twilio(gateway, timeout=0.3 if reply is HANG else 10).deliver(make_intent())

    assert caught.value.maybe_taken == (reply in TAKEN)
    assert len(gateway.received) == 1


def test_refused_connection_was_not_taken(gateway):
    url = f"http://127.0.0.1:{free_port()}"

    with pytest.raises(DeliveryFailed, match="not reached") as caught:
        twilio(gateway, api_url=url).deliver(make_intent())

    assert not caught.value.maybe_taken


def test_message_sid_becomes_provider_id(gateway):
    outcome = try_channel(twilio(gateway, timeout=10), make_intent())

    assert outcome.error is None
    assert outcome.provider_id == "SM" + "a" * 32


@pytest.mark.parametrize("number", ["+15551234567", "+15005550001", "+15005550007"])
def test_logs_and_reprs_show_no_secret(gateway, everything_logged, number):
    channel = twilio(gateway, timeout=10)

    outcome = try_channel(channel, make_intent(recipient=number))

    output = everything_logged.text + repr(channel) + repr(outcome)
    for secret in (number[1:], SAMPLE_TOKEN, AUTH_TOKEN):
        assert secret not in output
    if outcome.error is not None:
        assert outcome.error.__context__ is None


def test_other_requests_of_sdk_are_still_logged(gateway, everything_logged):
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
def test_invalid_options_raise_value_error(gateway, options):
    with pytest.raises(ValueError):  # noqa: PT011 (the check repeats its text)
        twilio(gateway, **options)


def test_channel_serves_phone_unless_factors_are_given(gateway):
    assert twilio(gateway).serves("phone")
    assert not twilio(gateway).serves("email")
    assert twilio(gateway, factors=["mobile"]).serves("mobile")
