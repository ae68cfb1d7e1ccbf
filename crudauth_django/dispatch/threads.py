"""Deliver in a few threads of this process."""

import logging
import math
import os
import random
import threading
import time
from functools import partial
from operator import attrgetter
from typing import Any

from django.db import close_old_connections, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from crudauth_django.delivery.held_back import report_held_back
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch.base import Dispatcher
from crudauth_django.dispatch.delay_queue import DelayQueue
from crudauth_django.users import user_database

logger = logging.getLogger(__name__)


class ThreadDispatcher(Dispatcher):
    """Delivers in ``workers`` threads, after the transaction has been committed.

    A message that finds ``size`` others waiting is refused: the log has an
    error, and the response does not change. When the interpreter ends, waiting
    messages are delivered first, for at most ``drain`` seconds.

    Further attempts wait in a queue of their own, of half the size, and occupy at
    most half of the threads. So they never delay the first attempt at another
    message. If this queue is full, the message with the most attempts is given up.

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
        self._retries = DelayQueue[PendingMessage](size=max(1, self._size // 2))
        self._busy = 0
        self._retrying = 0
        self._threads: list[threading.Thread] = []
        self._closing = False
        self._changed = threading.Condition()

    def dispatch(self, message: PendingMessage) -> None:
        delay = random.uniform(0, self._jitter)  # noqa: S311 (jitter, not a secret)
        due_at = max(message.due_at, time.time() + delay)
        put = partial(self._put, message, due_at=due_at)
        transaction.on_commit(put, using=user_database())

    def drain(self) -> None:
        """Deliver what is waiting, then return; log how much is lost."""
        deadline = time.monotonic() + self._drain
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            while self._threads and time.monotonic() < deadline:
                self._changed.wait(deadline - time.monotonic())
            lost = self._waiting() + self._busy
        if lost:
            logger.error("%d messages were not delivered before the exit.", lost)

    def _waiting(self) -> int:
        return len(self._queue) + len(self._retries)

    def _put(self, message: PendingMessage, *, due_at: float) -> None:
        with self._changed:
            if self._queue.is_full:
                logger.error("The queue is full: message %s is lost.", message.id)
                return
            self._queue.put(message, due_at=due_at)
            self._start_worker()
            self._changed.notify_all()

    def _put_retry(self, message: PendingMessage) -> None:
        """Add a further attempt; give up the one that has no place."""
        dropped, reason = None, "queue_full"
        with self._changed:
            if self._closing:
                dropped, reason = message, "exit"
            else:
                was_full = self._retries.is_full
                self._retries.put(message, due_at=message.due_at)
                if was_full:
                    dropped = self._retries.drop_highest(attrgetter("attempt"))
        if dropped is not None:
            report_held_back(dropped, labels=dropped.channels or (), code=reason)

    def _start_worker(self) -> None:
        """Start a thread if every other one is busy and the limit allows it."""
        idle = len(self._threads) - self._busy
        if idle >= self._waiting() or len(self._threads) >= self._workers:
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
            while self._deliver_next():
                pass
        finally:  # such as SystemExit, raised by a channel
            for connection in connections.all(initialized_only=True):
                # SQLite's own close() keeps a database in memory open.
                BaseDatabaseWrapper.close(connection)
            with self._changed:
                self._threads.remove(threading.current_thread())
                self._start_worker()
                self._changed.notify_all()

    def _deliver_next(self) -> bool:
        """Wait for a message and deliver it; return ``False`` at the exit."""
        with self._changed:
            queue = self._wait_until_due()
            if queue is None:
                return False
            is_retry = queue is self._retries
            self._busy += 1
            self._retrying += is_retry
            message = queue.pop()
        try:
            # As at the begin and the end of a request: CONN_MAX_AGE applies.
            close_old_connections()
            following = self.handler(message)
            # Before this worker counts as idle: drain() must not return between.
            if following is not None:
                self._put_retry(following)
        except BaseException:  # such as SystemExit, raised by a channel
            logger.error("A channel ended its thread: message %s is lost.", message.id)
            raise
        finally:
            close_old_connections()
            with self._changed:
                self._busy -= 1
                self._retrying -= is_retry
                self._changed.notify_all()
        return True

    def _wait_until_due(self) -> DelayQueue[PendingMessage] | None:
        """Wait for a message, and return its queue; first attempts come first.

        ``None`` if the process ends and nothing waits.
        """
        while not self._closing or self._waiting():
            # At the exit, every message is due.
            now = math.inf if self._closing else time.time()
            queues = [self._queue]
            if self._closing or self._retrying < max(1, self._workers // 2):
                queues.append(self._retries)
            waits = [(queue, queue.seconds_until_due(now=now)) for queue in queues]
            for queue, wait in waits:
                if wait is not None and wait <= 0:
                    return queue
            known = [wait for _queue, wait in waits if wait is not None]
            self._changed.wait(min(known, default=None))
        return None
