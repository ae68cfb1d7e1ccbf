"""Django's mail against a mail server."""

import socket

import pytest
from anymail.backends.test import EmailBackend as AnymailTestBackend
from anymail.message import AnymailRecipientStatus
from django.test import override_settings

from crudauth_django.channels.attempts import try_channel
from crudauth_django.channels.email import EmailChannel
from crudauth_django.checks.channels import check_mail_time_limit
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected
from crudauth_django.testing import SAMPLE_TOKEN, ChannelContract
from tests.channels.conftest import make_intent
from tests.channels.mail import backend_settings, mail_settings, running_mail
from tests.parts import free_port

ADA = "ada.lovelace@example.com"


@pytest.fixture
def mail_server():
    with running_mail() as server:
        yield server


class TestEmailChannel(ChannelContract):
    recipient = ADA

    @pytest.fixture
    def channel(self, mail_server):
        return EmailChannel()

    @pytest.fixture
    def failing_channel(self, mail_server):
        mail_server.to_data = "451 4.3.0 try again"
        return EmailChannel()


def test_a_mail_has_plain_text_and_html(mail_server):
    channel = EmailChannel(
        from_email="Site <no-reply@example.org>", reply_to="help@example.org"
    )

    channel.deliver(make_intent(recipient=ADA))

    (mail,) = mail_server.received
    plain = mail.get_body(["plain"]).get_content()
    assert mail["To"] == ADA
    assert mail["From"] == "Site <no-reply@example.org>"
    assert mail["Reply-To"] == "help@example.org"
    assert mail["Subject"]
    assert SAMPLE_TOKEN in plain.replace("=\n", "")
    assert SAMPLE_TOKEN in mail.get_body(["html"]).get_content()


def test_every_try_at_a_message_has_the_same_id_and_asks_for_no_reply(mail_server):
    channel = EmailChannel(from_email="no-reply@example.org")

    channel.deliver(make_intent(recipient=ADA))
    channel.deliver(make_intent(recipient=ADA, token="anew", link=""))

    first, second = mail_server.received
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Message-ID"] == f"<{make_intent().id}@example.org>"
    assert first["Auto-Submitted"] == "auto-generated"


def test_a_project_without_html_sends_plain_text_alone(mail_server, settings):
    empty = {"crudauth/email/reset_password.html": ""}
    loader = ("django.template.loaders.locmem.Loader", empty)
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {"loaders": [loader]},
        }
    ]

    EmailChannel().deliver(make_intent(recipient=ADA))

    (mail,) = mail_server.received
    assert mail.get_content_type() == "text/plain"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (f"550 5.1.1 <{ADA}> no such user", "550 5.1.1"),
        ("553 mailbox name not allowed", "553"),
    ],
)
def test_a_recipient_that_the_server_refuses_for_good_is_rejected(
    mail_server, answer, code
):
    mail_server.to_recipients = answer

    with pytest.raises(DeliveryRejected) as caught:
        EmailChannel().deliver(make_intent(recipient=ADA))

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("450 4.2.1 greylisted", "450 4.2.1"),
        ("452 4.2.2 mailbox full", "452 4.2.2"),
        ("530 5.7.0 authentication required", "530 5.7.0"),
    ],
)
def test_a_recipient_that_is_refused_for_now_is_tried_again(mail_server, answer, code):
    mail_server.to_recipients = answer

    with pytest.raises(DeliveryFailed) as caught:
        EmailChannel().deliver(make_intent(recipient=ADA))

    assert caught.value.code == code


@pytest.mark.parametrize("answer", ["451 4.3.0 later", "554 5.7.1 looks like spam"])
def test_a_message_that_is_refused_is_tried_again(mail_server, answer):
    mail_server.to_data = answer

    with pytest.raises(DeliveryFailed):
        EmailChannel().deliver(make_intent(recipient=ADA))


def test_a_server_that_is_not_there_is_tried_again():
    with override_settings(**mail_settings(port=free_port())):
        outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    assert isinstance(outcome.error, DeliveryFailed)
    assert "ConnectionRefusedError" in str(outcome.error)


def test_a_server_that_says_nothing_is_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with override_settings(**mail_settings(port=port)):
            outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    assert isinstance(outcome.error, DeliveryFailed)


def test_a_backend_that_sends_nothing_and_says_so_is_tried_again():
    with (
        override_settings(**backend_settings("tests.channels.test_email.Nothing")),
        pytest.raises(DeliveryFailed),
    ):
        EmailChannel().deliver(make_intent(recipient=ADA))


@pytest.mark.parametrize("address", ["ada@", "ada@example.com\nBcc: eve@example.com"])
def test_an_address_that_no_mail_can_be_sent_to_is_no_bug(mail_server, address):
    outcome = try_channel(EmailChannel(), make_intent(recipient=address))

    assert outcome.error is not None
    assert address not in str(outcome.error)
    assert mail_server.received == []


def test_what_anymail_says_of_a_recipient_decides():
    settings = {"ANYMAIL": {}, **backend_settings("tests.channels.test_email.Refusing")}
    with override_settings(**settings):
        outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    assert isinstance(outcome.error, DeliveryRejected)
    assert outcome.error.code == "rejected"
    assert ADA not in str(outcome.error)


def test_anymails_id_of_a_message_is_passed_on():
    backend = "tests.channels.test_email.Accepting"
    with override_settings(ANYMAIL={}, **backend_settings(backend)):
        outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    assert outcome.error is None
    assert outcome.provider_id == "esp-1"


def test_nothing_said_anywhere_shows_the_address_or_the_token(
    mail_server, everything_logged
):
    mail_server.to_recipients = f"550 5.1.1 <{ADA}> no such user"

    outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    for secret in (ADA, SAMPLE_TOKEN):
        assert secret not in everything_logged.text + repr(outcome)
    assert outcome.error.__context__ is None


def test_it_serves_email_unless_it_is_told_otherwise():
    assert EmailChannel().serves("email")
    assert not EmailChannel().serves("phone")
    assert EmailChannel(factors=["mailbox"]).serves("mailbox")


EMAIL = "crudauth_django.channels.email.EmailChannel"
IN_A_ROW = {
    "BACKEND": "crudauth_django.channels.fallback.FallbackChannel",
    "OPTIONS": {"channels": [EMAIL]},
}
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.mark.parametrize("channel", [EMAIL, IN_A_ROW], ids=["alone", "in-a-row"])
def test_a_deploy_check_warns_of_mail_without_a_time_limit(settings, channel):
    settings.CRUDAUTH_CHANNELS = [channel]

    with override_settings(**backend_settings(SMTP)):
        found = check_mail_time_limit()

    assert [problem.id for problem in found] == ["crudauth.W005"]


def test_mail_with_a_time_limit_or_without_smtp_passes_the_check(settings):
    settings.CRUDAUTH_CHANNELS = [EMAIL]

    with override_settings(**mail_settings(port=25)):
        limited = check_mail_time_limit()
    with override_settings(**backend_settings("tests.channels.test_email.Nothing")):
        other = check_mail_time_limit()

    assert limited == other == []


@pytest.mark.parametrize(
    "channels", [["crudauth_django.channels.locmem.LocMemChannel"], ["no.such.Channel"]]
)
def test_who_sends_no_mail_needs_no_time_limit(settings, channels):
    settings.CRUDAUTH_CHANNELS = channels

    with override_settings(**backend_settings(SMTP)):
        assert check_mail_time_limit() == []


class Nothing:
    """A mail backend whose connection could not be opened."""

    def __init__(self, **_options):
        pass

    def send_messages(self, _messages):
        return 0


class Refusing(AnymailTestBackend):
    """Anymail, over a provider that refuses everybody."""

    def post_to_esp(self, payload, message):
        status = AnymailRecipientStatus(message_id=None, status="rejected")
        return {"recipient_status": dict.fromkeys(payload.recipient_emails, status)}


class Accepting(AnymailTestBackend):
    """Anymail, over a provider that has ids of its own."""

    def get_esp_message_id(self, message):
        return "esp-1"
