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

#: Apprise ends one recipient at these characters and begins the next one.
_SEPARATORS = re.compile(r"[\s,;\"'<>()\\]")


class AppriseChannel(TemplateChannel):
    """Notifies each of the Apprise ``urls``.

    ``{recipient}`` in a URL stands for the recovery value. Apprise does not report
    why a service failed, so every failure is tried again.
    """

    loggers = (*TemplateChannel.loggers, "apprise")

    def __init__(self, *, urls: str | Sequence[str], **options: Any) -> None:
        super().__init__(**options)
        self._urls = [urls] if isinstance(urls, str) else list(urls)
        if not self._urls or not all(PLACEHOLDER in url for url in self._urls):
            raise ValueError(f"urls must be Apprise URLs, each with {PLACEHOLDER}")

    def send(self, intent: DeliveryIntent) -> DeliveryError | None:
        if _SEPARATORS.search(intent.recipient):
            return DeliveryRejected("This recipient can't be part of a URL")
        content = self._render(intent)
        recipient = quote(intent.recipient, safe="")
        failed = 0
        for url in self._urls:
            # For several services at once, Apprise would start threads, and the
            # records of their loggers would not be dropped.
            service = Apprise(asset=AppriseAsset(async_mode=False, secure_logging=True))
            added = service.add(url.replace(PLACEHOLDER, recipient))
            accepted = added and service.notify(
                title=content.subject,
                body=content.html or content.text,
                body_format=NotifyFormat.HTML if content.html else NotifyFormat.TEXT,
            )
            failed += not accepted
        if failed:
            count = f"{failed} of {len(self._urls)}"
            return DeliveryFailed(f"{count} Apprise services did not accept it")
        return None
