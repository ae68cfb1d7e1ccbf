"""A mail server on loopback, and Django's settings for it."""

from __future__ import annotations

import contextlib
import email
import email.policy
import gc
import logging
import warnings
from collections.abc import Iterator
from email.message import EmailMessage

import django
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.test import override_settings

from tests.support.parts import free_port

#: Django 6.1 wants a name for the options of a backend.
_ANY_MAILER = {"host": "127.0.0.1"} | (
    {"alias": "default"} if django.VERSION >= (6, 1) else {}
)


class MailServer:
    """Accepts mail into ``received``, or refuses one of its stages."""

    def __init__(self, *, to_login: str) -> None:
        self.received: list[EmailMessage] = []
        self.to_login = to_login
        self.to_sender = "250 OK"
        self.to_recipients = "250 OK"
        self.to_data = "250 OK"

    def log_in(self, *_args) -> AuthResult:
        if self.to_login:
            return AuthResult(success=False, handled=False, message=self.to_login)
        return AuthResult(success=True)

    async def handle_MAIL(self, _server, _session, envelope, address, _options):  # noqa: N802 (aiosmtpd's)
        if self.to_sender.startswith("250"):
            envelope.mail_from = address
        return self.to_sender

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 (aiosmtpd's)
        if self.to_recipients.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipients

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 (aiosmtpd's)
        if self.to_data.startswith("250"):
            message = email.message_from_bytes(
                envelope.content, policy=email.policy.default
            )
            self.received.append(message)
        return self.to_data


#: The names of the options before Django 6.1.
SETTINGS = {
    "host": "EMAIL_HOST",
    "port": "EMAIL_PORT",
    "timeout": "EMAIL_TIMEOUT",
    "username": "EMAIL_HOST_USER",
    "password": "EMAIL_HOST_PASSWORD",
    "use_tls": "EMAIL_USE_TLS",
}


def mail_settings(*, port: int, **options: object) -> dict[str, object]:
    """Return the settings of the server, in the form for this version of Django."""
    backend = "django.core.mail.backends.smtp.EmailBackend"
    options = {"host": "127.0.0.1", "port": port, "timeout": 1, **options}
    if django.VERSION >= (6, 1):
        return {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": options}}}
    named = {SETTINGS[name]: value for name, value in options.items()}
    return {"EMAIL_BACKEND": backend, **named}


def backend_settings(backend: str) -> dict[str, object]:
    if django.VERSION >= (6, 1):
        return {"MAILERS": {"default": {"BACKEND": backend}}}
    return {"EMAIL_BACKEND": backend}


def smtp_recipient(address: str) -> str:
    """Return the recipient that Django's backend for SMTP gives to a mail server."""
    backend = EmailBackend(**_ANY_MAILER)
    backend.connection = _Recorder()
    backend.send_messages([EmailMultiAlternatives("", "", "a@example.com", [address])])
    return backend.connection.recipients[0]


class _Recorder:
    """A connection that sends nothing."""

    recipients: list[str]

    def sendmail(self, _sender: str, recipients: list[str], _message: bytes) -> None:
        self.recipients = recipients


@contextlib.contextmanager
def running_mail(*, to_login: str = "", **options: object) -> Iterator[MailServer]:
    """Run a server; ``options`` are those of Django's mail."""
    port = free_port()
    server = MailServer(to_login=to_login)
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=port,
        authenticator=server.log_in,
        auth_require_tls=False,
    )
    # aiosmtpd's own log, which a real server would have on another machine.
    logging.getLogger("mail.log").disabled = True
    controller.start()
    try:
        with override_settings(**mail_settings(port=port, **options)):
            yield server
    finally:
        controller.stop()
        if options:
            # Django leaves the connection of a failed login to the collector.
            with warnings.catch_warnings(action="ignore", category=ResourceWarning):
                gc.collect()
