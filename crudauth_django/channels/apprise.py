"""Notifications over Apprise, a library for over a hundred services."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from crudauth_django.channels.base import DeliveryIntent
from crudauth_django.channels.provider import TemplateChannel
from crudauth_django.exceptions import DeliveryError, DeliveryFailed, DeliveryRejected

try:
    from apprise import Apprise, AppriseAsset, NotifyFormat
except ImportError as error:
    raise ImportError(
        'AppriseChannel needs Apprise: pip install "crudauth-django[apprise]"'
    ) from error

__all__ = ["AppriseChannel"]

PLACEHOLDER = "{recipient}"

#: Recipients to try a URL with: a service may take numbers, addresses or names.
SAMPLES = ("+15551234567", "neo@example.com", "neo")
#: Apprise ends one recipient at these characters and begins the next one.
_SEPARATORS = re.compile(r"[\s,;\"'<>()\\]")


class AppriseChannel(TemplateChannel):
    """Notifies each of the Apprise ``urls``.

    ``{recipient}`` in a URL stands for the recovery value. Apprise does not report
    why a service failed, so every failure is tried again. The constructor refuses
    a URL that Apprise can't read.
    """

    loggers = (*TemplateChannel.loggers, "apprise")

    def __init__(self, *, urls: str | Sequence[str], **options: Any) -> None:
        super().__init__(**options)
        self._urls = [urls] if isinstance(urls, str) else list(urls)
        if not self._urls or not all(PLACEHOLDER in url for url in self._urls):
            raise ValueError(f"urls must be Apprise URLs, each with {PLACEHOLDER}")
        for url in self._urls:
            with self._silenced():
                known = any(_service(url, sample) for sample in SAMPLES)
            if not known:
                # The rest of the URL may hold a password.
                scheme = url.partition("://")[0] if "://" in url else ""
                raise ValueError(
                    f"urls: Apprise does not know the service {scheme!r}, or a part "
                    "of its URL is missing or malformed"
                )

    def send(self, intent: DeliveryIntent) -> DeliveryError | None:
        if _SEPARATORS.search(intent.recipient):
            return DeliveryRejected("This recipient can't be part of a URL")
        content = self._render(intent)
        failed = 0
        for url in self._urls:
            service = _service(url, intent.recipient)
            accepted = service and service.notify(
                title=content.subject,
                body=content.html or content.text,
                body_format=NotifyFormat.HTML if content.html else NotifyFormat.TEXT,
            )
            failed += not accepted
        if failed:
            count = f"{failed} of {len(self._urls)}"
            return DeliveryFailed(
                f"{count} Apprise services did not accept it",
                maybe_taken=failed < len(self._urls),
            )
        return None


def _service(url: str, recipient: str) -> Apprise | None:
    """Return Apprise with one service; ``None`` for a URL that it can't read."""
    # For several services at once, Apprise would start threads, and the records of
    # their loggers would not be dropped.
    service = Apprise(asset=AppriseAsset(async_mode=False, secure_logging=True))
    added = service.add(url.replace(PLACEHOLDER, quote(recipient, safe="")))
    return service if added else None
