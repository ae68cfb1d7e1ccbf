"""A mail server on loopback, and Django's settings for it."""

from __future__ import annotations

import contextlib
import email
import email.policy
import logging
from collections.abc import Iterator
from email.message import EmailMessage

import django
from aiosmtpd.controller import Controller
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.test import override_settings

from tests.support.parts import free_port

#: Django 6.1 wants a name for the options of a backend.
_ANY_MAILER = {"host": "127.0.0.1"} | (
    {"alias": "default"} if django.VERSION >= (6, 1) else {}
)


class MailServer:
    """Accepts mail into ``received``, or refuses a recipient or the message."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.to_recipients = "250 OK"
        self.to_data = "250 OK"

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


def mail_settings(*, port: int) -> dict[str, object]:
    """Return the settings of the server, in the form for this version of Django."""
    backend = "django.core.mail.backends.smtp.EmailBackend"
    if django.VERSION >= (6, 1):
        options = {"host": "127.0.0.1", "port": port, "timeout": 1}
        return {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": options}}}
    return {
        "EMAIL_BACKEND": backend,
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": port,
        "EMAIL_TIMEOUT": 1,
    }


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
def running_mail() -> Iterator[MailServer]:
    server = MailServer()
    port = free_port()
    controller = Controller(server, hostname="127.0.0.1", port=port)
    # aiosmtpd's own log, which a real server would have on another machine.
    logging.getLogger("mail.log").disabled = True
    controller.start()
    try:
        with override_settings(**mail_settings(port=port)):
            yield server
    finally:
        controller.stop()
