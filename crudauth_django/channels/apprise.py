"""The hundred services behind Apprise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from crudauth_django.channels.base import DeliveryIntent
from crudauth_django.channels.provider import (
    TEMPLATES,
    ProviderChannel,
    one_of,
    render_text,
)
from crudauth_django.exceptions import DeliveryError, DeliveryFailed, DeliveryRejected

try:
    from apprise import Apprise, AppriseAsset, NotifyFormat
except ImportError as error:
    raise ImportError(
        'AppriseChannel needs Apprise: pip install "crudauth-django[apprise]"'
    ) from error

PLACEHOLDER = "{recipient}"

#: Apprise reads these as the end of one recipient and the beginning of the next.
_SEPARATORS = re.compile(r"[\s,;\"'<>()\\]")


class AppriseChannel(ProviderChannel):
    """Notifies by every one of the Apprise ``urls``, with the recipient filled in.

    Each URL says with ``{recipient}`` where the recovery value goes. ``template``
    is the wording: ``"sms"``, or ``"email"`` with a subject and HTML. Apprise
    says whether a service took a message, and not why it did not, so a refusal
    is always tried again.
    """

    loggers = (*ProviderChannel.loggers, "apprise")

    def __init__(
        self, *, urls: str | Sequence[str], template: str = "sms", **options: Any
    ) -> None:
        super().__init__(**options)
        self._urls = [urls] if isinstance(urls, str) else list(urls)
        if not self._urls or not all(PLACEHOLDER in url for url in self._urls):
            raise ValueError(f"urls must be Apprise URLs, each with {PLACEHOLDER}")
        self._template = one_of("template", template, TEMPLATES)

    def send(self, intent: DeliveryIntent) -> DeliveryError | None:
        if _SEPARATORS.search(intent.recipient):
            return DeliveryRejected("This recipient can't be written into a URL")
        failed = [url for url in self._urls if not self._notify(url, intent)]
        if failed:
            count = f"{len(failed)} of {len(self._urls)}"
            return DeliveryFailed(f"{count} Apprise services did not take it")
        return None

    def _notify(self, url: str, intent: DeliveryIntent) -> bool:
        # Apprise turns to threads for several services, and would log from them.
        service = Apprise(asset=AppriseAsset(async_mode=False, secure_logging=True))
        if not service.add(url.replace(PLACEHOLDER, quote(intent.recipient, safe=""))):
            return False
        written = render_text(intent, template=self._template)
        told = service.notify(
            title=written.subject,
            body=written.html or written.text,
            body_format=NotifyFormat.HTML if written.html else NotifyFormat.TEXT,
        )
        return bool(told)
