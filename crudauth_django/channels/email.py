"""Email over Django's mail backend."""

import re
from email.utils import parseaddr
from smtplib import SMTPRecipientsRefused
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from crudauth_django.channels.base import DeliveryIntent, set_provider_id
from crudauth_django.channels.provider import (
    ProviderChannel,
    provider_error,
    unreachable,
)
from crudauth_django.channels.texts import render_email
from crudauth_django.exceptions import DeliveryError, DeliveryFailed, DeliveryRejected

__all__ = ["EmailChannel"]

#: Reply codes from here on are permanent (RFC 5321, section 4.2.1).
PERMANENT = 500
#: Replies about this site's authentication, at any stage (RFC 4954).
AUTHENTICATION_REPLIES = frozenset({530, 534, 535, 538})
#: Anymail's statuses of a recipient that its provider refuses.
ANYMAIL_REFUSED = frozenset({"invalid", "rejected"})

_ENHANCED_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


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
        except SMTPRecipientsRefused as error:
            # One recipient, so one reply; its text may hold the address.
            ((reply, text),) = error.recipients.values()
            enhanced = _ENHANCED_CODE.match(text.decode("ascii", "replace"))
            return provider_error(
                "The mail server",
                code=f"{reply} {enhanced[0]}" if enhanced else str(reply),
                final=reply >= PERMANENT and reply not in AUTHENTICATION_REPLIES,
            )
        except Exception as error:  # noqa: BLE001 (backends' errors share no class)
            statuses = set(_anymail(message, "status") or ())
            if statuses and statuses <= ANYMAIL_REFUSED:
                code = min(statuses)
                return provider_error("The mail provider", code=code, final=True)
            # Only the error's class: its text may hold the address or the message.
            return unreachable("The mail server", error)
        if sent == 0:
            return DeliveryFailed("The mail backend sent nothing")
        own_id = message.extra_headers["Message-ID"]
        set_provider_id(_anymail(message, "message_id") or own_id)
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


def _anymail(message: EmailMultiAlternatives, name: str) -> Any:
    """Return an attribute of the status that Anymail's backends set, or ``None``."""
    return getattr(getattr(message, "anymail_status", None), name, None)
