"""Dispatchers that deliver nothing, so that only the request's own work is left."""

from __future__ import annotations

from typing import ClassVar

from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch import outbox
from crudauth_django.dispatch.base import Dispatcher


class DiscardingDispatcher(Dispatcher):
    """Discards every message."""

    def dispatch(self, message: PendingMessage) -> None:
        pass


class RecordingDispatcher(Dispatcher):
    """Collects every message in ``messages``."""

    messages: ClassVar[list[PendingMessage]] = []

    def dispatch(self, message: PendingMessage) -> None:
        self.messages.append(message)


class StoringDispatcher(Dispatcher):
    """Stores every message in the outbox, which no worker reads."""

    durable = True

    def dispatch(self, message: PendingMessage) -> None:
        outbox.add(message)
