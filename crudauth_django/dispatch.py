"""What carries a question out of the request."""

from __future__ import annotations

import heapq
import logging
import os
import random
import threading
import time
from abc import ABC, abstractmethod
from datetime import timedelta
from functools import cache, partial
from importlib import import_module
from itertools import count
from types import ModuleType
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import connections, transaction
from django.utils import timezone

from crudauth_django.compat import task_errors
from crudauth_django.conf import get_settings
from crudauth_django.questions import Question, answer

logger = logging.getLogger(__name__)


class Dispatcher(ABC):
    """Takes a question and returns at once; the answer is made elsewhere."""

    #: Whether questions outlive the process.
    durable = False

    @abstractmethod
    def dispatch(self, question: Question) -> None:
        """Accept a question. It never raises for what an answer may run into."""


class InlineDispatcher(Dispatcher):
    """Answers before it returns: for tests and consoles, never for a site.

    Whoever measures the answer's time could tell who has an account. There is
    one try.
    """

    def dispatch(self, question: Question) -> None:
        answer(question)


def _load_tasks() -> ModuleType:
    """Import the task: raises ``ImportError`` where there is no framework for it."""
    errors = task_errors()
    try:
        return import_module("crudauth_django.tasks")
    except errors as error:
        raise ImproperlyConfigured(f"TASKS can't run it: {error}") from error


class TaskDispatcher(Dispatcher):
    """Writes the question down and enqueues its id with Django's Tasks framework.

    Both in the request's transaction, where the queue is in that database.
    ``backend``, ``queue_name`` and ``priority`` choose among the project's
    ``TASKS``. With a backend that can't defer (``supports_defer``), retries
    wait for ``manage.py crudauth_requeue``.
    """

    def __init__(self, **using: Any) -> None:
        self._tasks = _load_tasks()
        try:
            self._task = self._tasks.deliver.using(**using)
        except task_errors() as error:
            raise ImproperlyConfigured(f"TASKS can't run it: {error}") from error
        # A backend that can't keep a task for later runs it here and now.
        self.durable = self._task.get_backend().supports_defer

    def dispatch(self, question: Question) -> None:
        self._tasks.dispatch(self._task, question)

    def requeue(self, *, overdue: timedelta) -> int:
        """Enqueue again what is overdue by so much; return how many that were."""
        number, since = 0, timezone.now() - overdue
        while late := self._tasks.requeue(self._task, overdue_since=since):
            number += late
        return number


class ThreadDispatcher(Dispatcher):
    """Answers in a few threads of this process, after the transaction commits.

    A question that finds ``size`` others waiting is refused, with an error in
    the log and no change to any answer. When the interpreter ends, what waits
    is answered first, for ``drain`` seconds at most.

    Each answer begins a random time of up to ``jitter`` seconds later: on a
    database with one writer, the next request may have to wait for it, and
    must not tell by that what it is about.
    """

    def __init__(
        self,
        *,
        workers: int = 4,
        size: int = 1000,
        drain: float = 20,
        jitter: float = 0.5,
    ) -> None:
        self._workers = workers
        self._jitter = jitter
        self._size = size
        self._drain = drain
        self._hooked = False
        self._reset()

    def _reset(self) -> None:
        self._waiting: list[tuple[float, int, Question]] = []
        self._order = count()
        self._busy = 0
        self._threads: list[threading.Thread] = []
        self._closing = False
        self._changed = threading.Condition()

    def dispatch(self, question: Question) -> None:
        delay = random.uniform(0, self._jitter)  # noqa: S311 (nothing to guess)
        not_before = time.time() + delay
        transaction.on_commit(partial(self._accept, question, not_before=not_before))

    def _accept(self, question: Question, *, not_before: float = 0) -> None:
        with self._changed:
            if len(self._waiting) >= self._size:
                logger.error("The queue is full: question %s is lost.", question.id)
                return
            due_at = max(question.due_at, not_before)
            heapq.heappush(self._waiting, (due_at, next(self._order), question))
            self._hire()
            self._changed.notify()

    def _hire(self) -> None:
        idle = len(self._threads) - self._busy
        if idle >= len(self._waiting) or len(self._threads) >= self._workers:
            return
        thread = threading.Thread(target=self._work, name="crudauth", daemon=True)
        try:
            self._hook()
            thread.start()
        except RuntimeError as error:  # no more threads: those there are go on
            logger.error("No thread to answer with: %s.", error)  # noqa: TRY400
        else:
            self._threads.append(thread)

    def _hook(self) -> None:
        """Have a fork and the exit noticed, from the first thread on.

        A dispatcher that never answers, such as a check's, leaves nothing
        behind. A child inherits the hooks, so ``_reset`` forgets nothing here.
        """
        if self._hooked:
            return
        # Before concurrent.futures closes, which asyncio and clients rely on;
        # plain atexit is too late for that.
        getattr(threading, "_register_atexit")(self.drain)  # noqa: B009 (private to type checkers)
        os.register_at_fork(after_in_child=self._reset)
        self._hooked = True

    def _work(self) -> None:
        try:
            while True:
                follow_up = self._answer_next()
                if follow_up is not None:
                    self._follow(follow_up)
        finally:  # such as SystemExit, raised by a channel
            with self._changed:
                self._threads.remove(threading.current_thread())
                self._hire()

    def _answer_next(self) -> Question | None:
        question = self._next()
        try:
            return answer(question)
        finally:
            connections.close_all()
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _follow(self, question: Question) -> None:
        if self._closing:
            logger.error("No time to try question %s again.", question.id)
        else:
            self._accept(question)

    def _next(self) -> Question:
        with self._changed:
            while not (self._waiting and self._wait() <= 0):
                self._changed.wait(self._wait() if self._waiting else None)
            self._busy += 1
            return heapq.heappop(self._waiting)[2]

    def _wait(self) -> float:
        """Seconds until the next question is due; when closing, all are."""
        return 0 if self._closing else self._waiting[0][0] - time.time()

    def drain(self) -> None:
        """Answer what waits, then return; the rest is lost, and the log says so."""
        deadline = time.monotonic() + self._drain
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            while (self._waiting or self._busy) and time.monotonic() < deadline:
                self._changed.wait(deadline - time.monotonic())
            lost = len(self._waiting) + self._busy
        if lost:
            logger.error("%d questions were not answered before the exit.", lost)


@cache
def get_dispatcher() -> Dispatcher:
    """Return the dispatcher that ``CRUDAUTH_DISPATCHER`` names."""
    return cast("Dispatcher", get_settings().dispatcher.build())


def _forget(*, setting: str, **_kwargs: object) -> None:
    if setting == "CRUDAUTH_DISPATCHER":
        get_dispatcher.cache_clear()


setting_changed.connect(_forget)
