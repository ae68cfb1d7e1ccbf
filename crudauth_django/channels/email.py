"""Email over Django's mail backend."""

from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from crudauth_django.channels.base import DeliveryIntent, set_provider_id
from crudauth_django.channels.mail_errors import anymail_status, mail_error
from crudauth_django.channels.provider import ProviderChannel, channel_options
from crudauth_django.channels.texts import render_email
from crudauth_django.exceptions import DeliveryError, DeliveryFailed, DeliveryRejected

__all__ = ["EmailChannel"]


class EmailChannel(ProviderChannel):
    """Sends each message as plain text with an HTML alternative.

    ``from_email`` is ``DEFAULT_FROM_EMAIL`` by default. The ``Message-ID`` is made
    from the message's id, so it is the same in every attempt.
    """

    factors = ("email",)
    loggers = ()

    def __init__(
        self, *, from_email: str = "", reply_to: str = "", **options: Any
    ) -> None:
        super().__init__(**options)
        self._from_email = from_email
        self._reply_to = reply_to

    def send(self, intent: DeliveryIntent) -> DeliveryError | None:
        message = self._message(intent)
        try:
            message.message()
        except ValueError:
            return DeliveryRejected("This address can't be part of a message")
        try:
            sent = message.send()
        except Exception as error:  # noqa: BLE001 (backends' errors share no class)
            own = channel_options("from_email")
            setting = own if self._from_email else "DEFAULT_FROM_EMAIL"
            return mail_error(error, message, sender_setting=setting)
        if sent == 0:
            return DeliveryFailed("The mail backend sent nothing")
        own_id = message.extra_headers["Message-ID"]
        set_provider_id(anymail_status(message, "message_id") or own_id)
        return None

    def _message(self, intent: DeliveryIntent) -> EmailMultiAlternatives:
        content = render_email(intent)
        sender = self._from_email or settings.DEFAULT_FROM_EMAIL
        domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
        message = EmailMultiAlternatives(
            subject=content.subject,
            body=content.text,
            from_email=sender,
            to=[intent.recipient],
            reply_to=[self._reply_to] if self._reply_to else None,
            headers={
                "Message-ID": f"<{intent.id}@{domain}>",
                # Keeps mail programs from replying automatically (RFC 3834).
                "Auto-Submitted": "auto-generated",
            },
        )
        if content.html:
            message.attach_alternative(content.html, "text/html")
        return message
