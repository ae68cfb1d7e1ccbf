"""Apprise with its JSON plugin, against a server on loopback."""

import pytest

from crudauth_django.channels.apprise import AppriseChannel
from crudauth_django.channels.attempts import try_channel
from crudauth_django.checks.channels import check_channels
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected
from crudauth_django.testing import SAMPLE_TOKEN, ChannelContract
from tests.support.messages import RECIPIENT, make_intent
from tests.support.providers import CLOSE, HANG, RESET, Reply

# On Python 3.11 and 3.12, a dependency of Apprise's mail plugin warns once.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")

PASSWORD = "a-password-in-the-url"


def apprise(gateway, *, rest="", **options) -> AppriseChannel:
    url = f"json://user:{PASSWORD}@{gateway.host}/to/{{recipient}}?rto=0.3&cto=1{rest}"
    return AppriseChannel(**{"urls": [url], **options})


class TestAppriseChannel(ChannelContract):
    @pytest.fixture
    def channel(self, gateway):
        return apprise(gateway)

    @pytest.fixture
    def failing_channel(self, gateway):
        gateway.will(Reply(status=500))
        return apprise(gateway)


def test_recipient_is_inserted_into_url(gateway):
    apprise(gateway).deliver(make_intent())

    (request,) = gateway.received
    assert request.path.replace("%2B", "+").rstrip("/") == f"/to/{RECIPIENT}"
    assert SAMPLE_TOKEN in request.json["message"]
    assert request.json["title"] == ""


def test_email_template_sends_subject(gateway):
    apprise(gateway, template="email").deliver(make_intent())

    (request,) = gateway.received
    assert request.json["title"]
    assert SAMPLE_TOKEN in request.json["message"]


def test_text_with_html_characters_arrives_unchanged(gateway):
    apprise(gateway).deliver(make_intent(account="a & <b>"))

    (request,) = gateway.received
    assert "a & <b>" in request.json["message"]


@pytest.mark.parametrize(
    "reply",
    [HANG, RESET, CLOSE, Reply(status=400), Reply(status=500)],
    ids=["hang", "reset", "close", "400", "500"],
)
def test_provider_failure_is_temporary_after_one_request(gateway, reply):
    gateway.will(reply)

    with pytest.raises(DeliveryFailed):
        apprise(gateway).deliver(make_intent())

    assert len(gateway.received) == 1


def test_failure_of_one_of_two_services_is_temporary(gateway):
    urls = [f"json://{gateway.host}/{place}/{{recipient}}" for place in ("a", "b")]
    gateway.will(Reply(status=500))

    with pytest.raises(DeliveryFailed, match="1 of 2") as caught:
        AppriseChannel(urls=urls).deliver(make_intent())

    assert caught.value.maybe_taken
    assert len(gateway.received) == 2


@pytest.mark.parametrize(
    "url",
    [
        "sigal://user:a-password-in-the-url@localhost:8080/+15005550006/{recipient}",
        "signal://a-password-in-the-url{recipient}",
        "a-password-in-the-url{recipient}",
    ],
    ids=["unknown service", "malformed", "no service"],
)
def test_url_that_apprise_cannot_read_is_check_error(settings, url, everything_logged):
    options = {"urls": ["json://127.0.0.1/{recipient}", url]}
    settings.CRUDAUTH_CHANNELS = [
        {
            "BACKEND": "crudauth_django.channels.apprise.AppriseChannel",
            "OPTIONS": options,
        }
    ]

    (problem,) = check_channels()

    assert problem.id == "crudauth.E012"
    assert repr(url.partition(":")[0] if "://" in url else "") in problem.msg
    assert PASSWORD not in problem.msg + everything_logged.text


def test_service_that_refuses_a_phone_number_is_accepted():
    AppriseChannel(urls="mailto://user:pw@example.com?to={recipient}")


@pytest.mark.parametrize(
    "recipient", ['"a,b"@example.com', "a b", "a;b", "a\nb", "<a>", "a'b@example.com"]
)
def test_recipient_with_separator_or_quote_is_rejected(gateway, recipient):
    with pytest.raises(DeliveryRejected):
        apprise(gateway).deliver(make_intent(recipient=recipient))

    assert gateway.received == []


def test_recipient_cannot_change_rest_of_url(gateway):
    apprise(gateway).deliver(make_intent(recipient="x/../y?rto=9&-to=z#w@example.com"))

    (request,) = gateway.received
    assert request.path.lower().startswith("/to/x%2f")
    assert "?" not in request.path


@pytest.mark.parametrize("status", [200, 500])
def test_logs_and_reprs_show_no_secret(gateway, everything_logged, status):
    gateway.will(Reply(status=status))
    channel = apprise(gateway)

    outcome = try_channel(channel, make_intent())

    output = everything_logged.text + repr(channel) + repr(outcome)
    for secret in (RECIPIENT[1:], SAMPLE_TOKEN, PASSWORD):
        assert secret not in output


@pytest.mark.parametrize(
    "options",
    [{"urls": []}, {"urls": "json://127.0.0.1/"}, {"template": "fax"}],
)
def test_invalid_options_raise_value_error(gateway, options):
    with pytest.raises(ValueError):  # noqa: PT011 (each has its own text)
        apprise(gateway, **options)
