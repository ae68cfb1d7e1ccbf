"""The base of the channels over a provider's library or server."""

import logging
import math
import re
from abc import abstractmethod
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.texts import EmailText, render_email, render_sms
from crudauth_django.exceptions import DeliveryError, DeliveryFailed, DeliveryRejected

__all__ = ["ProviderChannel"]

#: The choices of the option ``template``, for channels over any medium.
TEMPLATES = ("sms", "email")
#: The choices of the option ``medium``, for channels to phones.
MEDIA = ("sms", "whatsapp")

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
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0, math.ceil((when - datetime.now(UTC)).total_seconds()))


def token_lifetime(intent: DeliveryIntent, *, limits: tuple[int, int]) -> int | None:
    """Return how many seconds a provider may try, within its ``limits``.

    Later, the token of the message has expired. For a notice, which has no token,
    this is ``None``.
    """
    if intent.expires_in is None:
        return None
    shortest, longest = limits
    return max(shortest, min(int(intent.expires_in.total_seconds()), longest))


def link_or_token(intent: DeliveryIntent) -> str:
    """Return the link to open or the token to type; ``""`` for a notice."""
    return intent.link or intent.token or ""


def render_text(intent: DeliveryIntent, *, template: str) -> EmailText:
    """Render a message with one of ``TEMPLATES``; an SMS has no subject."""
    if template == "email":
        return render_email(intent)
    return EmailText(subject="", text=render_sms(intent), html="")


def choice(option: str, value: str, choices: tuple[str, ...]) -> str:
    """Return an option's value; raise ``ValueError`` if it is not a choice."""
    if value not in choices:
        raise ValueError(f"{option} must be one of {', '.join(choices)}")
    return value
