"""Counts in a table of the project's database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    connections,
    router,
    transaction,
)
from django.db.models import F
from django.utils import timezone

from crudauth_django.counters.base import TRIES, CounterStore
from crudauth_django.exceptions import CountersUnavailable
from crudauth_django.models import Counter

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import QuerySet

T = TypeVar("T")


class DatabaseCounters(CounterStore):
    """Counts in a table: right across processes with no other service.

    ``alias`` names the database; by default, the routers choose it. Inside a
    transaction of the caller's, counting happens on a connection of its own,
    so that a rolled-back request (``ATOMIC_REQUESTS``) still counts. SQLite,
    which has one writer at a time, counts in the caller's transaction. On
    PostgreSQL a count does not wait for the disk.
    """

    def __init__(self, *, alias: str | None = None) -> None:
        self._alias = alias

    @property
    def alias(self) -> str:
        """The database that holds the counters."""
        return self._alias or router.db_for_write(Counter)

    def increment(self, key: str, *, period: int) -> int:
        return self._run(partial(self._add, key, period))

    def decrement(self, key: str) -> None:
        self._run(
            lambda: self._live(key).filter(value__gt=0).update(value=F("value") - 1)
        )

    def get_many(self, keys: Iterable[str]) -> dict[str, int]:
        wanted = list(keys)
        live = self._rows().filter(key__in=wanted, expires_at__gt=timezone.now())
        try:
            return dict(live.values_list("key", "value"))
        except (DatabaseError, InterfaceError) as error:
            raise CountersUnavailable(str(error)) from error

    def set(self, key: str, value: int, *, period: int) -> None:
        row = Counter(key=key, value=value, expires_at=_in(period))
        self._run(
            lambda: self._rows().bulk_create(
                [row],
                update_conflicts=True,
                unique_fields=_conflict_target(connections[self.alias]),
                update_fields=["value", "expires_at"],
            )
        )

    def delete_many(self, keys: Iterable[str]) -> None:
        wanted = list(keys)
        self._run(lambda: self._rows().filter(key__in=wanted).delete())

    def prune(self) -> int:
        """Delete what has expired; return how many rows that were."""
        expired = self._rows().filter(expires_at__lte=timezone.now())
        return self._run(lambda: expired.delete()[0])

    def _rows(self) -> QuerySet[Counter]:
        return Counter._default_manager.using(self.alias)

    def _live(self, key: str) -> QuerySet[Counter]:
        return self._rows().filter(key=key, expires_at__gt=timezone.now())

    def _add(self, key: str, period: int) -> int:
        for _try in range(TRIES):
            if self._increment(key) or self._begin(key, period):
                # The row is this transaction's until it ends, and so is the value.
                return self._rows().values_list("value", flat=True).get(key=key)
        raise CountersUnavailable(f"no place in {TRIES} tries")

    def _increment(self, key: str) -> bool:
        return bool(self._live(key).update(value=F("value") + 1))

    def _begin(self, key: str, period: int) -> bool:
        fresh: dict[str, Any] = {"value": 1, "expires_at": _in(period)}
        expired = self._rows().filter(key=key, expires_at__lte=timezone.now())
        if expired.update(**fresh):
            return True
        try:
            with transaction.atomic(using=self.alias):
                self._rows().create(key=key, **fresh)
        except IntegrityError:
            return False
        return True

    def _run(self, work: Callable[[], T]) -> T:
        for _try in range(TRIES):
            try:
                return self._in_one_transaction(work)
            except (DatabaseError, InterfaceError) as error:
                if not _is_deadlock(error):
                    raise CountersUnavailable(str(error)) from error
        raise CountersUnavailable(f"a deadlock in each of {TRIES} tries")

    def _in_one_transaction(self, work: Callable[[], T]) -> T:
        connection = connections[self.alias]
        if _in_a_transaction(connection):
            return _on_another_connection(self.alias, work)
        with _quick_transaction(connection):
            return work()


def _in(period: int) -> datetime:
    return timezone.now() + timedelta(seconds=period)


def _is_deadlock(error: Exception) -> bool:
    """Whether MySQL or MariaDB undid this transaction for another's sake.

    There, those whose ``INSERT`` found the row taken share a lock on it, which
    each then needs for itself alone (ER_LOCK_DEADLOCK).
    """
    return error.args[:1] == (1213,)


def _conflict_target(connection: BaseDatabaseWrapper) -> list[str] | None:
    if connection.features.supports_update_conflicts_with_target:
        return ["key"]
    return None


def _in_a_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Whether a rollback that is not a test case's own could undo a count.

    On SQLite a second connection would wait for this one, whose transaction
    keeps every other from writing, and this one for it.
    """
    if connection.vendor == "sqlite":
        return False
    return any(
        not getattr(block, "_from_testcase", False)
        for block in connection.atomic_blocks
    )


@contextmanager
def _quick_transaction(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Hold one transaction which, on PostgreSQL, does not wait for the disk."""
    outermost = not connection.in_atomic_block
    with transaction.atomic(using=connection.alias):
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit TO OFF")
        yield


def _on_another_connection(alias: str, work: Callable[[], T]) -> T:
    """Run in a thread: connections belong to threads, and so do transactions."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with _quick_transaction(connections[alias]):
                results.append(work())
        except (DatabaseError, InterfaceError, CountersUnavailable) as error:
            errors.append(error)
        finally:
            connections[alias].close()

    thread = Thread(target=run, name="crudauth-counters")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    if not results:
        raise CountersUnavailable("the counting thread died")
    return results[0]
