"""What the channels over somebody else's library or server have in common."""

from __future__ import annotations

import logging
import math
from abc import abstractmethod
from collections.abc import Container, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.texts import EmailText, render_email, render_sms
from crudauth_django.exceptions import DeliveryError, DeliveryFailed, DeliveryRejected

#: The wordings that a channel for any medium can be told to use.
TEMPLATES = ("sms", "email")

_sending: ContextVar[bool] = ContextVar("crudauth_sending", default=False)


class ProviderChannel(DeliveryChannel):
    """A channel over a library or a server that repeats what it is given.

    Numbers, texts and credentials show up in what such a library logs and
    raises. So its errors are never chained to those that are raised here, and
    what its ``loggers`` say while one of our messages is on its way is dropped.
    """

    #: The loggers of the library.
    loggers: tuple[str, ...] = ("urllib3.connectionpool",)

    def deliver(self, intent: DeliveryIntent) -> None:
        with _silenced(self.loggers):
            refusal = self.send(intent)
        if refusal is not None:
            raise refusal

    @abstractmethod
    def send(self, intent: DeliveryIntent) -> DeliveryError | None:
        """Send it; return, and don't raise, why it was not taken."""


class _NotWhileSending(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not _sending.get()


_NOT_WHILE_SENDING = _NotWhileSending()


@contextmanager
def _silenced(loggers: tuple[str, ...]) -> Iterator[None]:
    """Drop what these loggers say in this thread; the project's own stays."""
    for name in loggers:
        logging.getLogger(name).addFilter(_NOT_WHILE_SENDING)
    before = _sending.set(True)
    try:
        yield
    finally:
        _sending.reset(before)


def provider_error(
    provider: str,
    *,
    code: str,
    rejected: Container[str],
    retry_after: int | None = None,
) -> DeliveryError:
    """Sort a provider's code: one of ``rejected`` is final, any other is not."""
    if code in rejected:
        return DeliveryRejected(f"{provider} will not deliver it", code=code)
    return DeliveryFailed(
        f"{provider} did not take it", code=code, retry_after=retry_after
    )


def unreachable(provider: str, error: Exception) -> DeliveryFailed:
    """Say how a provider could not be reached, by the kind of error alone."""
    return DeliveryFailed(f"{provider} was not reached: {type(error).__name__}")


def unreadable(provider: str) -> DeliveryFailed:
    """Say that a provider answered something that is no answer."""
    return DeliveryFailed(f"{provider} gave an answer that can't be read")


def seconds_to_wait(retry_after: str | None) -> int | None:
    """Read a ``Retry-After`` header (RFC 9110, section 10.2.3)."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:  # noqa: PLR2004
        return int(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0, math.ceil((when - datetime.now(UTC)).total_seconds()))


def link_or_token(intent: DeliveryIntent) -> str:
    """Return what the person is to open or type; ``""`` for a notice."""
    return intent.link or intent.token or ""


def render_text(intent: DeliveryIntent, *, template: str) -> EmailText:
    """Word a message as one of ``COPIES``: a text message has no subject."""
    if template == "email":
        return render_email(intent)
    return EmailText(subject="", text=render_sms(intent), html="")


def one_of(option: str, value: str, choices: tuple[str, ...]) -> str:
    """Return a channel's option; raises ``ValueError`` for none of the choices."""
    if value not in choices:
        raise ValueError(f"{option} must be one of {', '.join(choices)}")
    return value
