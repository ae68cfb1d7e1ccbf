"""A handler of pending messages that a test starts, holds and reads."""

from __future__ import annotations

import threading
from collections.abc import Callable

from crudauth_django.delivery.message import PendingMessage
from tests.support.waiting import PATIENCE


class RecordingHandler:
    """Handles messages as ``result`` says, and lists them in ``handled``.

    While ``proceed`` is clear, every call waits.
    """

    def __init__(self) -> None:
        self.handled: list[PendingMessage] = []
        self.running = 0
        self.most_running = 0
        self.proceed = threading.Event()
        self.proceed.set()
        self.result: Callable[[PendingMessage], PendingMessage | None] = (
            lambda _message: None
        )
        self._changed = threading.Condition()

    def __call__(self, message: PendingMessage) -> PendingMessage | None:
        with self._changed:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            self._changed.notify_all()
        assert self.proceed.wait(PATIENCE)
        try:
            return self.result(message)
        finally:
            with self._changed:
                self.running -= 1
                self.handled.append(message)
                self._changed.notify_all()

    def wait_for(self, number: int) -> None:
        """Wait until so many messages have been handled."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.handled) >= number, PATIENCE)

    def wait_until_running(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.running >= number, PATIENCE)
