"""Email, over whatever backend Django's mail is set up with."""

from __future__ import annotations

import re
from email.utils import parseaddr
from smtplib import SMTPRecipientsRefused
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from crudauth_django.channels.base import DeliveryIntent
from crudauth_django.channels.provider import ProviderChannel, unreachable
from crudauth_django.channels.provider_ids import set_provider_id
from crudauth_django.channels.texts import render_email
from crudauth_django.exceptions import DeliveryError, DeliveryFailed, DeliveryRejected

#: The first reply code that means "never" (RFC 5321, section 4.2.1).
PERMANENT = 500
#: Replies that are about our own authentication (RFC 4954), whatever the stage.
NOT_ABOUT_THE_RECIPIENT = frozenset({530, 534, 535, 538})
#: What Anymail says of a recipient that its provider will not send to.
ANYMAIL_REFUSED = frozenset({"invalid", "rejected"})

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


class EmailChannel(ProviderChannel):
    """Sends each message as plain text with an HTML alternative.

    ``from_email`` is ``DEFAULT_FROM_EMAIL`` unless given. The ``Message-ID``
    is made from the message's id, so every try at it has the same.
    """

    factors = ("email",)
    loggers = ()

    def __init__(
        self,
        *,
        from_email: str | None = None,
        reply_to: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._from_email = from_email
        self._reply_to = reply_to

    def send(self, intent: DeliveryIntent) -> DeliveryError | None:
        message = self._message(intent)
        try:
            message.message()
        except ValueError:
            return DeliveryRejected("This address can't be written into a message")
        try:
            sent = message.send()
        except SMTPRecipientsRefused as error:
            return _refused(error)
        # Backends raise what they like, with the address in it.
        except Exception as error:  # noqa: BLE001
            return _refused_by_anymail(message) or unreachable("The mail server", error)
        if sent == 0:
            return DeliveryFailed("The mail backend sent nothing")
        set_provider_id(_anymail_id(message) or message.extra_headers["Message-ID"])
        return None

    def _message(self, intent: DeliveryIntent) -> EmailMultiAlternatives:
        written = render_email(intent)
        sender = self._from_email or settings.DEFAULT_FROM_EMAIL
        domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
        message = EmailMultiAlternatives(
            subject=written.subject,
            body=written.text,
            from_email=sender,
            to=[intent.recipient],
            reply_to=[self._reply_to] if self._reply_to else None,
            headers={
                "Message-ID": f"<{intent.id}@{domain}>",
                # RFC 3834: no automatic replies to this.
                "Auto-Submitted": "auto-generated",
            },
        )
        if written.html:
            message.attach_alternative(written.html, "text/html")
        return message


def _refused(error: SMTPRecipientsRefused) -> DeliveryError:
    """There is one recipient, so there is one reply; its text may name them."""
    ((reply, text),) = error.recipients.values()
    enhanced = _ENHANCED.match(text.decode("ascii", "replace"))
    code = f"{reply} {enhanced[0]}" if enhanced else str(reply)
    if reply >= PERMANENT and reply not in NOT_ABOUT_THE_RECIPIENT:
        return DeliveryRejected("The mail server refused the recipient", code=code)
    return DeliveryFailed("The mail server did not take the recipient", code=code)


def _refused_by_anymail(message: EmailMultiAlternatives) -> DeliveryError | None:
    """Read what Anymail's backends leave on the message, if one was at work."""
    found = getattr(getattr(message, "anymail_status", None), "status", None)
    if found and set(found) <= ANYMAIL_REFUSED:
        return DeliveryRejected(
            "The mail provider refused the recipient", code=min(found)
        )
    return None


def _anymail_id(message: EmailMultiAlternatives) -> str:
    found = getattr(getattr(message, "anymail_status", None), "message_id", None)
    return found if isinstance(found, str) else ""
