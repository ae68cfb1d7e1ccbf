"""Build what a channel gets."""

import uuid
from datetime import timedelta

from crudauth_django.channels.base import DeliveryIntent
from crudauth_django.conf.settings import get_settings
from crudauth_django.kinds import MessageKind


def link_for(kind: MessageKind, token: str) -> str:
    """Return the link of a message; ``""`` without ``CRUDAUTH_FRONTEND_URL``."""
    url = get_settings().frontend_url.get(kind, "")
    return f"{url}{'&' if '?' in url else '?'}token={token}" if url else ""


def build_intent(
    *,
    kind: MessageKind,
    recipient: str,
    account: str,
    token: str | None = None,
    expires_in: timedelta | None = None,
    language: str = "",
    id: str | None = None,  # noqa: A002 (the field's name)
) -> DeliveryIntent:
    """Return an intent with its link; without ``id`` it gets a new one."""
    return DeliveryIntent(
        id=id or uuid.uuid4().hex,
        kind=kind,
        token=token,
        recipient=recipient,
        account=account,
        language=language,
        expires_in=expires_in,
        link=link_for(kind, token) if token else "",
    )
