"""A dispatcher that delivers nothing, to measure the request alone."""

from __future__ import annotations

from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch.base import Dispatcher


class DiscardingDispatcher(Dispatcher):
    """Discards every message."""

    def dispatch(self, message: PendingMessage) -> None:
        pass
