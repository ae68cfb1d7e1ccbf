"""Apprise, over its plugin for JSON, against a server."""

import pytest

from crudauth_django.channels.apprise import AppriseChannel
from crudauth_django.channels.attempts import try_channel
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected
from crudauth_django.testing import SAMPLE_TOKEN, ChannelContract
from tests.channels.conftest import RECIPIENT, make_intent
from tests.support.providers import CLOSE, HANG, RESET, Reply

# On Python 3.11 and 3.12 a dependency of Apprise's mail plugin says this once.
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


def test_the_recipient_is_written_into_the_url(gateway):
    apprise(gateway).deliver(make_intent())

    (request,) = gateway.received
    assert request.path.replace("%2B", "+").rstrip("/") == f"/to/{RECIPIENT}"
    assert SAMPLE_TOKEN in request.json["message"]
    assert request.json["title"] == ""


def test_a_service_for_mail_gets_a_subject(gateway):
    apprise(gateway, template="email").deliver(make_intent())

    (request,) = gateway.received
    assert request.json["title"]
    assert SAMPLE_TOKEN in request.json["message"]


def test_the_text_arrives_as_it_was_written(gateway):
    apprise(gateway).deliver(make_intent(account="a & <b>"))

    (request,) = gateway.received
    assert "a & <b>" in request.json["message"]


@pytest.mark.parametrize(
    "reply",
    [HANG, RESET, CLOSE, Reply(status=400), Reply(status=500)],
    ids=["hang", "reset", "close", "400", "500"],
)
def test_a_service_that_does_not_take_it_is_asked_again_later(gateway, reply):
    gateway.will(reply)

    with pytest.raises(DeliveryFailed):
        apprise(gateway).deliver(make_intent())

    assert len(gateway.received) == 1


def test_one_of_two_services_that_fails_is_a_failure(gateway):
    urls = [f"json://{gateway.host}/{place}/{{recipient}}" for place in ("a", "b")]
    gateway.will(Reply(status=500))

    with pytest.raises(DeliveryFailed, match="1 of 2"):
        AppriseChannel(urls=urls).deliver(make_intent())

    assert len(gateway.received) == 2


def test_a_service_that_apprise_does_not_know_fails(gateway):
    with pytest.raises(DeliveryFailed):
        AppriseChannel(urls="nosuchservice://{recipient}").deliver(make_intent())


@pytest.mark.parametrize(
    "recipient", ['"a,b"@example.com', "a b", "a;b", "a\nb", "<a>", "a'b@example.com"]
)
def test_a_recipient_that_reads_like_several_is_rejected(gateway, recipient):
    with pytest.raises(DeliveryRejected):
        apprise(gateway).deliver(make_intent(recipient=recipient))

    assert gateway.received == []


def test_a_recipient_cannot_change_the_rest_of_the_url(gateway):
    apprise(gateway).deliver(make_intent(recipient="x/../y?rto=9&-to=z#w@example.com"))

    (request,) = gateway.received
    assert request.path.lower().startswith("/to/x%2f")
    assert "?" not in request.path


@pytest.mark.parametrize("status", [200, 500])
def test_nothing_said_anywhere_shows_the_number_the_token_or_the_password(
    gateway, everything_logged, status
):
    gateway.will(Reply(status=status))
    channel = apprise(gateway)

    outcome = try_channel(channel, make_intent())

    said = everything_logged.text + repr(channel) + repr(outcome)
    for secret in (RECIPIENT[1:], SAMPLE_TOKEN, PASSWORD):
        assert secret not in said


@pytest.mark.parametrize(
    "options",
    [{"urls": []}, {"urls": "json://127.0.0.1/"}, {"template": "fax"}],
)
def test_options_that_cannot_work_are_refused_at_once(gateway, options):
    with pytest.raises(ValueError):  # noqa: PT011 (each has its own text)
        apprise(gateway, **options)
