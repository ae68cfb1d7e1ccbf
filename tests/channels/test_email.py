"""The email channel, against a mail server on loopback."""

import socket

import django
import pytest
from anymail.backends.test import EmailBackend as AnymailTestBackend
from anymail.exceptions import AnymailAPIError
from anymail.message import AnymailRecipientStatus
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from crudauth_django.channels.attempts import try_channel
from crudauth_django.channels.email import EmailChannel
from crudauth_django.checks.channels import check_mail_time_limit
from crudauth_django.exceptions import (
    DeliveryFailed,
    DeliveryMisconfigured,
    DeliveryRejected,
)
from crudauth_django.testing import SAMPLE_TOKEN, ChannelContract
from tests.support.mail import backend_settings, mail_settings, running_mail
from tests.support.messages import make_intent
from tests.support.parts import free_port

ADA = "ada.lovelace@example.com"
LOGIN = (
    "MAILERS (username, password)"
    if django.VERSION >= (6, 1)
    else "EMAIL_HOST_USER, EMAIL_HOST_PASSWORD"
)

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


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


def test_email_has_plain_text_and_html(mail_server):
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


def test_retried_email_has_same_id_and_auto_submitted_header(mail_server):
    channel = EmailChannel(from_email="no-reply@example.org")

    channel.deliver(make_intent(recipient=ADA))
    channel.deliver(make_intent(recipient=ADA, token="anew", link=""))

    first, second = mail_server.received
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Message-ID"] == f"<{make_intent().id}@example.org>"
    assert first["Auto-Submitted"] == "auto-generated"


def test_empty_html_template_sends_plain_text_alone(mail_server, settings):
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
    ("reply", "code"),
    [
        (f"550 5.1.1 <{ADA}> no such user", "550 5.1.1"),
        ("553 mailbox name not allowed", "553"),
    ],
)
def test_permanently_refused_recipient_is_rejected(mail_server, reply, code):
    mail_server.to_recipients = reply

    with pytest.raises(DeliveryRejected) as caught:
        EmailChannel().deliver(make_intent(recipient=ADA))

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("450 4.2.1 greylisted", "450 4.2.1"),
        ("452 4.2.2 mailbox full", "452 4.2.2"),
    ],
)
def test_temporarily_refused_recipient_is_temporary_failure(mail_server, reply, code):
    mail_server.to_recipients = reply

    with pytest.raises(DeliveryFailed) as caught:
        EmailChannel().deliver(make_intent(recipient=ADA))

    assert caught.value.code == code


@pytest.mark.parametrize("reply", ["451 4.3.0 later", "554 5.7.1 looks like spam"])
def test_refused_email_is_temporary_failure_with_code(mail_server, reply):
    mail_server.to_data = reply

    with pytest.raises(DeliveryFailed) as caught:
        EmailChannel().deliver(make_intent(recipient=ADA))

    assert caught.value.code == reply[:9]


@pytest.mark.parametrize("stage", ["to_sender", "to_recipients", "to_data"])
def test_required_login_is_misconfigured_at_every_stage(mail_server, stage):
    setattr(mail_server, stage, "530 5.7.0 authentication required")

    with pytest.raises(DeliveryMisconfigured) as caught:
        EmailChannel().deliver(make_intent(recipient=ADA))

    assert caught.value.code == "530 5.7.0"
    assert caught.value.setting == LOGIN


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("535 5.7.8 Username and Password not accepted", "535 5.7.8"),
        ("534 5.7.9 Application-specific password required", "534 5.7.9"),
        ("501 5.5.2 Can't decode", "501 5.5.2"),
    ],
)
def test_refused_password_names_setting_and_code(reply, code):
    with running_mail(username="neo", password="wrong", to_login=reply):
        outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    assert isinstance(outcome.error, DeliveryMisconfigured)
    assert outcome.error.code == code
    assert outcome.error.setting == LOGIN


def test_temporary_login_failure_is_temporary():
    reply = "454 4.7.0 Temporary authentication failure"
    with running_mail(username="neo", password="right", to_login=reply):
        outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    assert isinstance(outcome.error, DeliveryFailed)
    assert outcome.error.code == "454 4.7.0"


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({}, "DEFAULT_FROM_EMAIL"),
        ({"from_email": "no-reply@example.org"}, "CRUDAUTH_CHANNELS (from_email)"),
    ],
)
def test_refused_sender_names_setting(mail_server, options, setting):
    mail_server.to_sender = "553 5.7.1 not owned by user"

    with pytest.raises(DeliveryMisconfigured) as caught:
        EmailChannel(**options).deliver(make_intent(recipient=ADA))

    assert caught.value.code == "553 5.7.1"
    assert caught.value.setting == setting


def test_sender_refused_for_now_is_temporary(mail_server):
    mail_server.to_sender = "451 4.7.1 too many messages"

    with pytest.raises(DeliveryFailed) as caught:
        EmailChannel().deliver(make_intent(recipient=ADA))

    assert caught.value.code == "451 4.7.1"


def test_server_without_encryption_is_misconfigured():
    with running_mail(use_tls=True):
        outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    assert isinstance(outcome.error, DeliveryMisconfigured)
    assert "TLS" in outcome.error.setting.upper()


def test_broken_mail_backend_is_misconfigured():
    with override_settings(**backend_settings("tests.channels.test_email.Broken")):
        outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    assert isinstance(outcome.error, DeliveryMisconfigured)
    assert "BACKEND" in outcome.error.setting


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_refused_by_mail_provider_are_misconfigured(status, monkeypatch):
    monkeypatch.setattr(Closed, "status", status)
    settings = {"ANYMAIL": {}, **backend_settings("tests.channels.test_email.Closed")}
    with override_settings(**settings):
        outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    assert isinstance(outcome.error, DeliveryMisconfigured)
    assert (outcome.error.code, outcome.error.setting) == (str(status), "ANYMAIL")


def test_unreachable_server_is_temporary_failure():
    with override_settings(**mail_settings(port=free_port())):
        outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    assert isinstance(outcome.error, DeliveryFailed)
    assert "ConnectionRefusedError" in str(outcome.error)


def test_silent_server_is_temporary_failure():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with override_settings(**mail_settings(port=port)):
            outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    assert isinstance(outcome.error, DeliveryFailed)


def test_backend_that_sends_nothing_is_temporary_failure():
    with (
        override_settings(**backend_settings("tests.channels.test_email.Nothing")),
        pytest.raises(DeliveryFailed),
    ):
        EmailChannel().deliver(make_intent(recipient=ADA))


@pytest.mark.parametrize("address", ["ada@", "ada@example.com\nBcc: eve@example.com"])
def test_malformed_address_is_error_without_email(mail_server, address):
    outcome = try_channel(EmailChannel(), make_intent(recipient=address))

    assert outcome.error is not None
    assert address not in str(outcome.error)
    assert mail_server.received == []


def test_recipient_rejected_by_anymail_is_rejected():
    settings = {"ANYMAIL": {}, **backend_settings("tests.channels.test_email.Refusing")}
    with override_settings(**settings):
        outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    assert isinstance(outcome.error, DeliveryRejected)
    assert outcome.error.code == "rejected"
    assert ADA not in str(outcome.error)


def test_anymail_message_id_becomes_provider_id():
    backend = "tests.channels.test_email.Accepting"
    with override_settings(ANYMAIL={}, **backend_settings(backend)):
        outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    assert outcome.error is None
    assert outcome.provider_id == "esp-1"


def test_logs_and_reprs_show_no_secret(mail_server, everything_logged):
    mail_server.to_recipients = f"550 5.1.1 <{ADA}> no such user"

    outcome = try_channel(EmailChannel(), make_intent(recipient=ADA))

    for secret in (ADA, SAMPLE_TOKEN):
        assert secret not in everything_logged.text + repr(outcome)
    assert outcome.error.__context__ is None


def test_channel_serves_email_unless_factors_are_given():
    assert EmailChannel().serves("email")
    assert not EmailChannel().serves("phone")
    assert EmailChannel(factors=["mailbox"]).serves("mailbox")


EMAIL = "crudauth_django.channels.email.EmailChannel"
FALLBACK = {
    "BACKEND": "crudauth_django.channels.fallback.FallbackChannel",
    "OPTIONS": {"channels": [EMAIL]},
}
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.mark.parametrize("channel", [EMAIL, FALLBACK], ids=["email", "fallback"])
def test_check_warns_of_smtp_without_timeout(settings, channel):
    settings.CRUDAUTH_CHANNELS = [channel]

    with override_settings(**backend_settings(SMTP)):
        found = check_mail_time_limit()

    assert [problem.id for problem in found] == ["crudauth.W005"]


def test_check_accepts_smtp_with_timeout_and_other_backends(settings):
    settings.CRUDAUTH_CHANNELS = [EMAIL]

    with override_settings(**mail_settings(port=25)):
        limited = check_mail_time_limit()
    with override_settings(**backend_settings("tests.channels.test_email.Nothing")):
        other = check_mail_time_limit()

    assert limited == other == []


@pytest.mark.parametrize(
    "channels", [["crudauth_django.channels.locmem.LocMemChannel"], ["no.such.Channel"]]
)
def test_check_ignores_projects_without_email_channel(settings, channels):
    settings.CRUDAUTH_CHANNELS = channels

    with override_settings(**backend_settings(SMTP)):
        assert check_mail_time_limit() == []


class Nothing:
    """A mail backend that failed to open its connection, and sends nothing."""

    def __init__(self, **_options):
        pass

    def send_messages(self, _messages):
        return 0


class Broken:
    """A mail backend with invalid options."""

    def __init__(self, **_options):
        raise ImproperlyConfigured("no host")


class Closed(AnymailTestBackend):
    """Anymail, over a provider that refuses the API key."""

    status = 401

    def post_to_esp(self, payload, message):
        raise AnymailAPIError("no entry", status_code=self.status)


class Refusing(AnymailTestBackend):
    """Anymail, over a provider that rejects every recipient."""

    def post_to_esp(self, payload, message):
        status = AnymailRecipientStatus(message_id=None, status="rejected")
        return {"recipient_status": dict.fromkeys(payload.recipient_emails, status)}


class Accepting(AnymailTestBackend):
    """Anymail, over a provider that returns ids of its own."""

    def get_esp_message_id(self, message):
        return "esp-1"
