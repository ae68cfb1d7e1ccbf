"""The webhook channel, and the receiver of its page."""

import base64
import re
import time
from email.message import Message
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path

import pytest

from crudauth_django.channels.attempts import try_channel
from crudauth_django.channels.webhook import WebhookChannel, sign
from crudauth_django.exceptions import (
    DeliveryFailed,
    DeliveryMisconfigured,
    DeliveryRejected,
)
from crudauth_django.testing import SAMPLE_TOKEN, ChannelContract
from tests.channels.receiver import read_message
from tests.support.messages import RECIPIENT, make_intent
from tests.support.parts import free_port
from tests.support.providers import CLOSE, HANG, RESET, Received, Reply

SECRET = "0123456789abcdef0123456789abcdef"
OTHER_SECRET = "fedcba9876543210fedcba9876543210"
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "channels" / "webhook.md"


def webhook(gateway, **options) -> WebhookChannel:
    return WebhookChannel(
        **{"url": f"{gateway.url}/hook?team=1", "secret": SECRET, **options}
    )


def headers_of(request: Received) -> Message:
    """Return the headers as a web framework has them: case does not matter."""
    headers = Message()
    for name, value in request.headers.items():
        headers[name] = value
    return headers


class TestWebhookChannel(ChannelContract):
    @pytest.fixture
    def channel(self, gateway):
        return webhook(gateway)

    @pytest.fixture
    def failing_channel(self, gateway):
        gateway.will(Reply(status=HTTPStatus.INTERNAL_SERVER_ERROR))
        return webhook(gateway)


def test_request_body_has_every_field_of_message(gateway):
    webhook(gateway).deliver(make_intent())

    (request,) = gateway.received
    assert request.path == "/hook?team=1"
    assert request.headers["content-type"] == "application/json"
    assert request.json.pop("text")
    assert {k: v for k, v in request.json.items() if k != "text"} == {
        "id": make_intent().id,
        "kind": "reset_password",
        "recipient": RECIPIENT,
        "account": "neo",
        "language": "en",
        "token": SAMPLE_TOKEN,
        "link": make_intent().link,
        "expires_in": 3600,
        "subject": "",
        "html": "",
    }


def test_email_template_sends_subject_and_html(gateway):
    webhook(gateway, template="email").deliver(make_intent())

    (request,) = gateway.received
    assert request.json["subject"]
    assert "<" in request.json["html"]


def test_documented_receiver_accepts_signed_message(gateway):
    webhook(gateway).deliver(make_intent())

    (request,) = gateway.received
    message = read_message(headers_of(request), request.body, secret=SECRET)
    assert message["id"] == request.headers["idempotency-key"] == make_intent().id


def test_documented_receiver_equals_tested_receiver():
    shown = re.findall(r"```python\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)
    tested = Path(__file__).with_name("receiver.py").read_text()

    assert tested.partition('"""\n\n')[2] in shown


@pytest.mark.parametrize("changed", ["body", "id", "timestamp", "secret", "old"])
def test_documented_receiver_refuses_changed_or_old_message(gateway, changed):
    webhook(gateway).deliver(make_intent())
    (request,) = gateway.received
    headers, body, secret = headers_of(request), request.body, SECRET

    if changed == "body":
        body = body.replace(b"neo", b"eve")
    elif changed == "secret":
        secret = OTHER_SECRET
    elif changed == "old":
        then = str(int(time.time()) - 3600)
        headers.replace_header("Webhook-Timestamp", then)
        signature = sign(
            SECRET.encode(), id=make_intent().id, timestamp=then, body=body
        )
        headers.replace_header("Webhook-Signature", signature)
    else:
        name = {"id": "Webhook-Id", "timestamp": "Webhook-Timestamp"}[changed]
        headers.replace_header(name, str(int(headers["Webhook-Timestamp"]) + 1))

    with pytest.raises(ValueError, match=r"signed|old"):
        read_message(headers, body, secret=secret)


def test_message_is_signed_with_both_secrets(gateway):
    webhook(gateway, secret=[OTHER_SECRET, SECRET]).deliver(make_intent())

    (request,) = gateway.received
    for secret in (SECRET, OTHER_SECRET):
        assert read_message(headers_of(request), request.body, secret=secret)


def test_signature_matches_standard_webhooks():
    # The example from the libraries of the specification.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    signature = sign(
        key,
        id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp="1614265330",
        body=b'{"test": 2432232314}',
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [410, 422])
def test_permanent_error_status_is_rejected_with_code(gateway, status):
    gateway.will(Reply(status=status, content={"code": "opted_out"}))

    with pytest.raises(DeliveryRejected) as caught:
        webhook(gateway).deliver(make_intent())

    assert caught.value.code == "opted_out"


@pytest.mark.parametrize(
    ("status", "option"),
    [(401, "secret"), (403, "secret"), (301, "url"), (404, "url"), (405, "url")],
)
def test_status_about_own_options_is_misconfigured(gateway, status, option):
    gateway.will(Reply(status=status, content={"code": "no_entry"}))

    with pytest.raises(DeliveryMisconfigured) as caught:
        webhook(gateway).deliver(make_intent())

    assert caught.value.setting == f"CRUDAUTH_CHANNELS ({option})"
    assert caught.value.code == "no_entry"


@pytest.mark.parametrize("status", [307, 400, 409, 500, 503, 799])
def test_other_error_status_is_temporary_failure(gateway, status):
    gateway.will(Reply(status=status, headers={"Location": f"{gateway.url}/moved"}))

    with pytest.raises(DeliveryFailed) as caught:
        webhook(gateway).deliver(make_intent())

    assert caught.value.code == str(status)
    assert [request.path for request in gateway.received] == ["/hook?team=1"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17),
        ("soon", None),
        ("9" * 5000, None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0),
        ("-5", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(gateway, header, seconds):
    gateway.will(Reply(status=429, headers={"Retry-After": header}))

    with pytest.raises(DeliveryFailed) as caught:
        webhook(gateway).deliver(make_intent())

    assert caught.value.retry_after == seconds


def test_retry_after_date_becomes_seconds_from_now(gateway):
    later = formatdate(time.time() + 600, usegmt=True)
    gateway.will(Reply(status=503, headers={"Retry-After": later}))

    with pytest.raises(DeliveryFailed) as caught:
        webhook(gateway).deliver(make_intent())

    assert caught.value.retry_after in range(500, 602)


@pytest.mark.parametrize("reply", [HANG, RESET, CLOSE], ids=["hang", "reset", "close"])
def test_failure_after_request_may_have_been_taken(gateway, reply):
    gateway.will(reply)

    with pytest.raises(DeliveryFailed) as caught:
        webhook(gateway, timeout=0.3 if reply is HANG else 10).deliver(make_intent())

    assert caught.value.maybe_taken
    assert len(gateway.received) == 1


def test_refused_connection_was_not_taken():
    channel = WebhookChannel(url=f"http://127.0.0.1:{free_port()}", secret=SECRET)

    with pytest.raises(DeliveryFailed, match="not reached") as caught:
        channel.deliver(make_intent())

    assert not caught.value.maybe_taken


def test_error_response_was_not_taken(gateway):
    gateway.will(Reply(status=500))

    with pytest.raises(DeliveryFailed) as caught:
        webhook(gateway).deliver(make_intent())

    assert not caught.value.maybe_taken


@pytest.mark.parametrize("content", [b"[" * 60_000, b"{", b"null", b'{"id": []}', b""])
def test_malformed_body_of_success_response_is_accepted(gateway, content):
    gateway.will(Reply(status=200, content=content))

    outcome = try_channel(webhook(gateway), make_intent())

    assert outcome.error is None
    assert outcome.provider_id == ""


def test_gateway_id_becomes_provider_id(gateway):
    assert try_channel(webhook(gateway), make_intent()).provider_id == "gw-1"


def test_gateway_with_untrusted_certificate_gets_no_request(tls_gateway, keys):
    trusting = webhook(tls_gateway, ca_file=str(keys.certificate_file))

    trusting.deliver(make_intent())
    with pytest.raises(DeliveryFailed):
        webhook(tls_gateway).deliver(make_intent())

    assert len(tls_gateway.received) == 1


def test_plain_http_to_localhost_is_allowed(gateway):
    port = gateway.host.rpartition(":")[2]

    webhook(gateway, url=f"http://localhost:{port}").deliver(make_intent())

    assert [request.path for request in gateway.received] == ["/"]


def test_logs_and_reprs_show_no_secret(gateway, everything_logged):
    gateway.will(Reply(status=422, content={"code": RECIPIENT}))
    channel = webhook(gateway)

    outcome = try_channel(channel, make_intent())

    output = everything_logged.text + repr(channel) + repr(outcome)
    for secret in (RECIPIENT[1:], SAMPLE_TOKEN, SECRET):
        assert secret not in output
        assert secret not in outcome.error.code


@pytest.mark.parametrize(
    "options",
    [
        {"url": "http://gateway.example.com/"},
        {"url": "http://10.0.0.1/"},
        {"url": "https://"},
        {"url": "gateway"},
        {"secret": "short"},
        {"secret": "whsec_!!!"},
        {"secret": "whsec_c2hvcnQ="},
        {"secret": []},
        {"template": "fax"},
    ],
)
def test_unsafe_options_raise_value_error_without_host(gateway, options):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (each has its own text)
        webhook(gateway, **options)

    assert "gateway.example.com" not in str(caught.value)
