"""The base of the channels over a provider's library or server."""

import logging
import math
import re
from abc import abstractmethod
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.texts import EmailText, render_email, render_sms
from crudauth_django.exceptions import DeliveryError, DeliveryFailed, DeliveryRejected

__all__ = ["PhoneChannel", "ProviderChannel", "TemplateChannel"]

#: A number of seconds; ten digits would be decades.
_SECONDS = re.compile(r"[0-9]{1,9}")

_sending: ContextVar[bool] = ContextVar("crudauth_sending", default=False)


class ProviderChannel(DeliveryChannel):
    """A channel over a library or a server; subclasses implement ``send``.

    Libraries repeat numbers, texts and credentials in their logs and errors. So
    their errors are never chained to an error of this package, and records of
    ``loggers`` are dropped while this thread sends a message.
    """

    #: The loggers of the library.
    loggers: tuple[str, ...] = ("urllib3.connectionpool",)

    def deliver(self, intent: DeliveryIntent) -> None:
        for name in self.loggers:
            logging.getLogger(name).addFilter(_is_not_sending)
        before = _sending.set(True)
        try:
            error = self.send(intent)
        finally:
            _sending.reset(before)
        # Raised outside of ``send``: there, the library's error would be its context.
        if error is not None:
            raise error

    @abstractmethod
    def send(self, intent: DeliveryIntent) -> DeliveryError | None:
        """Send a message; return an error instead of raising it."""


class TemplateChannel(ProviderChannel):
    """A channel over any medium.

    ``template`` is ``"sms"``, or ``"email"`` for a subject and HTML.
    """

    def __init__(self, *, template: str = "sms", **options: Any) -> None:
        super().__init__(**options)
        if template not in {"sms", "email"}:
            raise ValueError("template must be one of sms, email")
        self._template = template

    def _render(self, intent: DeliveryIntent) -> EmailText:
        """Render a message; an SMS has no subject and no HTML."""
        if self._template == "email":
            return render_email(intent)
        return EmailText(subject="", text=render_sms(intent), html="")


class PhoneChannel(ProviderChannel):
    """A channel for SMS, or for WhatsApp and its ``templates`` by kind."""

    factors = ("phone",)

    def __init__(
        self,
        *,
        sender: str,
        medium: str = "sms",
        templates: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if medium not in {"sms", "whatsapp"}:
            raise ValueError("medium must be one of sms, whatsapp")
        self.sends_sms = medium == "sms"
        self._sender = sender
        self._templates = templates or {}

    def _lifetime(
        self, intent: DeliveryIntent, *, limits: tuple[int, int]
    ) -> int | None:
        """Return for how many seconds a provider may try, within its ``limits``.

        Later, the token has expired. A notice has no token and gets ``None``.
        """
        if intent.expires_in is None:
            return None
        shortest, longest = limits
        return max(shortest, min(int(intent.expires_in.total_seconds()), longest))


def _is_not_sending(_record: logging.LogRecord) -> bool:
    """Filter records of a delivery; the project's own use of a library is logged."""
    return not _sending.get()


def provider_error(
    provider: str, *, code: str, final: bool, retry_after: str | None = None
) -> DeliveryError:
    """Return the error for a provider's response.

    ``final`` means that no further attempt can succeed. ``retry_after`` is the
    response's header (RFC 9110, section 10.2.3).
    """
    if final:
        return DeliveryRejected(f"{provider} will not deliver it", code=code)
    return DeliveryFailed(
        f"{provider} did not accept it",
        code=code,
        retry_after=_parse_retry_after((retry_after or "").strip()),
    )


def unreachable(provider: str, error: Exception) -> DeliveryFailed:
    """Return the error for a failed connection, with the class of its cause only."""
    return DeliveryFailed(f"{provider} was not reached: {type(error).__name__}")


def _parse_retry_after(header: str) -> int | None:
    """Return the seconds to wait, from a number or from a date."""
    if _SECONDS.fullmatch(header):
        return int(header)
    try:
        when = parsedate_to_datetime(header)
    except ValueError:
        return None
    when = when.replace(tzinfo=when.tzinfo or UTC)
    return max(0, math.ceil((when - datetime.now(UTC)).total_seconds()))
