"""The outbox: messages that survive a crash, with any queue.

A row is written in the request's transaction and deleted once its message is
done. Queues carry only the row's id. A worker must acquire a lease on the row,
with one conditional ``UPDATE``, before it delivers. So a task that is lost, late
or run twice neither loses nor duplicates a message.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.db import InterfaceError, OperationalError, connections, router
from django.db.models import QuerySet
from django.utils import timezone

from crudauth_django.conf.settings import get_settings
from crudauth_django.delivery.held_back import report_held_back
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.models import OutboxEntry

logger = logging.getLogger(__name__)

#: How far the clocks of two machines may differ.
CLOCK_SKEW = timedelta(seconds=1)
#: Waits, in seconds, for a lost database to come back before a result is
#: stored. A result that is not stored is tried again: the message may go out
#: twice.
RETRY_DELAYS = (0.25, 0.5, 1, 2, 4, 8)
#: The number of overdue entries that one call claims.
BATCH_SIZE = 100


def database() -> str:
    """Return the alias of the database that holds the outbox."""
    return router.db_for_write(OutboxEntry)


def add(message: PendingMessage) -> None:
    """Store a message, in the transaction of the caller."""
    OutboxEntry._default_manager.create(
        id=message.id, message=message.to_dict(), due_at=timezone.now()
    )


def due_at(entry_id: str) -> datetime | None:
    """Return when an entry is due; ``None`` once it is gone."""
    return _rows().filter(pk=entry_id).values_list("due_at", flat=True).first()


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """A worker's exclusive time on an entry."""

    message: PendingMessage
    expires_at: datetime

    def checkpoint(self, rest: PendingMessage) -> None:
        """Store what is left to do, for the next worker after a crash."""
        _retry_on_disconnect(lambda: self._row().update(message=rest.to_dict()))

    def reschedule(self, following: PendingMessage) -> datetime:
        """End the lease until the next attempt; return when that is due."""
        due = datetime.fromtimestamp(following.due_at, tz=UTC)
        changes = {"message": following.to_dict(), "due_at": due}
        _retry_on_disconnect(lambda: self._row().update(**changes))
        return due

    def complete(self) -> None:
        """Delete the entry."""
        _retry_on_disconnect(lambda: _rows().filter(pk=self.message.id).delete())

    def _row(self) -> QuerySet[OutboxEntry]:
        """Select the row, unless the lease expired and another worker has it."""
        return _rows().filter(pk=self.message.id, due_at=self.expires_at)


def acquire(entry_id: str) -> Lease | None:
    """Lease an entry that is due; ``None`` if it is not, or is leased.

    An entry that can't be read is logged and deleted.
    """
    now = timezone.now()
    row = _rows().filter(pk=entry_id, due_at__lte=now + CLOCK_SKEW).first()
    if row is None:
        return None
    until = now + get_settings().retry.lease
    if not _rows().filter(pk=row.pk, due_at=row.due_at).update(due_at=until):
        return None
    try:
        message = replace(PendingMessage.from_dict(row.message), id=row.pk)
    except ValueError as error:
        _rows().filter(pk=row.pk, due_at=until).delete()
        logger.error("Deleted the outbox entry %s: %s.", row.pk, error)
        unknown = PendingMessage(id=row.pk, kind="", value="")
        report_held_back(unknown, labels=[""], code="unreadable")
        return None
    return Lease(message=message, expires_at=until)


def claim_overdue(*, since: datetime) -> Iterator[str]:
    """Yield the ids of entries that were due before ``since``.

    Each becomes due now, so it is no longer overdue: of several callers at once,
    one gets it.
    """
    now = timezone.now()
    late = _rows().filter(due_at__lt=since).order_by("due_at")
    for row in late.only("due_at")[:BATCH_SIZE]:
        if _rows().filter(pk=row.pk, due_at=row.due_at).update(due_at=now):
            yield row.pk


def _rows() -> QuerySet[OutboxEntry]:
    return OutboxEntry._default_manager.using(database())


def _retry_on_disconnect(write: Callable[[], object]) -> object:
    """Write, also while the database restarts."""
    connection = connections[database()]
    for delay in RETRY_DELAYS:
        try:
            return write()
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block:
                raise
            logger.warning("The database is away: trying again in %s s.", delay)
            connection.close()
            time.sleep(delay)
    return write()
