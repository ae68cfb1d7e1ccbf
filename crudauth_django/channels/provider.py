"""The base of the channels over a provider's library or server."""

import logging
import math
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.texts import EmailText, render_email, render_sms
from crudauth_django.exceptions import (
    DeliveryError,
    DeliveryFailed,
    DeliveryMisconfigured,
    DeliveryRejected,
)

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
        with self._silenced():
            error = self.send(intent)
        # Raised outside of ``send``: there, the library's error would be its context.
        if error is not None:
            raise error

    @abstractmethod
    def send(self, intent: DeliveryIntent) -> DeliveryError | None:
        """Send a message; return an error instead of raising it."""

    @contextmanager
    def _silenced(self) -> Iterator[None]:
        """Drop the records of the library in this thread."""
        for name in self.loggers:
            logging.getLogger(name).addFilter(_is_not_sending)
        before = _sending.set(True)
        try:
            yield
        finally:
            _sending.reset(before)


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


def channel_options(*names: str) -> str:
    """Name options of a channel, for an error about them."""
    return f"CRUDAUTH_CHANNELS ({', '.join(names)})"


def provider_error(
    provider: str,
    *,
    code: str,
    final: bool = False,
    setting: str | None = None,
    retry_after: str | None = None,
) -> DeliveryError:
    """Return the error for a provider's response.

    ``final`` means that no further attempt can succeed. ``setting`` is the setting
    that the provider refuses. ``retry_after`` is the response's header (RFC 9110,
    section 10.2.3).
    """
    if setting:
        reason = f"{provider} refuses this site's credentials or set-up"
        return DeliveryMisconfigured(reason, setting=setting, code=code)
    if final:
        return DeliveryRejected(f"{provider} will not deliver it", code=code)
    return DeliveryFailed(
        f"{provider} did not accept it",
        code=code,
        retry_after=_parse_retry_after((retry_after or "").strip()),
    )


def unreachable(
    provider: str, error: Exception, *, maybe_taken: bool = False
) -> DeliveryFailed:
    """Return the error for a failed connection, with the class of its cause only.

    ``maybe_taken`` says that the connection failed after the request was sent.
    """
    what = "did not respond" if maybe_taken else "was not reached"
    reason = f"{provider} {what}: {type(error).__name__}"
    return DeliveryFailed(reason, maybe_taken=maybe_taken)


def was_sent(error: Exception) -> bool:
    """Return whether an error of ``requests`` came after the request was sent.

    Its cause is a ``MaxRetryError`` of urllib3 if it could not connect.
    """
    causes = {type(argument).__name__ for argument in error.args}
    return isinstance(error, OSError) and "MaxRetryError" not in causes


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
