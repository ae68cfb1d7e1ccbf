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
from typing import Any, Self

logger = logging.getLogger(__name__)

#: Seconds before the second try; each further wait is up to twice as long.
BACKOFF = 2.0
#: No wait between two tries is longer, in seconds.
LONGEST_WAIT = 900.0


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
        ceiling = min(BACKOFF * 2 ** min(self.attempt, 16), LONGEST_WAIT)
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


Answerer = Callable[[Question], Question | None]

_answerers: list[Answerer] = []


def answers_questions(function: Answerer) -> Answerer:
    """Register what answers questions; the flows do, when the app is ready."""
    _answerers[:] = [function]
    return function


def answer(question: Question) -> Question | None:
    """Answer it once; return the next try, if there has to be one.

    What goes wrong before a channel is reached, such as a database that is
    gone, is tried again like a channel that failed.
    """
    (answerer,) = _answerers
    try:
        return answerer(question)
    # Nothing may be lost to an error that nobody thought of, and no worker
    # may die of it.
    except Exception as error:  # noqa: BLE001
        logger.error(  # noqa: TRY400 (a traceback could show the value)
            "Question %s (%s) could not be answered: %s.",
            question.id,
            question.kind,
            type(error).__name__,
        )
        return question.again(channels=question.channels)


def read_question(arguments: Mapping[str, Any]) -> Question:
    """Read what a queue carried."""
    return Question(**arguments)
