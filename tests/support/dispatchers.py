"""A part that does nothing, so that only what a request does itself is left."""

from __future__ import annotations

from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch.base import Dispatcher


class NobodyDispatcher(Dispatcher):
    """Forgets every question."""

    def dispatch(self, question: PendingMessage) -> None:
        pass
