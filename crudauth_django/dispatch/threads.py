"""Deliver in a few threads of this process."""

import logging
import math
import os
import random
import threading
import time
from functools import partial
from typing import Any

from django.db import connections, transaction

from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch.base import Dispatcher
from crudauth_django.dispatch.delay_queue import DelayQueue

logger = logging.getLogger(__name__)


class ThreadDispatcher(Dispatcher):
    """Delivers in ``workers`` threads, after the transaction has been committed.

    A message that finds ``size`` others waiting is refused: the log has an
    error, and the response does not change. When the interpreter ends, waiting
    messages are delivered first, for at most ``drain`` seconds.

    Each delivery starts after a random delay of up to ``jitter`` seconds. On
    SQLite, the next request may wait for the delivery's writes, and without the
    delay that wait would reveal whether an account was found.
    """

    def __init__(
        self,
        *,
        workers: int = 4,
        size: int = 1000,
        drain: float = 20,
        jitter: float = 0.5,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._workers = workers
        self._jitter = jitter
        self._size = size
        self._drain = drain
        self._has_hooks = False
        self._reset()

    def _reset(self) -> None:
        self._queue = DelayQueue[PendingMessage](size=self._size)
        self._busy = 0
        self._threads: list[threading.Thread] = []
        self._closing = False
        self._changed = threading.Condition()

    def dispatch(self, message: PendingMessage) -> None:
        delay = random.uniform(0, self._jitter)  # noqa: S311 (jitter, not a secret)
        not_before = time.time() + delay
        transaction.on_commit(partial(self._put, message, not_before=not_before))

    def drain(self) -> None:
        """Deliver what is waiting, then return; log how much is lost."""
        deadline = time.monotonic() + self._drain
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            while (self._queue or self._busy) and time.monotonic() < deadline:
                self._changed.wait(deadline - time.monotonic())
            lost = len(self._queue) + self._busy
        if lost:
            logger.error("%d messages were not delivered before the exit.", lost)

    def _put(self, message: PendingMessage, *, not_before: float = 0) -> None:
        with self._changed:
            if self._queue.is_full:
                logger.error("The queue is full: message %s is lost.", message.id)
                return
            self._queue.put(message, due_at=max(message.due_at, not_before))
            self._start_worker()
            self._changed.notify()

    def _start_worker(self) -> None:
        """Start a thread if every other one is busy and the limit allows it."""
        idle = len(self._threads) - self._busy
        if idle >= len(self._queue) or len(self._threads) >= self._workers:
            return
        thread = threading.Thread(target=self._run, name="crudauth", daemon=True)
        try:
            self._register_hooks()
            thread.start()
        except RuntimeError as error:  # no more threads: the others go on
            logger.error("No thread to deliver with: %s.", error)
        else:
            self._threads.append(thread)

    def _register_hooks(self) -> None:
        """Drain at the exit, and start afresh after a fork.

        The first thread registers the hooks: a dispatcher that never delivers,
        such as that of a system check, leaves nothing behind. A forked child
        inherits the hooks, so ``_reset`` does not clear the flag.
        """
        if self._has_hooks:
            return
        # Plain atexit is too late: concurrent.futures has closed by then, and
        # asyncio and providers' clients need it.
        getattr(threading, "_register_atexit")(self.drain)  # noqa: B009 (unknown to type checkers)
        os.register_at_fork(after_in_child=self._reset)
        self._has_hooks = True

    def _run(self) -> None:
        try:
            while True:
                self._deliver_next()
        finally:  # such as SystemExit, raised by a channel
            with self._changed:
                self._threads.remove(threading.current_thread())
                self._start_worker()

    def _deliver_next(self) -> None:
        with self._changed:
            while True:
                # At the exit, every message is due.
                now = math.inf if self._closing else time.time()
                wait = self._queue.seconds_until_due(now=now)
                if wait is not None and wait <= 0:
                    break
                self._changed.wait(wait)
            self._busy += 1
            message = self._queue.pop()
        following = None
        try:
            following = self.handler(message)
        finally:
            connections.close_all()
            # One lock for both: drain() must not return before the next attempt
            # is queued or logged.
            with self._changed:
                self._busy -= 1
                if following is not None and self._closing:
                    logger.error("No time to try message %s again.", following.id)
                elif following is not None:
                    self._put(following)
                self._changed.notify_all()
