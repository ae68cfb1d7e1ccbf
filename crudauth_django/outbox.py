"""Questions that outlive a crash, whatever queue carries them.

A row is written in the request's transaction and deleted when the question is
answered. The queue carries its id alone, as often as it likes: whoever wants
to try takes the row first, with one ``UPDATE``, and has it for the time of a
lease. So a task that a queue lost, held back or ran twice does neither harm.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connections, router, transaction
from django.db.models import QuerySet
from django.utils import timezone

from crudauth_django.conf import get_settings
from crudauth_django.models import OpenQuestion
from crudauth_django.questions import Question, read_question

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: By how much the clocks of two machines may differ.
CLOCK_SLACK = timedelta(seconds=1)
#: Waits, in seconds, while the database is away and an outcome is not written
#: yet. What isn't written in the end is tried again, so it may go out twice.
PATIENCE = (0.25, 0.5, 1, 2, 4, 8)
#: How many overdue questions one sweep brings back.
SWEEP_SIZE = 100


def database() -> str:
    """Name the database that holds the open questions."""
    return router.db_for_write(OpenQuestion)


def put(question: Question) -> None:
    """Write a question down, in the transaction that asks it."""
    OpenQuestion._default_manager.create(
        id=question.id, question=question.as_arguments(), due_at=timezone.now()
    )


def due_at(question_id: str) -> datetime | None:
    """Return when a question is to be tried; ``None`` once it is answered."""
    due = _rows().filter(pk=question_id).values_list("due_at", flat=True)
    return due.first()


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A question that nobody else tries before the lease runs out."""

    question: Question
    until: datetime

    def keep(self, rest: Question) -> None:
        """Write down what is left to do, for whoever comes after a crash."""
        _surely(lambda: self._row().update(question=rest.as_arguments()))

    def postpone(self, follow_up: Question) -> datetime:
        """Give it back until the next try; return when that is due."""
        due = datetime.fromtimestamp(follow_up.due_at, tz=UTC)
        changes = {"question": follow_up.as_arguments(), "due_at": due}
        _surely(lambda: self._row().update(**changes))
        return due

    def close(self) -> None:
        """Forget a question that is answered."""
        _surely(lambda: _rows().filter(pk=self.question.id).delete())

    def _row(self) -> QuerySet[OpenQuestion]:
        """Select the row, unless the lease ran out and another one has it."""
        return _rows().filter(pk=self.question.id, due_at=self.until)


def take(question_id: str) -> Held | None:
    """Take a question that is due; ``None`` if it is not, or another one has it."""
    now = timezone.now()
    row = _rows().filter(pk=question_id, due_at__lte=now + CLOCK_SLACK).first()
    if row is None:
        return None
    until = now + get_settings().retry.lease
    if not _rows().filter(pk=row.pk, due_at=row.due_at).update(due_at=until):
        return None
    return Held(question=read_question(row.question), until=until)


def overdue(*, since: datetime) -> Iterator[str]:
    """Yield the ids of questions that should have been tried before ``since``.

    Each is due now and so not overdue any more: of several that ask at once,
    one gets it.
    """
    now = timezone.now()
    late = _rows().filter(due_at__lt=since).order_by("due_at")
    for row in late.only("due_at")[:SWEEP_SIZE]:
        if _rows().filter(pk=row.pk, due_at=row.due_at).update(due_at=now):
            yield row.pk


def _rows() -> QuerySet[OpenQuestion]:
    return OpenQuestion._default_manager.using(database())


def _surely(write: Callable[[], T]) -> T:
    """Write, also when the database is just being restarted."""
    connection = connections[database()]
    for pause in PATIENCE:
        try:
            return write()
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block:
                raise
            logger.warning("The database is away: trying again in %s s.", pause)
            connection.close()
            time.sleep(pause)
    return write()


def atomically() -> transaction.Atomic:
    """Open a transaction on the database that holds the open questions."""
    return transaction.atomic(using=database())
