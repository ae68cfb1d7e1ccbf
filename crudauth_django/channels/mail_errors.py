"""Read the errors of mail backends: Django's SMTP, and Anymail's providers."""

import re
from http import HTTPStatus
from smtplib import (
    SMTPAuthenticationError,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage
from django.utils.encoding import force_bytes

from crudauth_django.channels.provider import provider_error, unreachable
from crudauth_django.exceptions import DeliveryError

#: Reply codes from here on are permanent (RFC 5321, section 4.2.1).
PERMANENT = 500
#: Replies about this site's authentication, at any stage (RFC 4954, section 6).
AUTHENTICATION_REPLIES = frozenset({432, 530, 534, 535, 538})
#: Statuses with which the API of a mail provider refuses this site's credentials.
AUTHENTICATION_STATUSES = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
#: Anymail's statuses of a recipient that its provider refuses.
ANYMAIL_REFUSED = frozenset({"invalid", "rejected"})

_ENHANCED_CODE = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")


def mail_error(
    error: Exception, message: EmailMessage, *, sender_setting: str
) -> DeliveryError:
    """Return the error for one of a mail backend, without its text.

    The text may hold the address or the message. ``sender_setting`` names the
    setting of the sender's address.
    """
    match error:
        case SMTPRecipientsRefused():
            # One recipient, so one reply.
            ((reply, text),) = error.recipients.values()
        case SMTPResponseException():
            reply, text = error.smtp_code, force_bytes(error.smtp_error)
        case _:
            return backend_error(error, message)
    enhanced = _ENHANCED_CODE.match(text)
    permanent = reply >= PERMANENT
    setting = None
    if reply in AUTHENTICATION_REPLIES or (
        permanent and isinstance(error, SMTPAuthenticationError)
    ):
        before = "EMAIL_HOST_USER, EMAIL_HOST_PASSWORD"
        setting = mail_setting("username, password", before=before)
    elif permanent and isinstance(error, SMTPSenderRefused):
        setting = sender_setting
    return provider_error(
        "The mail server",
        code=f"{reply} {enhanced[0].decode()}" if enhanced else str(reply),
        setting=setting,
        final=permanent and isinstance(error, SMTPRecipientsRefused),
    )


def backend_error(error: Exception, message: EmailMessage) -> DeliveryError:
    """Return the error for one without a reply of an SMTP server."""
    statuses = set(anymail_status(message, "status") or ())
    if statuses and statuses <= ANYMAIL_REFUSED:
        return provider_error("The mail provider", code=min(statuses), final=True)
    status = getattr(error, "status_code", None)  # of Anymail's errors
    if status in AUTHENTICATION_STATUSES:
        return provider_error("The mail provider", code=str(status), setting="ANYMAIL")
    if isinstance(error, SMTPNotSupportedError):
        # Servers offer no login before the connection is encrypted (RFC 4954).
        tls = mail_setting("use_tls", before="EMAIL_USE_TLS")
        return provider_error("The mail server", code="", setting=tls)
    if isinstance(error, ImproperlyConfigured):
        backend = mail_setting("BACKEND, OPTIONS", before="EMAIL_BACKEND")
        return provider_error("Django's mail", code="", setting=backend)
    # The message may have been sent before the connection ended. Another attempt has
    # the same Message-ID, so it does no harm.
    return unreachable("The mail server", error)


def anymail_status(message: EmailMessage, name: str) -> Any:
    """Return an attribute of the status that Anymail's backends set, or ``None``."""
    return getattr(getattr(message, "anymail_status", None), name, None)


def mail_setting(option: str, *, before: str) -> str:
    """Name an option of the mailer, or the setting ``before`` Django 6.1."""
    has_mailers = getattr(settings, "MAILERS", None) is not None
    return f"MAILERS ({option})" if has_mailers else before
