"""What a request leaves behind: a question, never a secret.

A question says what was asked about which value. Whoever answers it, off the
request, finds the account, mints the token and hands both to the channels.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any, Self

from crudauth_django.conf import get_settings

logger = logging.getLogger(__name__)

#: A notice, which has no token, is worth another try for this long.
NOTICE_MAX_AGE = timedelta(hours=24)
#: Waits stop doubling here, long before the numbers get out of hand.
MOST_DOUBLINGS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """All values are plain, so that every queue can carry them."""

    #: A kind of message (``crudauth_django.channels.base.KINDS``).
    kind: str
    #: The recovery value that it is about, in its one spelling.
    value: str = field(repr=False)
    #: The primary key of the account that it is about, where that is known.
    key: str | None = None
    #: The language of whoever asked, for an account that has none of its own.
    language: str = ""
    #: The same for every try: channels pass it on as an idempotency key.
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    #: Unix time of the request.
    asked_at: float = field(default_factory=time.time)
    #: 1 for the first try.
    attempt: int = 1
    #: Unix time before which no try is due.
    due_at: float = 0.0
    #: The labels of the channels still to be tried; ``None`` for all.
    channels: list[str] | None = None

    def again(
        self, *, channels: list[str] | None, retry_after: float | None = None
    ) -> Self:
        """Return the next try: later each time, and not all at one moment.

        ``retry_after`` is a provider's own wish, in seconds.
        """
        policy = get_settings().retry
        doubled = policy.base.total_seconds() * 2 ** min(self.attempt, MOST_DOUBLINGS)
        ceiling = min(doubled, policy.max.total_seconds())
        wait = max(random.uniform(ceiling / 2, ceiling), retry_after or 0)  # noqa: S311 (jitter)
        return replace(
            self,
            attempt=self.attempt + 1,
            channels=channels,
            due_at=time.time() + wait,
        )

    def as_arguments(self) -> dict[str, Any]:
        """Return what a queue carries; ``Question(**…)`` reads it."""
        return asdict(self)


#: Is handed what is left of a question each time that a part of it is done.
Keeper = Callable[[Question], None]
Answerer = Callable[[Question, Keeper], Question | None]

_answerers: list[Answerer] = []


def answers_questions(function: Answerer) -> Answerer:
    """Register what answers questions; the flows do, when the app is ready."""
    _answerers[:] = [function]
    return function


def _keep_nothing(question: Question) -> None:
    """Nothing outlives this process anyway."""


def answer(question: Question, keep: Keeper = _keep_nothing) -> Question | None:
    """Answer it once; return the next try, if there has to be one.

    What goes wrong before a channel is reached, such as a database that is
    gone, is tried again like a channel that failed. ``keep`` makes sure that
    a try which begins where another one died does not repeat what that did.
    """
    left = question

    def remember(rest: Question) -> None:
        nonlocal left
        left = rest
        keep(rest)

    if _is_worthless(question):
        logger.error("Gave up on %s (%s).", question.id, question.kind)
        return None
    (answerer,) = _answerers
    try:
        return answerer(question, remember)
    # Nothing may be lost to an error that nobody thought of, and no worker
    # may die of it.
    except Exception as error:  # noqa: BLE001
        logger.error(  # noqa: TRY400 (a traceback could show the value)
            "Question %s (%s) could not be answered: %s.",
            question.id,
            question.kind,
            type(error).__name__,
        )
        return left.again(channels=left.channels)


def _is_worthless(question: Question) -> bool:
    """Whether no kind of message would still be worth sending."""
    policy = get_settings()
    lifetimes = (policy.verify_max_age, policy.reset_max_age, policy.change_max_age)
    longest = max(NOTICE_MAX_AGE, *lifetimes)
    return time.time() > question.asked_at + longest.total_seconds()


def read_question(arguments: Mapping[str, Any]) -> Question:
    """Read what a queue carried."""
    return Question(**arguments)
