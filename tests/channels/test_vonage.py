"""The Vonage channel, against a server with Vonage's Messages API over TLS."""

import re
from http import HTTPStatus

import pytest
from django.core.exceptions import ImproperlyConfigured

from crudauth_django.channels.attempts import try_channel
from crudauth_django.channels.vonage import MISCONFIGURED, REJECTED, VonageChannel
from crudauth_django.exceptions import (
    DeliveryFailed,
    DeliveryMisconfigured,
    DeliveryRejected,
)
from crudauth_django.testing import SAMPLE_TOKEN, ChannelContract
from tests.support.messages import make_intent
from tests.support.parts import ROOT, free_port
from tests.support.providers import (
    APPLICATION_ID,
    CLOSE,
    HANG,
    RESET,
    VONAGE_KEY,
    VONAGE_SECRET,
    Reply,
)

UNREADABLE = Reply(status=202, content=b"<html>not JSON</html>")
WITHOUT_ID = Reply(status=202, content={"no": "id"})
#: Vonage may have accepted the message.
TAKEN = (HANG, RESET, CLOSE, UNREADABLE, WITHOUT_ID)
KEY_AND_SECRET = {"api_key": VONAGE_KEY, "api_secret": VONAGE_SECRET}


def vonage(gateway, **options) -> VonageChannel:
    return VonageChannel(
        **{
            "credentials": KEY_AND_SECRET,
            "sender": "+15005550006",
            "api_host": gateway.host,
            **options,
        }
    )


class TestVonageChannel(ChannelContract):
    @pytest.fixture
    def channel(self, tls_gateway):
        return vonage(tls_gateway)

    @pytest.fixture
    def failing_channel(self, tls_gateway):
        tls_gateway.will(Reply(status=HTTPStatus.INTERNAL_SERVER_ERROR))
        return vonage(tls_gateway)


def test_sms_request_has_text_and_token_lifetime(tls_gateway):
    vonage(tls_gateway).deliver(make_intent())

    (request,) = tls_gateway.received
    assert request.path == "/v1/messages"
    assert request.json["to"] == "15551234567"
    assert request.json["from"] == "15005550006"
    assert request.json["channel"] == "sms"
    assert request.json["ttl"] == 3600
    assert request.json["client_ref"] == make_intent().id
    assert SAMPLE_TOKEN in request.json["text"]


@pytest.mark.parametrize("form", ["pem", "path", "path without extension"])
def test_application_key_signs_jwt(tls_gateway, keys, tmp_path, form):
    file = tmp_path / "vonage-key"
    file.write_text(keys.private_pem)
    key = {"pem": keys.private_pem, "path": str(keys.key_file)}.get(form, str(file))
    credentials = {"application_id": APPLICATION_ID, "private_key": key}

    vonage(tls_gateway, credentials=credentials).deliver(make_intent())

    (request,) = tls_gateway.received
    assert request.headers["authorization"].startswith("Bearer ey")


def test_missing_key_file_is_named_as_cause(tls_gateway, tmp_path):
    key = str(tmp_path / "absent.key")

    with pytest.raises(ImproperlyConfigured, match="FileNotFoundError") as caught:
        vonage(
            tls_gateway,
            credentials={"application_id": APPLICATION_ID, "private_key": key},
        )

    assert "path of its file" in str(caught.value)
    assert key not in str(caught.value)


def test_whatsapp_request_has_template_and_locale(tls_gateway):
    channel = vonage(
        tls_gateway, medium="whatsapp", templates={"reset_password": "space:reset"}
    )

    channel.deliver(make_intent(language="pt-br"))
    channel.deliver(make_intent(kind="password_changed", token=None, link=""))

    with_template, free_form = (request.json for request in tls_gateway.received)
    assert with_template["channel"] == "whatsapp"
    assert with_template["template"] == {
        "name": "space:reset",
        "parameters": ["neo", make_intent().link],
    }
    assert with_template["whatsapp"]["locale"] == "pt_BR"
    assert free_form["message_type"] == "text"


@pytest.mark.parametrize(
    ("number", "code"), [("+15005550001", "1170"), ("+15005550004", "1240")]
)
def test_unreachable_number_is_rejected(tls_gateway, number, code):
    with pytest.raises(DeliveryRejected) as caught:
        vonage(tls_gateway).deliver(make_intent(recipient=number))

    assert caught.value.code == code


def test_number_refused_by_sdk_is_rejected_without_request(tls_gateway):
    with pytest.raises(DeliveryRejected) as caught:
        vonage(tls_gateway).deliver(make_intent(recipient="ada@example.com"))

    assert "ada@example.com" not in str(caught.value)
    assert tls_gateway.received == []


def test_error_of_own_account_names_setting(tls_gateway):
    wrong = {"api_key": VONAGE_KEY, "api_secret": "wrong"}

    with pytest.raises(DeliveryMisconfigured) as bad_sender:
        vonage(tls_gateway).deliver(make_intent(recipient="+15005550007"))
    with pytest.raises(DeliveryMisconfigured) as bad_secret:
        vonage(tls_gateway, credentials=wrong).deliver(make_intent())

    assert bad_sender.value.code == "1120"
    assert bad_sender.value.setting == "CRUDAUTH_CHANNELS (sender)"
    assert bad_secret.value.code == "unauthorized"
    assert bad_secret.value.setting == "CRUDAUTH_CHANNELS (credentials)"


@pytest.mark.parametrize(
    ("status", "problem", "option"),
    [
        (403, "api-errors/messages#1060", "credentials"),
        (403, "api-errors#low-balance", "credentials"),
        (401, "about:blank", "credentials"),
        (404, "api-errors#not-found", "credentials, api_host"),
        (422, "api-errors/messages#1022", "templates"),
    ],
)
def test_refused_setup_names_option(tls_gateway, status, problem, option):
    tls_gateway.will(Reply(status=status, content={"type": problem}))

    with pytest.raises(DeliveryMisconfigured) as caught:
        vonage(tls_gateway).deliver(make_intent())

    assert caught.value.setting == f"CRUDAUTH_CHANNELS ({option})"


def test_every_code_has_one_result_and_is_documented():
    page = (ROOT / "docs" / "channels" / "vonage.md").read_text()

    assert not REJECTED & set(MISCONFIGURED)
    for code in REJECTED | set(MISCONFIGURED):
        assert re.search(rf"\b{code}\b", page), code


def test_too_many_requests_passes_on_retry_after(tls_gateway):
    tls_gateway.will(
        Reply(
            status=HTTPStatus.TOO_MANY_REQUESTS,
            content={"type": "https://developer.vonage.com/api-errors/messages#1000"},
            headers={"Retry-After": "17"},
        )
    )

    with pytest.raises(DeliveryFailed) as caught:
        vonage(tls_gateway).deliver(make_intent())

    assert (caught.value.code, caught.value.retry_after) == ("1000", 17)


@pytest.mark.parametrize(
    "reply",
    [
        HANG,
        RESET,
        CLOSE,
        Reply(status=500, content=b"<html>oops</html>"),
        Reply(status=503),
        UNREADABLE,
        WITHOUT_ID,
    ],
    ids=["hang", "reset", "close", "500", "503", "no-json", "no-id"],
)
def test_provider_failure_is_temporary_after_one_request(tls_gateway, reply):
    tls_gateway.will(reply)

    with pytest.raises(DeliveryFailed) as caught:
        vonage(tls_gateway, timeout=1 if reply is HANG else 10).deliver(make_intent())

    assert caught.value.maybe_taken == (reply in TAKEN)
    assert len(tls_gateway.received) == 1


def test_refused_connection_was_not_taken(tls_gateway):
    channel = vonage(tls_gateway, api_host=f"127.0.0.1:{free_port()}")

    with pytest.raises(DeliveryFailed, match="not reached") as caught:
        channel.deliver(make_intent())

    assert not caught.value.maybe_taken


def test_server_with_untrusted_certificate_gets_no_request(tls_gateway, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")

    with pytest.raises(DeliveryFailed):
        vonage(tls_gateway).deliver(make_intent())

    assert tls_gateway.received == []


def test_message_uuid_becomes_provider_id(tls_gateway):
    assert try_channel(vonage(tls_gateway), make_intent()).provider_id == "aaaa-bbbb"


@pytest.mark.parametrize("number", ["+15551234567", "+15005550001", "+15005550007"])
def test_logs_and_reprs_show_no_secret(tls_gateway, everything_logged, number):
    channel = vonage(tls_gateway)

    outcome = try_channel(channel, make_intent(recipient=number))

    output = everything_logged.text + repr(channel) + repr(outcome)
    for secret in (number[1:], SAMPLE_TOKEN, VONAGE_SECRET):
        assert secret not in output
    if outcome.error is not None:
        assert outcome.error.__context__ is None


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"api_key": "a-key-that-is-secret"},
        {"application_id": APPLICATION_ID, "private_key": "a-key-that-is-secret"},
        {
            "application_id": APPLICATION_ID,
            "private_key": "-----BEGIN PRIVATE KEY-----\na-key-that-is-secret\n"
            "-----END PRIVATE KEY-----",
        },
        {"api_key": VONAGE_KEY, "api_secret": ["a-key-that-is-secret"]},
        {"password": "a-key-that-is-secret"},
    ],
)
def test_error_for_invalid_credentials_does_not_show_them(tls_gateway, credentials):
    with pytest.raises(ImproperlyConfigured) as caught:
        vonage(tls_gateway, credentials=credentials)

    assert "a-key-that-is-secret" not in str(caught.value)
    assert caught.value.__context__ is None
